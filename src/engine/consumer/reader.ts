// How one processor takes the messages of its stream: from memory while it keeps up, from disk while it is behind.
//
//   live: all up to the head is taken ⇄ behind: messages wait in memory or on disk ⇄ reading: a read from disk runs
//
// A window bounds the messages that are taken and not done, by number and by characters. A full window takes none.
import type { Stored } from '../../model/codec.ts'
import type { RecentMessages } from '../commit/recent-messages.ts'

/** How many messages are read from disk at once. */
const readMessages = 512
/** How many messages are passed over before that is written. */
const saveEvery = 8_192

export interface ReaderHost {
  readonly progress: {
    readonly low: number
    /** The low-water that was written last. */
    rowLow: number
    readonly stream: number
    isDone(position: number): boolean
    done(position: number): void
    reaches(position: number): boolean
  }
  readonly limits: { readonly windowMessages: number; readonly windowBytes: number }
  /** The messages of the stream after a position, in order. */
  read(after: number, limit: number, bytesMax: number): Promise<Stored[]>
  /** Whether messages of a type are done without a handler. */
  isPassedOver(type: string): boolean
  /** Writes the progress, though no message was handled. */
  save(): void
  /** Takes a message, and calls {@link Reader.entered} where it counts in the window. */
  take(message: Stored): void
  /** Messages were read from disk and taken. */
  taken(): void
  /** A read from disk has ended: the consumer pulls again. */
  caughtUp(): void
  cannotRead(error: unknown): void
}

export class Reader {
  /** Every message up to this position is taken. */
  position: number
  /** Messages in the window. */
  messages = 0
  private chars = 0
  private reading = false
  private stopped = false
  private readonly host: ReaderHost
  private readonly recent: RecentMessages

  constructor(host: ReaderHost, recent: RecentMessages) {
    this.host = host
    this.recent = recent
    this.position = host.progress.low
  }

  get isBehind(): boolean {
    return this.position < this.recent.head
  }

  /** Whether messages wait for room in the window. */
  get isFull(): boolean {
    return this.isBehind && !this.stopped && !this.room
  }

  get head(): number {
    return this.recent.head
  }

  /** Takes as many messages as there is room for. Returns false while a read from disk is under way. */
  pull(): boolean {
    if (this.reading) return false
    while (this.isBehind && this.room) {
      const found = this.recent.after(this.position)
      if (found === undefined) {
        if (!this.roomToRead) break
        this.readOn()
        return false
      }
      const { messages } = found
      for (let index = found.index; index < messages.length && this.room; index++) this.offer(messages[index]!)
    }
    return true
  }

  /** Takes messages that are committed and not durable yet, where all before them are taken. Returns whether it took any. */
  pullAhead(messages: readonly Stored[]): boolean {
    if (this.reading || this.isBehind) return false
    const { position } = this
    for (const message of messages) {
      if (message.stream !== this.host.progress.stream || message.position <= this.position) continue
      // One before it has not arrived yet, and comes first.
      if (message.position > this.position + 1 || !this.room) break
      this.offer(message)
    }
    return this.position !== position
  }

  /** A message counts in the window. */
  entered(message: Stored): void {
    this.messages++
    this.chars += message.json.length
  }

  /** A message is done or at the desk: it leaves the window. */
  left(message: Stored): void {
    this.messages--
    this.chars -= message.json.length
  }

  /** Takes nothing until it goes on. */
  stop(): void {
    this.stopped = true
  }

  goOn(): void {
    this.stopped = false
  }

  private readOn(): void {
    this.reading = true
    this.catchUp().then(
      () => {
        this.reading = false
        this.host.caughtUp()
      },
      (error: unknown) => {
        this.reading = false
        this.host.cannotRead(error)
      },
    )
  }

  /** Reads from disk until the next message is in memory, or the window has no room. */
  private async catchUp(): Promise<void> {
    const { host, recent } = this
    const { windowMessages, windowBytes } = host.limits
    while (this.roomToRead && this.isBehind && recent.after(this.position) === undefined) {
      // No more than there is room for: the rest would be read again each time a message ends.
      const limit = Math.min(readMessages, recent.head - this.position, windowMessages - this.messages)
      const messages = await host.read(this.position, limit, windowBytes)
      if (messages.length === 0) {
        this.position = recent.head
        return
      }
      for (const message of messages) {
        if (message.position > recent.head || !this.room) break
        this.offer(message)
      }
      host.taken()
    }
  }

  private offer(message: Stored): void {
    const { host } = this
    const { progress } = host
    const { position } = message
    for (let gap = this.position + 1; gap < position; gap++) if (!progress.isDone(gap)) progress.done(gap)
    this.position = position
    if (progress.isDone(position)) return
    if (host.isPassedOver(message.type)) this.passOver(position)
    else host.take(message)
  }

  /** The position is written with the next commit, or by itself after many of these. */
  private passOver(position: number): void {
    const { progress } = this.host
    progress.done(position)
    if (progress.low - progress.rowLow < saveEvery) return
    progress.rowLow = progress.low
    this.host.save()
  }

  /** A read pays when there is room for many messages; until then messages end and make room. */
  private get roomToRead(): boolean {
    const { windowMessages } = this.host.limits
    return this.room && (this.messages === 0 || windowMessages - this.messages >= windowMessages / 4)
  }

  private get room(): boolean {
    const { limits, progress } = this.host
    return (
      this.messages < limits.windowMessages &&
      this.chars < limits.windowBytes &&
      progress.reaches(this.position + 1) &&
      !this.stopped
    )
  }
}
