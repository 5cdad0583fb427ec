// Schedules: how far each is, and the slots that are done.
import type { Stored } from '../model/codec.ts'
import type { Appended } from './log.ts'

/** A slot of a schedule is done: its event is appended, unless the slot has a row already. */
export interface SlotChange {
  readonly do: 'slot'
  readonly schedule: string
  /** When it was due, milliseconds since 1970. */
  readonly due: number
  readonly message: Stored
}

/** What has become of a slot. */
export interface SlotWritten {
  readonly do: 'slot'
  /** What has become of the message; 0 where the slot had a row. */
  readonly appended: Appended
}

/** How far a schedule is, with the calendar that this belongs to. */
export interface ScheduleRow {
  readonly schedule: string
  /** Null where it was written before calendars were kept. */
  readonly cron: string | null
  readonly timeZone: string | null
  /** Every slot up to here is dealt with; slots after it are when they have a row. Milliseconds since 1970. */
  readonly seenMs: number
  /** Whether a start was without it, and has said so. */
  readonly gone: boolean
}

/** The row of a schedule replaces the one before. */
export interface ScheduleChange {
  readonly do: 'schedule'
  readonly row: ScheduleRow
}

/** The row of a schedule is written. */
export interface ScheduleWritten {
  readonly do: 'schedule'
}

/** Reads of schedules; they may show what is not durable yet. */
export interface ScheduleStore {
  /** The row of each schedule, those of schedules that are gone too. */
  rows(): Promise<ScheduleRow[]>
  /** The last slot of a schedule that has a row, up to and with a time. */
  lastSlot(schedule: string, upTo: number): Promise<number | undefined>
}
