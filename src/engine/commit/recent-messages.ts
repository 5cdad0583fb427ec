import type { Stored } from '../../model/codec.ts'

/** The bounds of what stays in memory of one stream, for processors that keep up. */
const messagesMax = 16_384
const charsMax = 8 * 1024 * 1024

/** Takes the place of a message that was dropped, so that nothing refers to it. */
const gone = undefined as unknown as Stored

const none: { readonly messages: readonly Stored[]; readonly index: number } = { messages: [], index: 0 }

/**
 * The newest messages of one stream, in memory, so that a processor that keeps up never reads the disk. It holds durable
 * messages only, in the order of positions, without a gap up to the head.
 */
export class RecentMessages {
  /** The newest durable position. */
  head: number
  /** Everything after this position is in memory. */
  private base: number
  private readonly messages: Stored[] = []
  /** Messages before this index were dropped. */
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
   * Returns the messages after a position, and the index at which they begin; undefined where some of them are on disk
   * only. Read the list at once: it grows with the stream.
   */
  after(position: number): { readonly messages: readonly Stored[]; readonly index: number } | undefined {
    if (position < this.base) return undefined
    const first = this.messages[this.start]
    if (first === undefined) return none
    let index = this.start + Math.max(0, position + 1 - first.position)
    if (index > this.messages.length) index = this.messages.length
    // Positions may have gaps. Then the guess is too far, and the place is before it.
    while (index > this.start && this.messages[index - 1]!.position > position) index--
    return { messages: this.messages, index }
  }

  /** Drops the messages that all processors have passed, and the oldest ones beyond the bounds. */
  trim(passed: number): void {
    const { messages } = this
    while (this.start < messages.length) {
      const oldest = messages[this.start]!
      const over = messages.length - this.start > messagesMax || this.chars > charsMax
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
}
