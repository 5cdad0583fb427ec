// Schedules: the progress of each, and the slots that are done.
import type { Stored } from '../model/codec.ts'
import type { Appended } from './log.ts'
import type { ScheduleRow, TimeReads } from './time-reads.ts'

/** A slot of a schedule is done: its event is appended, unless the slot has a row already. */
export interface SlotChange {
  readonly do: 'slot'
  readonly schedule: string
  /** The time of the slot, milliseconds since 1970. */
  readonly due: number
  readonly message: Stored
}

/** The result of a slot. */
export interface SlotWritten {
  readonly do: 'slot'
  /** The result of appending the message; 0 where the slot had a row. */
  readonly appended: Appended
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

/** Reads of schedules for the engine, which may show what is not durable yet, and those for people, which do not. */
export interface ScheduleStore extends TimeReads {
  /** The row of each schedule, of schedules that are gone too. */
  rows(): Promise<ScheduleRow[]>
  /** The last slot of a schedule that has a row, up to and with a time. */
  lastSlot(schedule: string, upTo: number): Promise<number | undefined>
}
