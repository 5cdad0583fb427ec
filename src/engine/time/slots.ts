// The slots of a schedule that are due, by its calendar and its policy for missed ones.
import { defaults } from '../../model/options.ts'
import type { ScheduleRow } from '../../seam/time-reads.ts'
import type { ScheduleSpec } from '../spec.ts'

const graceMs = defaults.scheduleGraceMs.default

/** Slots that are counted as left out, at most. */
const leftOutMax = 1_000

/** Missed slots that are made up for at once, at most. */
export const missedMax = defaults.missedMax.default

/** True when the row of a schedule is of its present calendar. */
export function isOf({ cron, timeZone }: ScheduleSpec, row: ScheduleRow): boolean {
  return row.cron === null || (row.cron === cron && row.timeZone === timeZone)
}

/** The next slot after a time; infinite when there is none. */
export function nextOf({ calendar }: ScheduleSpec, ms: number): number {
  return calendar.after(ms) ?? Number.POSITIVE_INFINITY
}

/**
 * The slots after `seenMs` up to `now` that are to be published, oldest first. `leftOut` counts the older ones, up to
 * 1,000: the policy leaves them out, or they are beyond the bound.
 */
export function slotsOf(
  { calendar, missed }: Pick<ScheduleSpec, 'calendar' | 'missed'>,
  seenMs: number,
  now: number,
): { readonly slots: readonly number[]; readonly leftOut: number } {
  const onTimeFrom = now - graceMs
  const slots: number[] = []
  let at = calendar.upTo(now)
  while (at !== undefined && at > seenMs && slots.length < missedMax) {
    if (missed === 'skip' && at < onTimeFrom) break
    slots.unshift(at)
    const enough = missed === 'once' && at < onTimeFrom
    at = calendar.upTo(at - 1)
    if (enough) break
  }
  let leftOut = 0
  for (; at !== undefined && at > seenMs && leftOut < leftOutMax; at = calendar.upTo(at - 1)) leftOut++
  return { slots, leftOut }
}
