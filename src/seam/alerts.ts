// Alerts: which are raised, and what is held that people are to hear of.
import type { Stored } from '../model/codec.ts'
import type { Appended } from './log.ts'

/** An alert that is raised. */
export interface AlertRow {
  /** The part that watches. */
  readonly watch: string
  /** What it is about: once for each part. */
  readonly alert: string
  /** The data of its event, as JSON. */
  readonly data: string
}

/** An alert begins or ends: its event is appended, and its row comes or goes. */
export interface AlertChange {
  readonly do: 'alert'
  readonly is: 'raised' | 'ended'
  readonly row: AlertRow
  readonly message: Stored
}

/** The result of an alert. */
export interface AlertWritten {
  readonly do: 'alert'
  /** The result of appending the message; 0 where the row was there already, or was gone. */
  readonly appended: Appended
}

/** A group of held messages, as alerts need it. */
export interface HeldGroup {
  readonly id: number
  readonly processor: string
  readonly type: string
  /** The code of the error. */
  readonly code: string
  readonly held: number
  /** The time at which the first was held since the group was empty, milliseconds since 1970. */
  readonly firstAt: number
  /** The time at which the oldest that is held came to the desk. */
  readonly oldestAt: number
  /** Whether people have made it quiet. */
  readonly snoozed: boolean
}

export interface AlertStore {
  /** The alerts that are raised. Never shows what is not durable. */
  rows(): Promise<AlertRow[]>
  /** For the engine, it may show what is not durable: the groups with held messages, at most so many, the oldest first by `firstAt`. `now`: the time by which snoozes last. */
  heldGroups(limit: number, now: number): Promise<HeldGroup[]>
}
