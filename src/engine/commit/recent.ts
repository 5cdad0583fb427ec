import type { Stored } from '../../model/codec.ts'

/** How much of the newest messages of a stream stays in memory for those that keep up. */
const tailMessagesMax = 16_384
const tailCharsMax = 8 * 1024 * 1024

/** Stands where a message was: what has been let go is not referred to. */
const gone = undefined as unknown as Stored

/**
 * The newest messages of one stream, in memory, so that who keeps up never reads the disk. Only durable messages come
 * in, in order and without a gap between them and the head.
 */
export class Tail {
  /** The newest durable position. */
  head: number
  /** Everything after this position is in memory. */
  private base: number
  private readonly messages: Stored[] = []
  /** Messages before this index are gone. */
  private start = 0
  private chars = 0

  constructor(head: number) {
    this.head = head
    this.base = head
  }

  push(message: Stored): void {
    this.messages.push(message)
    this.chars += message.json.length
    this.head = message.position
  }

  /**
   * The messages after a position with the index at which they begin; undefined where they are not in memory any more
   * (then they are on disk). To be read at once: the list goes on with the tail.
   */
  after(position: number): { readonly messages: readonly Stored[]; readonly index: number } | undefined {
    if (position < this.base) return undefined
    const first = this.messages[this.start]
    if (first === undefined) return this.none
    let index = this.start + Math.max(0, position + 1 - first.position)
    if (index > this.messages.length) index = this.messages.length
    // Positions may have gaps: then the place guessed is too far, and the right one lies before it.
    while (index > this.start && this.messages[index - 1]!.position > position) index--
    return { messages: this.messages, index }
  }

  /** Lets go of what everybody has passed, and of the oldest beyond the bounds. */
  trim(passed: number): void {
    const { messages } = this
    while (this.start < messages.length) {
      const oldest = messages[this.start]!
      const over = messages.length - this.start > tailMessagesMax || this.chars > tailCharsMax
      if (oldest.position > passed && !over) break
      this.chars -= oldest.json.length
      this.base = oldest.position
      messages[this.start++] = gone
    }
    if (this.start === messages.length || (this.start > 1_024 && this.start * 2 > messages.length)) {
      messages.splice(0, this.start)
      this.start = 0
    }
  }

  private readonly none = { messages: [], index: 0 }
}
