// The messages of topics as they are read by listeners: only what is durable, from memory where it is there.
import type { Stored } from '../model/codec.ts'
import type { LogStore } from '../seam/log.ts'
import type { Streams } from './streams.ts'

/** The size of the data of one page, bytes. */
const pageBytes = 1024 * 1024

export class LogView {
  private readonly streams: Pick<Streams, 'ids' | 'recent'>
  private readonly log: Pick<LogStore, 'read'>

  constructor(streams: Pick<Streams, 'ids' | 'recent'>, log: Pick<LogStore, 'read'>) {
    this.streams = streams
    this.log = log
  }

  /** The newest position of a topic; 0 where there was no message. */
  head(topic: string): number {
    return this.streams.recent(this.streams.ids.get(topic)!).head
  }

  /** The next messages of a topic after a position, in order, at most so many; at least one when there is one. */
  async after(topic: string, position: number, limit: number): Promise<readonly Stored[]> {
    const stream = this.streams.ids.get(topic)!
    const recent = this.streams.recent(stream)
    if (position >= recent.head) return []
    const inMemory = recent.after(position)
    if (inMemory !== undefined) return inMemory.messages.slice(inMemory.index, inMemory.index + limit)
    const { head } = recent
    const messages = await this.log.read(stream, position, limit, pageBytes)
    // The log may be read before its last sync.
    return messages.filter((message) => message.position <= head)
  }
}
