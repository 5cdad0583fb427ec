// The names under which a store keeps what belongs to the parts of an app, and what a start renames.
import type { StreamInfo } from '../model/streams.ts'
import type { ProgressRow } from './progress.ts'

/** A stream as a take-over finds it. */
export interface FoundStream extends StreamInfo {
  /** The oldest position that is kept; above `head` where none is. */
  readonly first: number
}

/** The state of a store when it is taken over, before the take-over changes anything. */
export interface FoundParts {
  readonly progress: readonly ProgressRow[]
  /** The streams of `progress`. */
  readonly streams: readonly FoundStream[]
  /** The names of the schedules, of those that are gone too. */
  readonly schedules: readonly string[]
}

/** What a name stands for, with all that the store keeps under it. */
export type Named =
  /** Progress, start marks, messages at the desk, groups, a pause, open batches of a gather. */
  | 'processor'
  /** Flows, mail, questions, and the steps of other flows that have started them. */
  | 'mediator'
  /** Its progress, and the slots that are done. */
  | 'schedule'
  /** A topic or channel. */
  | 'stream'
  /** The type of messages, and the ids that publishers gave. */
  | 'type'

/** One name becomes another. Nothing that counts is kept under the new name. */
export interface Rename {
  readonly what: Named
  readonly from: string
  readonly to: string
}
