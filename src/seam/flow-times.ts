// The times of flows: when a sleep ends, and when a step has taken too long.
import type { FlowState } from '../model/flow.ts'

/** A step of a flow, by the entry with which it began, whose time has come. */
export interface DueTime {
  readonly flow: number
  readonly n: number
}

/** A time that does not come before it is woken. */
export interface SleepingTime {
  /** Below zero. */
  readonly due: number
  readonly flow: number
  readonly n: number
  readonly mediator: string
  readonly state: FlowState
}

/** Reads of times. Nothing reads the next time: the take-over and each commit that changes a time return it. */
export interface FlowTimes {
  /** The times that have come, the oldest first, at most so many. */
  due(now: number, limit: number): Promise<DueTime[]>
  /** Times that sleep because their flow is paused or no app runs its mediator: after one, at most so many. */
  asleep(after: SleepingTime | undefined, limit: number): Promise<SleepingTime[]>
}
