import assert from 'node:assert/strict'
import test from 'node:test'
import type { Missed, ScheduleSpec } from '../spec.ts'
import { isOf, nextOf, slotsOf } from './slots.ts'

const minute = 60_000

/** A slot each minute, up to a last one. */
const calendar = (last = Number.POSITIVE_INFINITY) => ({
  after: (ms: number) => {
    const next = (Math.floor(ms / minute) + 1) * minute
    return next <= last ? next : undefined
  },
  upTo: (ms: number) => Math.floor(Math.min(ms, last) / minute) * minute,
})

const slots = (missed: Missed, seenMs: number, now: number) => {
  const found = slotsOf({ calendar: calendar(), missed }, seenMs * minute, now * minute)
  return [found.slots.map((slot) => slot / minute), found.leftOut]
}

test('a slot that is on time is published, under any policy', () => {
  for (const missed of ['skip', 'once', 'all'] as const) assert.deepEqual(slots(missed, 4, 5), [[5], 0])
  assert.deepEqual(slots('all', 5, 5), [[], 0])
})

test('missed slots are left out, come once, or all come, oldest first', () => {
  assert.deepEqual(slots('skip', 1, 5), [[5], 3])
  assert.deepEqual(slots('skip', 1, 5.9), [[], 4])
  assert.deepEqual(slots('once', 1, 5.9), [[5], 3])
  assert.deepEqual(slots('once', 1, 5), [[4, 5], 2])
  assert.deepEqual(slots('all', 1, 5), [[2, 3, 4, 5], 0])
})

test('of too many missed slots the newest thousand come', () => {
  const [found, leftOut] = slots('all', 0, 1_500) as [number[], number]
  assert.deepEqual([found.length, found[0], found.at(-1), leftOut], [1_000, 501, 1_500, 500])
  assert.equal(slots('skip', 0, 5_000.9)[1], 1_000)
})

test('after its last slot a schedule has no next one', () => {
  const spec = { calendar: calendar(3 * minute) } as ScheduleSpec
  assert.deepEqual([nextOf(spec, 0), nextOf(spec, 3 * minute)], [minute, Number.POSITIVE_INFINITY])
})

test('a row is of a schedule while cron and time zone are the same; an old row says neither', () => {
  const spec = { cron: '0 * * * *', timeZone: 'UTC' } as ScheduleSpec
  const row = {
    schedule: 's',
    cron: spec.cron,
    timeZone: spec.timeZone,
    seenMs: 1,
    gone: false,
    skipped: 0,
    skippedAt: null,
  }
  assert.deepEqual(
    [
      row,
      { ...row, timeZone: 'Europe/Rome' },
      { ...row, cron: '1 * * * *' },
      { ...row, cron: null, timeZone: null },
    ].map((one) => isOf(spec, one)),
    [true, false, false, true],
  )
})
