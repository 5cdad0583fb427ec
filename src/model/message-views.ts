// The messages of an app as people look for them: lists, one message with what became of it, and the story around it.
import type { LogRow } from './log-views.ts'

/** A filter of messages; every field that is set must match. */
export interface MessageFilter {
  /** Name of a topic or channel. */
  readonly destination?: string | undefined
  readonly type?: string | undefined
  readonly context?: string | undefined
  /** The id of the flow: that of the message with which it began. */
  readonly correlation?: string | undefined
  /** Only messages published at this time or later, milliseconds since 1970. */
  readonly since?: number | undefined
  /** Only messages published before this time, milliseconds since 1970. */
  readonly until?: number | undefined
  /** Words that the data have, in any order; the last may be the beginning of one. It needs `app({ finder: true })`. */
  readonly text?: string | undefined
  /** Which come first, default `'newest'`. */
  readonly order?: 'newest' | 'oldest' | undefined
  /** The `next` of the page before. */
  readonly after?: string | undefined
  /** The most rows, 1 to 200, default 50. */
  readonly limit?: number | undefined
}

/** A message in a list. */
export interface MessageRow extends Omit<LogRow, 'json'> {
  /** Size of the data as JSON, bytes. */
  readonly bytes: number
  /** The data as JSON, as stored; null where they are over 64 KiB. */
  readonly json: string | null
}

/** A page of messages. */
export interface MessagePage {
  readonly items: readonly MessageRow[]
  /** The `after` of the next page; null at the end of the list. */
  readonly next: string | null
  /** False where messages that match may come in the next page. A page may be empty and not the last. */
  readonly complete: boolean
  /**
   * The time to which all messages were looked at, milliseconds since 1970: down to it, or up to it with the oldest
   * first. Null when there is nothing further to look at.
   */
  readonly lookedBackTo: number | null
}

/** What became of a message at one processor. */
export interface MessageOutcome {
  readonly processor: string
  /**
   * `waiting`: not handled yet; `held`, `deciding`, `trying`, `line`, `discarded`: as the desk says; `reset`: ended at the
   * desk by a reset, and not handled again; `done`: handled, or passed over, or resolved at the desk so long ago that the
   * desk has forgotten how.
   */
  readonly state: 'waiting' | 'held' | 'deciding' | 'trying' | 'line' | 'handled' | 'discarded' | 'reset' | 'done'
  /** Its number at the desk; null where it is not there. */
  readonly item: number | null
}

/** One message, with what became of it. */
export interface MessageItem extends LogRow {
  /** One for each processor of its topic or channel whose code takes its type, or that has dealt with it. */
  readonly outcomes: readonly MessageOutcome[]
}

/** The messages with one id: one of each type and source at most. */
export interface MessagesFound {
  readonly items: readonly MessageItem[]
  /** False where not all messages were looked at that may have the id. */
  readonly complete: boolean
  /** The time up to which all messages were looked at, milliseconds since 1970; null where an index was enough. */
  readonly lookedUpTo: number | null
}

/** The options of a story. */
export interface StoryOptions {
  /** The `next` of the page before. */
  readonly after?: string | undefined
  /** The most messages of the page, 1 to 5,000, default 500. */
  readonly limit?: number | undefined
}

/** The messages of one flow: causes and their effects, as a tree by `causationId`. */
export interface StoryPage {
  /** The id of the flow; null where the message was not found. */
  readonly correlationId: string | null
  /** The oldest first. */
  readonly items: readonly MessageRow[]
  readonly next: string | null
  readonly complete: boolean
  /** The times from which and up to which all messages were looked at, milliseconds since 1970. */
  readonly lookedFrom: number | null
  readonly lookedUpTo: number | null
}
