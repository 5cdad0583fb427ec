// Flows as people read them, in a running store and in one that no app has.

import type { JournalEntry, ParentFlow } from '../model/flow.ts'
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

/** The flows of a store. Each reads a bounded part of them: who needs all asks again, and lets others have their turn. */
export interface FlowReads {
  list(filter: FlowFilter, bytesMax?: number): FlowSlice
  row(id: number): FlowRow | undefined
  /** The flow that one has started by an entry and that is under way, or goes on for that one. */
  startedBy(parent: ParentFlow): number | undefined
  /** Its entries after a number, in order. */
  journal(id: number, after?: number): JournalEntry[]
  /** Open questions, the oldest first, at most so many. */
  questions(filter: QuestionFilter): Question[]
  /** Flows after an id, in order, at most so many. */
  states(after: number, limit: number): StateOfFlow[]
  /** One, without reading what it began with. */
  stateOf(id: number): StateOfFlow | undefined
  /** When steps of a flow end by themselves or are given up, by the entries with which they began. */
  times(id: number): { readonly n: number; readonly due: number }[]
}
