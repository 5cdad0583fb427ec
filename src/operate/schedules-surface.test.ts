import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import { coded } from '../../test/support.ts'
import { event } from '../model/message.ts'
import { schedule } from '../parts/schedule.ts'
import type { DelayedPlace, ScheduleKept, TimeReads } from '../seam/time-reads.ts'
import { schedulesOn } from './schedules-surface.ts'

const Hour = event('hour', { schema: z.object({}) })
const hour = 3_600_000
const hourly = schedule('hourly', {
  cron: '0 * * * *',
  missed: 'once',
  publishes: Hour,
  data: {},
  renamedFrom: 'every-hour',
  owner: 'team clock',
})
const shown = { name: 'hourly', gone: false, cron: '0 * * * *', timeZone: 'UTC', publishes: 'hour', missed: 'once' }
const row = {
  schedule: 'hourly',
  cron: '0 * * * *',
  timeZone: 'UTC',
  seenMs: 0,
  gone: false,
  lastMs: 2 * hour,
  skipped: 4,
  skippedAt: 3 * hour,
}

function surface(kept: readonly ScheduleKept[], now: number, places: readonly DelayedPlace[] = []) {
  const time: TimeReads = {
    kept: async () => [...kept],
    delayed: async ({ after, limit }) => {
      const from = after === undefined ? 0 : places.findIndex(({ n }) => n === after.n) + 1
      return places.slice(from, from + limit).map((place) => ({ ...place, id: `m${place.n}` })) as never
    },
  }
  return schedulesOn({
    reading: (read) => read(time),
    parts: [hourly],
    now: () => now,
    fire: async () => ({ id: 'f', type: 'hour', at: now }),
  })
}

test('a schedule shows its next slot and its last, and the number that came since and are not done', async () => {
  const all = surface([row], 5.5 * hour)
  assert.deepEqual(await all.list(), [
    { ...shown, owner: 'team clock', nextAt: 6 * hour, lastAt: 2 * hour, waiting: 3, skipped: 4, skippedAt: 3 * hour },
  ])
  const [none] = await surface([{ ...row, seenMs: 5 * hour }], 5.5 * hour).list()
  assert.equal(none!.waiting, 0)
  const [many] = await surface([row], 5_000 * hour).list()
  assert.equal(many!.waiting, 1_000)
})

test('one that is new, or has another calendar, waits for nothing; its earlier name is no other schedule', async () => {
  const [fresh] = await surface([], 5.5 * hour).list()
  assert.deepEqual([fresh!.nextAt, fresh!.lastAt, fresh!.waiting], [6 * hour, null, 0])
  const [other] = await surface([{ ...row, cron: '30 * * * *' }], 5.5 * hour).list()
  assert.deepEqual([other!.lastAt, other!.waiting, other!.skipped], [2 * hour, 0, 0])
  const earlier = await surface([{ ...row, schedule: 'every-hour' }], 5.5 * hour).list()
  assert.deepEqual(
    earlier.map(({ name, lastAt }) => [name, lastAt]),
    [['hourly', 2 * hour]],
  )
})

test('one that only the store knows is gone', async () => {
  const [, gone] = await surface([row, { ...row, schedule: 'nightly', lastMs: null }], hour).list()
  assert.deepEqual(gone, {
    ...{ name: 'nightly', gone: true, cron: '0 * * * *', timeZone: 'UTC', publishes: null, missed: null, owner: null },
    ...{ nextAt: null, lastAt: null, waiting: 0, skipped: 4, skippedAt: 3 * hour },
  })
})

test('delayed messages come page by page; the last page says that it is', async () => {
  const all = surface(
    [],
    0,
    [1, 2, 3].map((n) => ({ dueMs: 10, n })),
  )
  const first = await all.delayed({ limit: 2 })
  assert.deepEqual([first.items.map(({ id }) => id), first.next], [['m1', 'm2'], '10.2'])
  const second = await all.delayed({ limit: 2, after: first.next! })
  assert.deepEqual([second.items.map(({ id }) => id), second.next], [['m3'], null])
  for (const wrong of [{ after: 'x' }, { limit: 201 }, { limit: 0 }]) {
    await assert.rejects(all.delayed(wrong), coded('millrace/bad-option', /schedules\.delayed/))
  }
})
