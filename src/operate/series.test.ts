import assert from 'node:assert/strict'
import test from 'node:test'
import type { Counts } from '../model/metrics.ts'
import { type Sampled, SeriesRing } from './series.ts'

/** A ring on a clock that is set, over processors that are set. */
function ring() {
  let now = 1_000_000
  let next: (() => void) | undefined
  let rows: readonly Sampled[] | undefined = []
  const world = {
    now: () => now,
    after: (_ms: number, fn: () => void) => {
      next = fn
      return { cancel: () => (next = undefined) }
    },
  }
  const look = () => {
    if (rows === undefined) throw new Error('it does not run')
    return rows
  }
  const made = new SeriesRing({ world, look })
  const step = (seen: readonly Sampled[] | undefined, ms = 15_000) => {
    rows = seen
    now += ms
    next?.()
  }
  return { made, step, see: (seen: readonly Sampled[] | undefined) => (rows = seen), isQuiet: () => next === undefined }
}

function part(name: string, handled: number, { lag = 0, failed = 0, sumMs = 0 } = {}): Sampled {
  const critical = { count: handled, sumMs, buckets: [] }
  return { name, destination: 'orders', lag, counts: { handled, failed, critical } as unknown as Counts }
}

test('a sample has the rate and the failures since the one before, the lag now, and the average critical time', () => {
  const { made, step, see } = ring()
  see([part('ledger', 100, { sumMs: 1_000 })])
  made.begin()
  step([part('ledger', 130, { sumMs: 1_300, lag: 7, failed: 2 })])
  step([part('ledger', 130, { sumMs: 1_300, lag: 9, failed: 2 })])
  assert.deepEqual(made.series(), {
    stepMs: 15_000,
    at: [1_015_000, 1_030_000],
    parts: [{ name: 'ledger', on: 'orders', perSecond: [2, 0], failed: [2, 0], lag: [7, 9], criticalMs: [10, null] }],
  })
})

test('counters that begin anew count from nothing, and while the app does not run there is no sample', () => {
  const { made, step, see } = ring()
  see([part('ledger', 100)])
  made.begin()
  step([part('ledger', 115)])
  step(undefined)
  step([part('ledger', 30), part('stock', 0)])
  const { at, parts } = made.series()
  assert.deepEqual(at, [1_015_000, 1_045_000])
  assert.deepEqual(
    parts.map(({ name, perSecond }) => [name, perSecond]),
    [
      ['ledger', [1, 2]],
      ['stock', [null, 0]],
    ],
  )
  assert.deepEqual(
    made.series('stock').parts.map(({ name }) => name),
    ['stock'],
  )
})

test('an hour is kept and no more; once it has ended nothing is kept and no timer is set', () => {
  const { made, step, see, isQuiet } = ring()
  see([part('ledger', 0)])
  made.begin()
  made.begin()
  for (let n = 1; n <= 500; n++) step([part('ledger', n)])
  const { at, parts } = made.series()
  assert.deepEqual([at.length, parts[0]!.lag.length, at.at(-1)! - at[0]!], [240, 240, 239 * 15_000])
  made.end()
  assert.deepEqual([made.series().at, isQuiet()], [[], true])
})
