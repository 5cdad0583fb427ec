import { fault } from './errors.ts'
import { dateMs } from './kinds.ts'
import { checkOptions } from './options.ts'

/** A delay: `at` or `delayMs`, not both. Without either the message enters its log at once. */
export interface Delay {
  /**
   * The time at which the message enters its log: a date, or milliseconds since 1970, at most 100 years ahead. A past
   * time means at once.
   */
  readonly at?: Date | number | undefined
  /** The time from now until then, milliseconds, 0 to 100 years; a fraction is rounded up. */
  readonly delayMs?: number | undefined
}

export const delayOptions: readonly string[] = ['at', 'delayMs']

const second = 1_000
const farthestMs = 100 * 365.25 * 24 * 3_600 * second
/** 1e12 is 2001 in milliseconds and the year 33658 in seconds, so it tells the two units apart. */
const earliestMs = 1e12

/**
 * The due time of a message, milliseconds since 1970; 0 for at once. A fraction is rounded up: never early.
 *
 * @param known the options allowed beside `at` and `delayMs`
 * @throws `millrace/bad-time`, `millrace/unknown-option`
 */
export function dueOf(where: string, delay: Delay, now: number, known = delayOptions): number {
  checkOptions(where, delay, known)
  const { at, delayMs } = delay
  if (at !== undefined && delayMs !== undefined) throw badTime(where, 'both at and delayMs are given; give one of them')
  if (delayMs !== undefined) return ahead(where, `delayMs is ${shown(delayMs)}`, delayOf(where, delayMs) + now, now)
  if (at !== undefined) return ahead(where, `at is ${shown(at)}`, timeOf(where, at), now)
  return 0
}

function delayOf(where: string, delayMs: unknown): number {
  if (typeof delayMs === 'number' && Number.isFinite(delayMs) && delayMs >= 0) return delayMs
  throw badTime(where, `delayMs is ${shown(delayMs)}, but must be milliseconds from 0 on`)
}

function timeOf(where: string, at: unknown): number {
  const ms = dateMs(at) ?? at
  if (typeof ms !== 'number' || !Number.isFinite(ms)) {
    throw badTime(where, `at is ${shown(at)}, but must be a valid Date or milliseconds since 1970`)
  }
  if (ms < earliestMs) {
    throw badTime(where, `at is ${shown(at)}, which is before 2001: it takes milliseconds since 1970, not seconds`)
  }
  return ms
}

function ahead(where: string, given: string, due: number, now: number): number {
  if (due - now > farthestMs) throw badTime(where, `${given}, which is more than 100 years ahead`)
  return due <= now ? 0 : Math.ceil(due)
}

function shown(value: unknown): string {
  const ms = dateMs(value)
  if (ms !== undefined) return Number.isNaN(ms) ? 'an invalid Date' : new Date(ms).toISOString()
  return typeof value === 'number' ? String(value) : `of type ${typeof value}`
}

function badTime(where: string, what: string) {
  return fault('millrace/bad-time', `${where}: ${what}`)
}
