// Delayed messages, and what is written because of time.

import type { Stored } from '../model/codec.ts'
import type { ScheduleChange, SlotChange } from './slots.ts'

/** A delayed message is not to come any more. */
export interface Cancel {
  readonly do: 'cancel'
  readonly type: string
  readonly id: string
  /** Set by the store: whether it was pending, and now is not. */
  found: boolean
}

/**
 * The delayed messages that are due go to their logs, at most so many, in order of due time, then of the order in which
 * they were accepted. Their time becomes that of now.
 */
export interface Firing {
  readonly do: 'fire'
  readonly limit: number
  readonly bytesMax: number
  /** Set by the store: what went to the logs, in order. */
  appended: readonly Stored[]
  /** Set by the store: when the next one is due. */
  nextDue: number | undefined
}

/** What is written because of time. */
export type TimedChange = Cancel | Firing | SlotChange | ScheduleChange
