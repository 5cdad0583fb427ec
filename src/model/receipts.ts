// Receipts: what is on record about one message, for somebody outside.
import type { DeskAction } from './desk.ts'
import type { MessageOutcome, MessageRow } from './message-views.ts'
import type { RequestState } from './requests.ts'

/** An attempt that failed. */
export interface FailedTry {
  /** Milliseconds since 1970. */
  readonly at: number
  /** The code of its error. */
  readonly code: string
}

/** An act on record about a message at the desk. */
export interface ActOnRecord {
  /** Milliseconds since 1970. */
  readonly at: number
  /** The person; a rule is `rule NAME`, the app itself `millrace`. */
  readonly by: string
  readonly action: DeskAction
  readonly reason: string | null
}

/** What became of a message at one processor, and who had a part in it. */
export interface HandledBy extends MessageOutcome {
  /** Failed attempts, the oldest first, the newest 50 at most; empty for a message that never failed. */
  readonly failed: readonly FailedTry[]
  /** How often its data were corrected there. */
  readonly corrections: number
  /** What was done about it at the desk, the oldest first. */
  readonly acts: readonly ActOnRecord[]
  /** When it was handled or discarded there after a failure, milliseconds since 1970; null for all others. */
  readonly resolvedAt: number | null
}

/** A message that another has caused. */
export type SentMessage = Pick<MessageRow, 'destination' | 'position' | 'id' | 'type' | 'source' | 'time' | 'context'>

/** A request, as its receipt has it. */
export interface RequestOnRecord {
  readonly state: RequestState
  /** Milliseconds since 1970. */
  readonly askedAt: number
  readonly endedAt: number | null
}

/**
 * What is on record about one message. It is taken from what the app has on disk, so it is the same after a crash. Data are
 * not in it, only their hash.
 */
export interface Receipt {
  readonly id: string
  readonly type: string
  readonly version: number
  readonly source: string
  /** The topic or channel, and the position there. */
  readonly destination: string
  readonly position: number
  readonly context: string | null
  readonly correlationId: string
  readonly causationId: string | null
  /** When it was accepted, milliseconds since 1970: from then on it is on disk. */
  readonly acceptedAt: number
  /** SHA-256 of the data as JSON text in UTF-8, as stored, in hexadecimal. */
  readonly dataSha256: string
  /** Size of the data as JSON, bytes. */
  readonly bytes: number
  /** One for each processor that takes messages of its topic or channel, or did. */
  readonly processors: readonly HandledBy[]
  /** The messages that it has caused, each by its commit, the oldest first, at most 200. */
  readonly sent: readonly SentMessage[]
  /** False where it may have caused more than `sent` has: they are in its story. */
  readonly sentComplete: boolean
  /** The request, where the message is a command that somebody has asked; null else, and once it is forgotten. */
  readonly request: RequestOnRecord | null
}

/** The receipts of the messages with one id: one of each type and source at most. */
export interface Receipts {
  /** When they were made out, milliseconds since 1970. */
  readonly at: number
  readonly items: readonly Receipt[]
  /** False where not all messages were looked at that may have the id. */
  readonly complete: boolean
  /** The time up to which all messages were looked at, milliseconds since 1970; null where an index was enough. */
  readonly lookedUpTo: number | null
}
