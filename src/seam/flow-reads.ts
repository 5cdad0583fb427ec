// Flows as people read them, in a running store and in a store without its app.

import type { JournalEntry } from '../model/flow.ts'
import type { FlowFilter, FlowRow, Question, QuestionFilter, StateOfFlow } from '../model/flow-views.ts'

/** A page of the flows that match, from one slice of all flows. */
export interface FlowSlice {
  readonly rows: readonly FlowRow[]
  /** The id up to which the slice reaches; undefined at the end of all flows. */
  readonly last: number | undefined
  /** True when the page ends at its limit of rows or of bytes. */
  readonly isFull: boolean
  /** The size of its rows together. */
  readonly bytes: number
}

/** A flow with its journal and its times, of one moment. */
export interface WholeFlow {
  readonly row: FlowRow
  readonly journal: readonly JournalEntry[]
  /** The time at which each step ends by itself or is given up, by the entry with which the step began. */
  readonly times: readonly { readonly n: number; readonly due: number }[]
}

/**
 * Reads of flows, by a running store and by a file reader alike. A read shows only what is durable. Each
 * call shows one moment; two calls may show two. Each reads a bounded part of the flows: to read all, ask again.
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
