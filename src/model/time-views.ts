// Schedules and delayed messages, as people see them.

/** A schedule, as `schedules.list` gives it. */
export interface ScheduleItem {
  readonly name: string
  /** True for one that only the store knows. */
  readonly gone: boolean
  /** As the code says; as the store knows it where the code is not known, null where that does not either. */
  readonly cron: string | null
  readonly timeZone: string | null
  /** The name of the type that it publishes; null where its code is not known. */
  readonly publishes: string | null
  /** The policy for missed slots; null where its code is not known. */
  readonly missed: 'skip' | 'once' | 'all' | null
  /** Who answers for it; null where nothing is said. */
  readonly owner: string | null
  /** The next slot, milliseconds since 1970; null where there is none, or its code is not known. */
  readonly nextAt: number | null
  /** The newest slot that was published, milliseconds since 1970; null where none was. */
  readonly lastAt: number | null
  /**
   * Slots that have come and are not done, at most 1,000: of a stopped app those that it has missed, which the next start
   * treats as `missed` says; of a running one those that wait, for example while `data` fails.
   */
  readonly waiting: number
  /**
   * How many slots its policy left out when it last did, at most 1,000: those that came while the app was down, or the clock
   * was set forward. 0 where it never left one out since its cron or time zone is as it is.
   */
  readonly skipped: number
  /** When that was, milliseconds since 1970; null where it was never. */
  readonly skippedAt: number | null
}

/** An event that a schedule published because a person fired it. */
export interface FiredSchedule {
  /** Its id. */
  readonly id: string
  readonly type: string
  /** The time that its function for the data got as slot, milliseconds since 1970. */
  readonly at: number
}

/** A message that comes later. */
export interface DelayedRow {
  /** When it is due, milliseconds since 1970. */
  readonly dueAt: number
  readonly type: string
  readonly id: string
  /** The name of its topic or channel. */
  readonly destination: string
  readonly context: string | null
  /** When it was accepted, milliseconds since 1970. */
  readonly acceptedAt: number
  readonly correlationId: string
  readonly causationId: string | null
}

/** A page of delayed messages. */
export interface DelayedPage {
  readonly items: readonly DelayedRow[]
  /** Pass it as `after` for the next page; null at the end. */
  readonly next: string | null
}

/** Which page of delayed messages. */
export interface DelayedFilter {
  /** `next` of the page before. */
  readonly after?: string | undefined
  /** The most rows, 1 to 200, default 50. */
  readonly limit?: number | undefined
}
