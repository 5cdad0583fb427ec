// Delayed messages, and what is written because of time.

import type { Stored } from '../model/codec.ts'
import type { AlertChange, AlertWritten } from './alerts.ts'
import type { ScheduleChange, ScheduleWritten, SlotChange, SlotWritten } from './schedules.ts'

/** A delayed message of the app itself, not one from elsewhere, is taken back: it never comes. */
export interface Cancel {
  readonly do: 'cancel'
  readonly type: string
  readonly id: string
}

/** What a cancel has found. */
export interface Cancelled {
  readonly do: 'cancel'
  /** Whether the message was pending, and now is not. */
  readonly found: boolean
}

/**
 * The delayed messages that are due go to their logs, at most so many, in order of due time, then of the order in which
 * they were accepted. Their time becomes that of now.
 */
export interface Firing {
  readonly do: 'fire'
  readonly limit: number
  readonly bytesMax: number
}

/** What a firing has done. */
export interface Fired {
  readonly do: 'fire'
  /** What went to the logs, in order. */
  readonly appended: readonly Stored[]
  /** When the next one is due. */
  readonly nextDue: number | undefined
}

/** What is written because of time. */
export type TimedChange = Cancel | Firing | SlotChange | ScheduleChange | AlertChange

/** What has become of a {@link TimedChange}. */
export type TimedResult = Cancelled | Fired | SlotWritten | ScheduleWritten | AlertWritten
