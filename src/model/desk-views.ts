// What people see of the desk: messages, groups of them, operations on many, wishes, the audit log.
import type { Actor, Decision, DeskEntry, DeskState } from './desk.ts'

export interface DeskFilter {
  readonly processor?: string | undefined
  /** Default: all but those resolved. */
  readonly states?: readonly DeskState[] | undefined
  /** Name of the type of the message. */
  readonly type?: string | undefined
  readonly context?: string | undefined
  /** A group of {@link DeskGroup}, by id. */
  readonly group?: number | undefined
  /** Only entries with a higher id. */
  readonly after?: number | undefined
  /** At most so many, default 100. */
  readonly limit?: number | undefined
}

/** A message at the desk as it is shown. */
export interface DeskRow extends DeskEntry {
  /** How many wait in line behind it, counted up to 1,000. */
  readonly waiting: number
  /** What was asked for while the app did not run, and is done when it starts. */
  readonly wish: Wish | null
  /** The data of the message as it is stored now; where that is no JSON, its text. */
  readonly data: unknown
}

/** The message that caused another. */
export interface Cause {
  /** The topic or channel it is in. */
  readonly source: string
  readonly type: string
}

/** Held messages that belong together. */
export interface DeskGroup {
  /** For {@link DeskFilter}; only where it is one of processor, type and error. */
  readonly id: number | null
  readonly processor: string | null
  readonly type: string | null
  /** The error without what differs between messages. */
  readonly error: string | null
  readonly held: number
  /** When the first and the last of them came to be held, milliseconds since 1970. */
  readonly firstAt: number
  readonly lastAt: number
}

export interface GroupFilter {
  readonly processor?: string | undefined
  /** At most so many, default 10,000: the largest. */
  readonly limit?: number | undefined
}

/** What groups are made of. */
export type GroupBy = 'processor' | 'error' | 'type' | 'all'

/** What is done to many held messages: a frozen selection, with a name, progress and an end. */
export interface Operation {
  readonly id: number
  readonly name: string
  readonly action: 'release' | 'discard'
  readonly by: string
  readonly reason: string | null
  /** One message first, and the others only when that one was handled. */
  readonly oneFirst: boolean
  /**
   * `trying`: waits for the first to end; `failed`: the first was held again, the others were left as they are;
   * `aborted` by a person.
   */
  readonly state: 'running' | 'trying' | 'done' | 'failed' | 'aborted'
  /** Messages selected, dealt with, and of these not possible (released by someone else meanwhile). */
  readonly total: number
  readonly done: number
  readonly refused: number
  readonly startedAt: number
  readonly endedAt: number | null
}

export interface OperationFilter {
  readonly name?: string | undefined
  /** Only operations with a higher id. */
  readonly after?: number | undefined
  /** At most so many, default 100. */
  readonly limit?: number | undefined
}

/** What has become of the messages of an operation, by now. */
export interface OperationOutcome {
  /** Released and handled, or resolved since then. */
  readonly handled: number
  /** Released, and being tried or in line. */
  readonly trying: number
  /** Released, and held again, or with a rule. */
  readonly held: number
  readonly discarded: number
}

export type NewOperation = Pick<Operation, 'name' | 'action' | 'by' | 'reason' | 'oneFirst' | 'startedAt'>

/** A message of an operation that it could do nothing about. */
export interface RefusedItem {
  readonly item: number
  readonly why: string
}

export type WishAction = Decision | { readonly do: 'take back' }

/** An action on a message at the desk by someone who does not own its lane; the owner carries it out. */
export interface Wish extends Actor {
  readonly item: number
  readonly wish: WishAction
  readonly at: number
}

export interface AuditFilter {
  readonly item?: number | undefined
  /** Only older lines: the newest come first. */
  readonly before?: number | undefined
  /** At most so many, default 100. */
  readonly limit?: number | undefined
}

export interface HeldCount {
  readonly processor: string
  /** The topic or channel. */
  readonly source: string
  readonly held: number
}

/** Which held messages are meant: those that fit, or those named. */
export type Selection = Omit<DeskFilter, 'states' | 'after' | 'limit'> & {
  readonly items?: readonly number[] | undefined
}

export interface DeskCounts {
  readonly held: number
  readonly waiting: number
  /** Those given up that can still be looked at. */
  readonly discarded: number
}

/** A processor that a person has stopped. */
export interface Paused {
  readonly processor: string
  readonly at: number
  readonly by: string
  readonly reason: string | null
}
