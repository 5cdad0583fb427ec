import assert from 'node:assert/strict'
import test from 'node:test'
import { histogramBoundsMs } from '../../model/metrics.ts'
import { Histogram } from './histogram.ts'

test('a duration is in the first bucket whose bound it does not pass; the last has all that are longer', () => {
  const all = new Histogram()
  const [least] = histogramBoundsMs
  const most = histogramBoundsMs.at(-1)!
  for (const ms of [0, least!, least! + 0.001, most, most + 1]) all.add(ms)
  const { count, sumMs, buckets } = all.values
  assert.equal(buckets.length, histogramBoundsMs.length + 1)
  assert.deepEqual([count, buckets[0], buckets[1], buckets.at(-2), buckets.at(-1)], [5, 2, 1, 1, 1])
  assert.equal(sumMs, 2 * least! + 0.001 + 2 * most + 1)
})

test('a duration below zero is none, and what has counted nothing shares no counter', () => {
  const [one, other] = [new Histogram(), new Histogram()]
  one.add(-5)
  assert.deepEqual([one.values.count, one.values.sumMs, one.values.buckets[0]], [1, 0, 1])
  assert.deepEqual([other.values.count, other.values.buckets[0]], [0, 0])
})
