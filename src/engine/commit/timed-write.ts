import type { TimedChange, TimedResult } from '../../seam/timers.ts'

/** A change that is made because of time, and the caller who waits for its result. */
export interface TimedWrite<Do extends TimedChange['do'] = TimedChange['do']> {
  readonly change: Extract<TimedChange, { readonly do: Do }>
  written(result: Extract<TimedResult, { readonly do: Do }>): void
  /** Called when the run ends before it is known to be written. */
  readonly dropped: (error: unknown) => void
  /** Whether it waits while the disk is in trouble. Otherwise it is dropped then. */
  readonly patient: boolean
}
