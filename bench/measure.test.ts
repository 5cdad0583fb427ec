import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closedLoop, median, medians, percentile, rateOf } from './measure.ts'

test('the median of an even number of values lies between the two in the middle', () => {
  assert.equal(median([9, 1, 5]), 5)
  assert.equal(median([9, 1, 5, 2]), 3.5)
})

test('a percentile is a value that was measured', () => {
  const values = Array.from({ length: 100 }, (_, i) => i + 1)
  assert.equal(percentile(values, 0.5), 50)
  assert.equal(percentile(values, 0.99), 99)
  assert.equal(percentile([7], 0.99), 7)
  assert.ok(Number.isNaN(percentile([], 0.5)))
})

test('figures of several runs become the median of each', () => {
  assert.deepEqual(
    medians([
      { a: 1, b: 30 },
      { a: 3, b: 10 },
      { a: 2, b: 20 },
    ]),
    { a: 2, b: 20 },
  )
  assert.deepEqual(medians([]), {})
})

test('a rate leaves out what was done to warm up', async () => {
  const counts = [1_000_000, 10]
  const { perSecond } = await rateOf({ warmMs: 0, measureMs: 20 }, async (untilMs) => {
    while (performance.now() < untilMs) await null
    return counts.shift()!
  })
  assert.ok(perSecond! > 0 && perSecond! <= 500, `${perSecond}/s`)
})

test('a closed loop keeps no more in flight than it is told, and settles all of it', async () => {
  let begun = 0
  let running = 0
  let most = 0
  await closedLoop(
    3,
    () => begun < 10,
    async () => {
      begun++
      most = Math.max(most, ++running)
      await null
      running--
    },
  )
  assert.deepEqual({ begun, running, most }, { begun: 10, running: 0, most: 3 })
})
