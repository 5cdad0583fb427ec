import type { TimedChange, TimedResult } from '../../seam/timers.ts'

/** What is written because of time. */
export interface Errand<Do extends TimedChange['do'] = TimedChange['do']> {
  readonly change: Extract<TimedChange, { readonly do: Do }>
  written(result: Extract<TimedResult, { readonly do: Do }>): void
  /** Called when it is not known to be written, for good. */
  readonly dropped: (error: unknown) => void
  /** Whether it waits for the disk where that is in trouble; else it is dropped then. */
  readonly patient: boolean
}
