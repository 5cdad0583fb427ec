// Timed changes of a transaction: cancels before its messages, all others after them.
import type { Cancel, Cancelled, TimedChange, TimedResult } from '../../seam/timers.ts'
import type { AlertTable } from './alerts.ts'
import type { ScheduleTable } from './schedules.ts'
import type { TimerTable } from './timers.ts'

export interface TimedTables {
  readonly timers: TimerTable
  readonly slots: ScheduleTable
  readonly alerts: AlertTable
}

const none: readonly never[] = []

/** Carries out the cancels among the changes. Returns the result of each, at its place. */
export function cancel(changes: readonly TimedChange[], { timers }: TimedTables): readonly (Cancelled | undefined)[] {
  if (changes.length === 0) return none
  return changes.map((change) => (change.do === 'cancel' ? timers.cancelled(change) : undefined))
}

/** Carries out the other changes. Returns the result of each change, in their order. */
export function writeTimed(
  changes: readonly TimedChange[],
  cancelled: readonly (Cancelled | undefined)[],
  { timers, slots, alerts }: TimedTables,
  now: () => number,
): readonly TimedResult[] {
  if (changes.length === 0) return none
  return changes.map((change, index) => (change.do === 'cancel' ? cancelled[index]! : written(change)))

  function written(change: Exclude<TimedChange, Cancel>): TimedResult {
    switch (change.do) {
      case 'fire':
        return timers.fire(change, now())
      case 'slot':
        return slots.add(change)
      case 'schedule':
        return slots.keep(change)
      case 'alert':
        return alerts.write(change)
    }
  }
}
