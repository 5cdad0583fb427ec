// Schedules and delayed messages, as people read them.
import type { DelayedRow } from '../model/time-views.ts'

/** The progress of a schedule, with the calendar that it belongs to. */
export interface ScheduleRow {
  readonly schedule: string
  /** Null where it was written before calendars were kept. */
  readonly cron: string | null
  readonly timeZone: string | null
  /** Every slot up to this time is done; a later slot is done when it has a row. Milliseconds since 1970. */
  readonly seenMs: number
  /** True once a start without the schedule has logged that it is gone. */
  readonly gone: boolean
  /** How many slots its policy left out when it last did. */
  readonly skipped: number
  /** When that was, milliseconds since 1970; null where none was left out. */
  readonly skippedAt: number | null
}

/** The progress of a schedule, and its newest slot that is done. */
export interface ScheduleKept extends ScheduleRow {
  /** Milliseconds since 1970; null where none is done. */
  readonly lastMs: number | null
}

/** A page of delayed messages, in the order in which they are due. */
export interface DelayedSlice {
  /** The place of the message that came before; undefined for the first page. */
  readonly after?: DelayedPlace | undefined
  readonly limit: number
}

/** The place of a delayed message: no other has the same. */
export interface DelayedPlace {
  readonly dueMs: number
  /** The number among those that are due at that time. */
  readonly n: number
}

/** Never shows what is not durable yet. Each read has an index, and a limit where many may be found. */
export interface TimeReads {
  /** Each schedule that the store knows, also those that are gone. */
  kept(): Promise<ScheduleKept[]>
  /** The next delayed messages behind a place, at most `limit`. */
  delayed(slice: DelayedSlice): Promise<(DelayedRow & DelayedPlace)[]>
}
