// The finder: an index of the causes and of the words of messages, beside the log. It is made from the log alone and may
// be made anew at any time, so a store may keep it where it delays no commit. Its progress and what is indexed move in one
// step: after a crash each message of the log is in the index once, or will be.
//
// A call that takes too long rejects with `millrace/reader-ended`, as those of `MessageReads`; the same call may be made
// again.
import type { LogPlace } from '../model/log-views.ts'

/** One step of the index. */
export interface IndexAsk {
  /** The JSON Pointers of the secret fields of each type that has some: nothing in them is indexed. */
  readonly secrets: Readonly<Record<string, readonly string[]>>
}

export interface Indexed {
  /** Messages that were indexed, and messages that were removed since the log has removed them. */
  readonly added: number
  readonly removed: number
  /** True where the log has more to index, or less to keep. */
  readonly more: boolean
}

/** A message in the index, by its number there. Numbers are in the order of time. */
export interface FoundPlace extends LogPlace {
  readonly n: number
}

/** How far the index is. */
export interface IndexState {
  /** The time of the oldest message that is not indexed, milliseconds since 1970; null where all are. */
  readonly indexedTo: number | null
}

export interface SearchAsk {
  /** Each must be in the data; the last may be the beginning of a word. */
  readonly words: readonly string[]
  readonly order: 'newest' | 'oldest'
  /** Only messages after this number, in that order. */
  readonly after?: number | undefined
  /** Milliseconds since 1970. */
  readonly since?: number | undefined
  readonly until?: number | undefined
  readonly limit: number
}

export interface SearchResult extends IndexState {
  readonly places: readonly FoundPlace[]
}

export interface RelatedAsk {
  readonly id: string
  /** The most messages. */
  readonly limit: number
}

export interface RelatedResult extends IndexState {
  /** In the order of time. */
  readonly places: readonly FoundPlace[]
  /** False where there are more than the limit. */
  readonly whole: boolean
}

export interface FinderStore {
  /** Indexes the next messages, at most some hundreds, and forgets some that the log has removed. */
  index(ask: IndexAsk): Promise<Indexed>
  /** Messages with these words in their data; undefined where there is no index. */
  search(ask: SearchAsk): Promise<SearchResult | undefined>
  /** A message, what caused it, and all that these have caused; undefined where there is no index. */
  related(ask: RelatedAsk): Promise<RelatedResult | undefined>
}
