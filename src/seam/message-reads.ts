// The log as people look through it: in slices, beside the work of the app. A store reads it on a connection of its own,
// so that no list, search or story delays a handler or a commit, however much there is to read.
//
// What each call gives is of one moment: not older than the moment of the call, and durable when it is given. Two calls
// may give two moments. A call that takes too long, or whose connection breaks, rejects with `millrace/reader-ended`; the
// same call may be made again.
import type { LogPlace } from '../model/log-views.ts'
import type { MessageOutcome, MessageRow } from '../model/message-views.ts'

/** The part of a stream that is looked through. */
export interface StreamSpan {
  readonly stream: number
  readonly name: string
  /** The positions of the oldest and the newest message. */
  readonly first: number
  readonly last: number
  /** When these two were published, milliseconds since 1970. */
  readonly firstTime: number
  readonly lastTime: number
}

/** Which streams, and which part of each. Where the clock jumped, the part begins and ends at positions that fit. */
export interface SpanFilter {
  readonly destination?: string | undefined
  /** Milliseconds since 1970. */
  readonly since?: number | undefined
  /** Milliseconds since 1970, not included. */
  readonly until?: number | undefined
}

/** Which messages of a slice are given; every field that is set must match. */
export interface SliceFilter {
  readonly id?: string | undefined
  readonly type?: string | undefined
  readonly context?: string | undefined
  readonly correlation?: string | undefined
  readonly since?: number | undefined
  readonly until?: number | undefined
}

/** The slice of one stream that is asked for. */
export interface SliceAsk {
  readonly stream: number
  readonly order: 'newest' | 'oldest'
  /** The position at which the slice begins, and the last one that may be looked at in that order. */
  readonly from: number
  readonly end: number
  readonly filter: SliceFilter
  /** The most rows. */
  readonly limit: number
}

/** A slice of a stream. */
export interface MessageSlice {
  readonly rows: readonly MessageRow[]
  /** The position of the first message that was not looked at, with its time; undefined where all were. */
  readonly next: { readonly position: number; readonly time: number } | undefined
  /** Positions that were looked at. */
  readonly looked: number
}

/** The names that a filter may have. */
export interface KnownNames {
  /** Topics and channels. */
  readonly destinations: readonly string[]
  /** Types that there are messages of, or were. */
  readonly types: readonly string[]
}

/** All reads are bounded: by positions looked at, by rows, and by bytes. */
export interface MessageReads {
  names(): Promise<KnownNames>
  /** The streams that have messages in the span, by number. */
  spans(filter: SpanFilter): Promise<StreamSpan[]>
  /** The messages that match in the next 2,000 positions at most, in order; fewer where they are large. */
  slice(ask: SliceAsk): Promise<MessageSlice>
  /** The places of the messages to which publishers gave this id. Generated ids are in no index. */
  withId(id: string): Promise<LogPlace[]>
  /** What became of a message at each processor of its stream, by name. */
  outcomes(place: LogPlace): Promise<MessageOutcome[]>
}
