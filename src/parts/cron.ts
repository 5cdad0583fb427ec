import { Cron } from 'croner'
import type { Calendar } from '../engine/spec.ts'
import { fault } from '../model/errors.ts'
import { messageOf } from '../model/people.ts'

/** Any moment serves to ask whether a cron ever fires: a cron without years repeats within 28 years. */
const someMs = Date.UTC(2000, 0, 1)

/**
 * Computes the slots of a cron of five parts, or of six with seconds first, in a time zone. Reads no clock.
 *
 * @throws `millrace/bad-option`
 */
export function calendarOf(where: string, cron: unknown, timeZone: unknown): Calendar {
  checkTimeZone(where, timeZone)
  const says = `${where}: cron ${JSON.stringify(cron)}`
  if (typeof cron !== 'string') {
    throw fault('millrace/bad-option', `${says} must be a string of five parts, or of six with seconds first`)
  }
  // A "?" would stand for the time at which it is read, which differs from start to start.
  if (cron.includes('?')) throw fault('millrace/bad-option', `${says} has a "?": name the value, or write "*"`)
  const parsed = parse(says, cron, timeZone)
  const calendar: Calendar = {
    after: (ms) => parsed.nextRun(new Date(ms))?.getTime(),
    // Its result lies before its reference, by a millisecond at least.
    upTo: (ms) => parsed.previousRuns(1, new Date(ms + 1))[0]?.getTime(),
  }
  if (calendar.after(someMs) === undefined) {
    throw fault('millrace/bad-option', `${says} never fires: no date fits all of its parts`)
  }
  return calendar
}

function parse(says: string, cron: string, timezone: string): Cron {
  let parsed: Cron
  try {
    parsed = new Cron(cron, { timezone, mode: '5-or-6-parts', fixedTimeRule: 'no-wildcard', paused: true })
  } catch (cause) {
    const why = messageOf(cause).replace(/^Cron\w+: /, '')
    throw fault('millrace/bad-option', `${says} cannot be understood: ${why}`, { cause })
  }
  if (parsed.getPattern() === undefined) throw fault('millrace/bad-option', `${says} is a date, not a cron`)
  return parsed
}

function checkTimeZone(where: string, timeZone: unknown): asserts timeZone is string {
  try {
    if (typeof timeZone !== 'string' || timeZone === '') throw new RangeError('no name')
    new Intl.DateTimeFormat('en', { timeZone })
  } catch (cause) {
    throw fault(
      'millrace/bad-option',
      `${where}: timeZone ${JSON.stringify(timeZone)} is not known; name one as "Europe/Zurich" or "UTC"`,
      { cause },
    )
  }
}
