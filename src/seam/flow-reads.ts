// Flows as people read them, in a running store and in one that no app has.

import type { JournalEntry } from '../model/flow.ts'
import type { FlowFilter, FlowRow, Question, QuestionFilter, StateOfFlow } from '../model/flow-views.ts'

/** A page of flows that fit, of a slice of all. */
export interface FlowSlice {
  readonly rows: readonly FlowRow[]
  /** Up to which id it was looked; undefined where there are none behind. */
  readonly last: number | undefined
  /** Whether it has all the rows, or all the bytes, that it may have. */
  readonly isFull: boolean
  /** What its rows take together. */
  readonly bytes: number
}

/** A flow with all that is known of it, of one moment. */
export interface WholeFlow {
  readonly row: FlowRow
  readonly journal: readonly JournalEntry[]
  /** When its steps end by themselves or are given up, by the entries with which they began. */
  readonly times: readonly { readonly n: number; readonly due: number }[]
}

/**
 * Reads of flows, by a running store and by a file reader alike. A read never shows what is not durable. What one call
 * gives is of one moment; two calls may be of two. Each reads a bounded part of the flows: to read all, ask again.
 */
export interface FlowReads {
  list(filter: FlowFilter, bytesMax?: number): Promise<FlowSlice>
  row(id: number): Promise<FlowRow | undefined>
  whole(id: number): Promise<WholeFlow | undefined>
  /** The entries of a flow, in order. */
  journal(id: number): Promise<JournalEntry[]>
  /** Open questions, the oldest first, at most so many. */
  questions(filter: QuestionFilter): Promise<Question[]>
  /** Flows after an id, in order, at most so many. */
  states(after: number, limit: number): Promise<StateOfFlow[]>
}
