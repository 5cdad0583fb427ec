// What a start finds of flows.
import type { FlowsUnderWay } from '../model/flow-views.ts'

/** What the owner of a store counts and keeps from its take-over on: no later run reads it again. */
export interface FlowsFound {
  /** The highest number that a flow, an entry of a journal and a mail may have had. */
  readonly last: { readonly flow: number; readonly entry: number; readonly mail: number }
  /** When the next time of a flow comes; null where there is none. */
  readonly nextDue: number | null
}

/** A flow under way, as a start finds it. */
export interface UnderWay {
  readonly id: number
  readonly context: string | null
  /** Whether it was told something, or has mail that it waits for, and the consequences may be missing. */
  readonly unfinished: boolean
}

/** The first of the queued flows of a context. */
export interface WaitingFlow {
  readonly context: string
  readonly id: number
}

/** Reads of a start. Each gives a slice: ask again after its last. */
export interface FlowTakeUp {
  /** Every mediator that has flows under way, but for those named: how many. */
  underWayByMediator(but: readonly string[]): Promise<FlowsUnderWay[]>
  /** Flows under way of a mediator after one, by context and id, at most so many; none where there are no more. */
  underWay(mediator: string, after: UnderWay | undefined, limit: number): Promise<UnderWay[]>
  /** Of each context after one the first queued flow, in the order of contexts, at most so many. */
  waiting(mediator: string, after: string, limit: number): Promise<WaitingFlow[]>
  /** Commands that are never to be handled, after an id, in order, at most so many. */
  withdrawn(after: string, limit: number): Promise<string[]>
}
