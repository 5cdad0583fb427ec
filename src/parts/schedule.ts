import type { Calendar, Missed } from '../engine/spec.ts'
import { encode } from '../model/codec.ts'
import { fault, isMillraceError } from '../model/errors.ts'
import type { DataFor, Event } from '../model/message.ts'
import { suggest } from '../model/names.ts'
import { limit } from '../model/options.ts'
import { shownValue } from '../model/people.ts'
import { checkOwner, checkPart, checkRenamedFrom, type RenamedFrom } from './check.ts'
import { calendarOf } from './cron.ts'

/** A time at which a schedule publishes. */
export interface Slot {
  readonly at: Date
}

/** Options of {@link schedule}. */
export interface ScheduleOptions<E extends Event> {
  /**
   * The times at which it publishes: minute, hour, day of month, month, day of week; with six parts seconds come first.
   * Nicknames like `@daily` work too. Where the clocks change, a time without wildcard or step (`30 2 * * *`) that does
   * not exist comes right after the gap, and one that exists twice comes once, at the first. With a wildcard or step
   * (`0 * * * *`) it follows elapsed time.
   */
  readonly cron: string
  /** The time zone of the cron, an IANA name such as `Europe/Zurich`; default `UTC`. */
  readonly timeZone?: string | undefined
  /**
   * The policy for slots that were missed, because the app was down or the clock was set forward:
   * - `'skip'` (default): they are not published;
   * - `'once'`: the latest of them is published;
   * - `'all'`: each of them is published, in order, at most the newest `missedMax` (1,000).
   *
   * A slot that is at most `scheduleGraceMs` (30 seconds) late counts as on time.
   */
  readonly missed?: Missed | undefined
  /**
   * The earlier name of a schedule that was renamed, or a list of them. At its first start under the new name it takes over
   * what the old one had: its slots that are done. Keep it until every store has been started with the new name once.
   */
  readonly renamedFrom?: RenamedFrom | undefined
  /** Who answers for it, in words for people, 1 to 200 characters: a team, an address, a channel. */
  readonly owner?: string | undefined
  /** The event that it publishes, on a topic of the app. */
  readonly publishes: E
  /** The data of the event, or a function from the slot to them: called once per slot, and again after a failure. */
  readonly data: DataFor<E> | ((slot: Slot) => DataFor<E>)
}

/** A schedule as a part of an app. */
export interface Schedule {
  readonly kind: 'schedule'
  readonly name: string
  readonly cron: string
  readonly timeZone: string
  readonly missed: Missed
  /** Its earlier names. */
  readonly renamedFrom: readonly string[]
  /** Who answers for it; undefined where nothing is said. */
  readonly owner: string | undefined
  readonly publishes: Event
  readonly calendar: Calendar
  readonly dataOf: (slotMs: number) => unknown
}

const known = ['cron', 'timeZone', 'missed', 'renamedFrom', 'owner', 'publishes', 'data']
const policies = ['skip', 'once', 'all']

/**
 * Declares a schedule: it turns time into events. Each slot is published exactly once, despite any crash, restart or
 * change of the clock. The id of the event is `NAME@SLOT`, for example `nightly@2026-01-01T02:00:00.000Z`. A new
 * schedule, and one whose `cron` or `timeZone` has changed, begins with the next slot. When `data` throws or its result
 * does not fit, the slot is tried again at growing intervals, and given up after `slotAttemptsMax` (20) attempts. Later
 * slots of this schedule wait; other schedules do not.
 *
 * @param name a name as of `event`, unique in the app
 * @param options the times, the event, and the policy for missed slots
 * @returns the schedule, a part of an app
 * @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option`
 *
 * @example
 * ```ts
 * const nightly = schedule('nightly', {
 *   cron: '0 2 * * *',
 *   timeZone: 'Europe/Zurich',
 *   missed: 'once',
 *   publishes: DayEnded,
 *   data: ({ at }) => ({ day: at.toISOString().slice(0, 10) }),
 * })
 * ```
 */
export function schedule<E extends Event>(name: string, options: ScheduleOptions<E>): Schedule {
  const where = checkPart('schedule', name, options, known)
  const { cron, timeZone = 'UTC', missed = 'skip', publishes, data } = options
  if (!policies.includes(missed)) {
    const hint = suggest(String(missed), policies)
    throw fault(
      'millrace/bad-option',
      `${where}: missed must be 'skip', 'once' or 'all', not ${shownValue(missed)}${hint}`,
    )
  }
  if (publishes?.kind !== 'event') throw fault('millrace/bad-option', `${where}: publishes must be an event`)
  const renamedFrom = checkRenamedFrom(where, name, options.renamedFrom)
  const owner = checkOwner(where, options.owner)
  const calendar = calendarOf(where, cron, timeZone)
  const dataOf = typeof data === 'function' ? madeBy(data as (slot: Slot) => unknown) : () => data
  if (typeof data !== 'function') checkData(where, publishes, data)
  return Object.freeze({
    kind: 'schedule',
    name,
    cron,
    timeZone,
    missed,
    renamedFrom,
    owner,
    publishes,
    calendar,
    dataOf,
  })
}

const madeBy = (data: (slot: Slot) => unknown) => (slotMs: number) => data({ at: new Date(slotMs) })

/** Checks constant data now, not at the first slot. */
function checkData(where: string, publishes: Event, data: unknown): void {
  const stamp = { stream: 0, id: '', ownId: true, source: '', time: 0, correlationId: '', causationId: null }
  try {
    encode(publishes, data, { ...stamp, trace: null }, limit(where, 'messageBytesMax', undefined))
  } catch (cause) {
    if (!isMillraceError(cause)) throw cause
    throw fault('millrace/bad-option', `${where}: ${cause.message}`, { cause })
  }
}
