// The topics and channels of a run as streams of the store, with the newest messages of each in memory.
import type { Stored } from '../model/codec.ts'
import type { Destination, MessageType } from '../model/message.ts'
import type { StartAt, StreamInfo } from '../model/streams.ts'
import type { LogStore } from '../seam/log.ts'
import type { ProgressRow, ProgressStore, Subscribed } from '../seam/progress.ts'
import { setPositions } from './commit/positions.ts'
import { RecentMessages } from './commit/recent-messages.ts'
import type { ChannelState } from './request/withdrawals.ts'

/** The position of a processor on a topic or channel. */
export interface Position {
  readonly processor: string
  readonly destination: string
  /** Everything up to this position is done. */
  readonly low: number
  /** Messages after it. */
  readonly lag: number
}

export interface StreamsHost {
  /** A message is durable in its log. */
  accepted(message: Stored): void
}

export class Streams {
  /** By name. */
  readonly ids: ReadonlyMap<string, number>
  /** The stream of each type. */
  readonly ofTypes: ReadonlyMap<MessageType, number>
  private readonly host: StreamsHost
  private readonly infos: ReadonlyMap<number, StreamInfo>
  private readonly recents: ReadonlyMap<number, RecentMessages>
  private readonly topics: ReadonlySet<number>
  /** The newest position that the run has appended to a stream. */
  private readonly expected = new Map<number, number>()

  /**
   * @param streams every stream of the store, as it was opened
   * @param destinations the topics and channels of the app: each has a stream
   */
  constructor(streams: readonly StreamInfo[], destinations: readonly Destination[], host: StreamsHost) {
    const ids = new Map(streams.map(({ id, name }) => [name, id]))
    this.ids = ids
    this.infos = new Map(streams.map((stream) => [stream.id, stream]))
    this.recents = new Map(streams.map(({ id, head }) => [id, new RecentMessages(head)]))
    this.ofTypes = new Map(destinations.flatMap(({ name, types }) => types.map((type) => [type, ids.get(name)!])))
    this.topics = new Set(destinations.flatMap(({ kind, name }) => (kind === 'topic' ? ids.get(name)! : [])))
    this.host = host
  }

  get all(): ReadonlyMap<number, StreamInfo> {
    return this.infos
  }

  /** The stream of a topic or channel of the app. */
  of({ name }: Pick<Destination, 'name'>): number {
    return this.ids.get(name)!
  }

  recent(stream: number): RecentMessages {
    return this.recents.get(stream)!
  }

  /** The run has appended messages: they are to arrive. */
  appended(messages: readonly Stored[]): void {
    for (let index = 0; index < messages.length; index++) {
      const { stream, position } = messages[index]!
      // Most messages are on the stream of the next; the last position of each run of them is the highest.
      if (messages[index + 1]?.stream !== stream) this.expected.set(stream, position)
    }
  }

  /** Takes messages that have arrived. Returns the streams that have new messages. */
  arrived(messages: readonly Stored[], positions: readonly number[]): ReadonlySet<number> {
    setPositions(messages, positions)
    const grown = new Set<number>()
    let last = -1
    let recent: RecentMessages | undefined
    for (const message of messages) {
      const { stream } = message
      // Most messages are on the stream of the one before.
      if (stream !== last) {
        last = stream
        recent = this.recent(stream)
        grown.add(stream)
      }
      recent!.push(message)
      this.host.accepted(message)
    }
    return grown
  }

  /** True when all that the run has appended has arrived. */
  get idle(): boolean {
    for (const [stream, position] of this.expected) if (this.recent(stream).head < position) return false
    this.expected.clear()
    return true
  }

  positions(rows: readonly ProgressRow[]): Position[] {
    return rows.map(({ processor, stream, low }) => ({
      processor,
      destination: this.infos.get(stream)!.name,
      low,
      lag: Math.max(0, this.recent(stream).head - low),
    }))
  }

  /** The rows that are not about topics of the app. */
  channels(rows: readonly ProgressRow[]): ChannelState[] {
    const mine = rows.filter(({ stream }) => !this.topics.has(stream))
    return mine.map(({ stream, low }) => ({ stream, low, head: this.recents.get(stream)?.head ?? Infinity }))
  }
}

/** The position after which a new processor begins. */
export async function startOf(log: LogStore, stream: number, startAt: StartAt): Promise<number> {
  if (startAt === 'now') return log.head(stream)
  if (startAt === 'beginning') return (await log.first(stream)) - 1
  return log.positionBefore(stream, startAt.getTime())
}

/** A processor that begins on a stream. */
interface Subscriber {
  readonly name: string
  readonly startAt: StartAt
}

/** Where a store keeps what a subscription reads and writes. */
interface SubscribeStore {
  readonly log: LogStore
  readonly progress: Pick<ProgressStore, 'subscribe'>
}

/** Takes up a stream for a processor; one that is new begins where it says. */
export async function subscribe(
  { log, progress }: SubscribeStore,
  { name, startAt }: Subscriber,
  stream: number,
): Promise<Subscribed> {
  return progress.subscribe(name, stream, await startOf(log, stream, startAt))
}
