import assert from 'node:assert/strict'
import test from 'node:test'
import { histogramBoundsMs } from '../../model/metrics.ts'
import { Histogram } from '../kit/histogram.ts'
import { Counters, SettledAt } from './counters.ts'

test('a duration is counted in the first bucket that it does not exceed, and above all in the last', () => {
  const all = new Histogram()
  const none = all.values
  assert.deepEqual(none, { count: 0, sumMs: 0, buckets: Array(histogramBoundsMs.length + 1).fill(0) })
  for (const ms of [0, 1, 1.5, 2.5, 3_600_000, 3_600_001, -7]) all.add(ms)
  const { count, sumMs, buckets } = all.values
  assert.deepEqual([count, sumMs], [7, 7_200_006])
  assert.deepEqual([buckets[0], buckets[1], buckets.at(-2), buckets.at(-1)], [3, 2, 1, 1])
  assert.equal(buckets.length, histogramBoundsMs.length + 1)
  assert.deepEqual([none.count, none.buckets[0]], [0, 0], 'values that were given stay as they were')
})

test('each attempt is counted by its end; those that were handled have a critical time too', () => {
  const settled = new SettledAt()
  const counters = new Counters(settled)
  assert.equal(counters.values.criticalNewestMs, null)
  settled.read({ elapsed: () => 40, now: () => 1_000 })
  counters.handled(30, 400)
  counters.failed(5)
  counters.refused(7)
  settled.read({ elapsed: () => 50, now: () => 900 })
  counters.handled(49, 950)
  const { handled, failed, refused, attempt, critical, criticalNewestMs } = counters.values
  assert.deepEqual({ handled, failed, refused }, { handled: 2, failed: 1, refused: 1 })
  assert.deepEqual([attempt.count, attempt.sumMs], [4, 23])
  assert.deepEqual([critical.count, critical.sumMs, criticalNewestMs], [2, 600, 0], 'a clock that was set back')
})
