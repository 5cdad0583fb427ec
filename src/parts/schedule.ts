import type { Calendar, Missed } from '../engine/spec.ts'
import { encode } from '../model/codec.ts'
import { fault, isMillraceError } from '../model/errors.ts'
import type { DataFor, Event } from '../model/message.ts'
import { checkName, suggest } from '../model/names.ts'
import { checkOptions, limit } from '../model/options.ts'
import { calendarOf } from './cron.ts'

/** A time at which a schedule publishes. */
export interface Slot {
  readonly at: Date
}

export interface ScheduleOptions<E extends Event> {
  /**
   * When: minute, hour, day of month, month, day of week; with six parts seconds come first. Nicknames such as `@daily`
   * too. Where the clocks change, a time without wildcard or step (`30 2 * * *`) that is left out comes right after the
   * gap, and one that is there twice comes once, at the first; with a wildcard or step (`0 * * * *`) it follows the time
   * that really passes.
   */
  readonly cron: string
  /** Where the cron is read, an IANA name such as `Europe/Zurich`; default `UTC`. */
  readonly timeZone?: string
  /**
   * What becomes of slots that were missed, because the app was down or the clock was set forward:
   * - `'skip'` (default): nothing;
   * - `'once'`: the latest of them is made up for;
   * - `'all'`: each of them, in order, at most the newest `missedMax` (1,000).
   *
   * A slot that is at most `scheduleGraceMs` (30 seconds) late counts as on time.
   */
  readonly missed?: Missed
  /** The event that it publishes; on a topic of the app. */
  readonly publishes: E
  /** The data of the event, or what makes it for a slot: called once per slot, or again where it fails. */
  readonly data: DataFor<E> | ((slot: Slot) => DataFor<E>)
}

/** A schedule as a part of an app. */
export interface Schedule {
  readonly kind: 'schedule'
  readonly name: string
  readonly cron: string
  readonly timeZone: string
  readonly missed: Missed
  readonly publishes: Event
  readonly calendar: Calendar
  readonly dataOf: (slotMs: number) => unknown
}

const known = ['cron', 'timeZone', 'missed', 'publishes', 'data']
const policies = ['skip', 'once', 'all']

/**
 * Declares a schedule: it turns time into events. Each slot is published exactly once, whatever crashes, however often
 * the app starts and wherever the clock is set to; its id is `NAME@SLOT`, such as `nightly@2026-01-01T02:00:00.000Z`.
 * One that is new, or whose `cron` or `timeZone` has changed, begins with the next slot. Where `data` throws or does not fit, the slot is kept and tried again, less
 * and less often, and given up after `slotAttemptsMax` (20); later slots of this schedule wait, other schedules do not.
 *
 *     schedule('nightly', { cron: '0 2 * * *', timeZone: 'Europe/Zurich', publishes: DayEnded, data: ({ at }) => … })
 *
 * @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option`
 */
export function schedule<E extends Event>(name: string, options: ScheduleOptions<E>): Schedule {
  checkName('schedule', name)
  const where = `schedule "${name}"`
  checkOptions(where, options, known)
  const { cron, timeZone = 'UTC', missed = 'skip', publishes, data } = options
  if (!policies.includes(missed)) {
    const hint = suggest(String(missed), policies)
    throw fault('millrace/bad-option', `${where}: missed must be 'skip', 'once' or 'all', not ${String(missed)}${hint}`)
  }
  if (publishes?.kind !== 'event') throw fault('millrace/bad-option', `${where}: publishes must be an event`)
  const calendar = calendarOf(where, cron, timeZone)
  const dataOf = typeof data === 'function' ? madeBy(data as (slot: Slot) => unknown) : () => data
  if (typeof data !== 'function') checkData(where, publishes, data)
  return Object.freeze({ kind: 'schedule', name, cron, timeZone, missed, publishes, calendar, dataOf })
}

const madeBy = (data: (slot: Slot) => unknown) => (slotMs: number) => data({ at: new Date(slotMs) })

/** What never changes is wrong now, not at midnight. */
function checkData(where: string, publishes: Event, data: unknown): void {
  const stamp = { stream: 0, id: '', ownId: true, source: '', time: 0, correlationId: '', causationId: null }
  try {
    encode(publishes, data, { ...stamp, traceparent: null }, limit(where, 'messageBytesMax', undefined))
  } catch (cause) {
    if (!isMillraceError(cause)) throw cause
    throw fault('millrace/bad-option', `${where}: ${cause.message}`, { cause })
  }
}
