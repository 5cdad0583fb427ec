// The log: the streams of messages. It is a facet of its own, so that a log in another place can be put under the same
// state. Positions of a stream are strictly increasing and may have gaps.
//
//   appended (its transaction is committed) ──→ durable ──→ arrived: the listener is told, in the order of positions
//
// Appended is not arrived. `commit` returns the positions of the messages that it has appended; a message that any
// process has appended arrives later, and may arrive before its own commit has answered.
import type { Stored } from '../model/codec.ts'

/**
 * The result for a message that was to be appended: its position; 0 where it is kept until it is due, or another condition
 * was not met; or how its data compare with those of the message that has its id already.
 */
export type Appended = number | 'same' | 'other'

/** Told of messages that have arrived, with the position of each. It throws nothing. */
export type ArrivalListener = (messages: readonly Stored[], positions: readonly number[]) => void

/** The part of a stream that stays, though it could be removed. */
export interface Retain {
  /** Messages from this time on, milliseconds since 1970. */
  readonly beforeMs?: number | undefined
  /** Data of the newest messages, bytes. */
  readonly bytes?: number | undefined
}

/** The messages of one source in a slice of a stream. */
export interface CountedSlice {
  /** The names of types, each with the number of its messages. */
  readonly counts: readonly (readonly [type: string, count: number])[]
  /** The position where the next slice begins; undefined where there is none. */
  readonly upTo: number | undefined
}

/** The log as it is read. */
export type LogReads = Pick<LogStore, 'read' | 'first' | 'head' | 'positionBefore' | 'count'>

export interface LogStore {
  /**
   * Sets the listener. It is told of each message after the heads that `open` returned: once, when it is durable, after
   * all that come before it in its stream. One call for many messages.
   */
  onArrival(listener: ArrivalListener): void
  /** The next messages of a stream after a position, in order, at most so many; at least one when there is one. */
  read(stream: number, after: number, limit: number, bytesMax: number): Promise<Stored[]>
  /** The oldest position that is kept; where none is, the position of the next message. */
  first(stream: number): Promise<number>
  /** The newest position; 0 where there was no message. */
  head(stream: number): Promise<number>
  /** The last position before a time. Where the clock jumped, one of the positions that fit. */
  positionBefore(stream: number, ms: number): Promise<number>
  /**
   * Counts, by type, the messages of one source in a slice of a stream after a position. Messages from elsewhere count for
   * none.
   */
  count(stream: number, source: string, after: number): Promise<CountedSlice>
  /** Removes one slice of the oldest messages up to a position, but none to be retained. Returns how many. */
  trim(stream: number, upTo: number, retain: Retain): Promise<number>
}
