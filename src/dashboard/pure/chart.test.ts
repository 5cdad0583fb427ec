import assert from 'node:assert/strict'
import test from 'node:test'
import { every, pathsOf, toldOf, topOf } from './chart.ts'

const stepMs = 10

test('a line goes from value to value, and has a gap where a value or a sample is missing', () => {
  const at = [100, 110, 120, 130, 200]
  const paths = pathsOf({ at, values: [0, 5, null, 10, 20], stepMs }, { from: 100, to: 200, most: 10 })
  assert.deepEqual(paths, ['M0 100L100 50', 'M300 0h2', 'M1000 0h2'])
})

test('what was before the time of the picture is not in it', () => {
  const paths = pathsOf({ at: [90, 100, 110], values: [1, 1, 1], stepMs }, { from: 100, to: 200, most: 2 })
  assert.deepEqual(paths, ['M0 50L100 50'])
})

test('the top of a picture is a plain number that is not below any value', () => {
  assert.deepEqual([0, 0.3, 1, 3, 7, 10, 11, 480, 1_001].map(topOf), [1, 0.5, 1, 5, 10, 10, 20, 500, 2_000])
})

test('the newest value is told with the highest and its time; without values nothing is told', () => {
  assert.deepEqual(toldOf({ at: [1, 2, 3], values: [4, 9, 2], stepMs }), { now: 2, most: 9, mostAt: 2 })
  assert.deepEqual(toldOf({ at: [1, 2], values: [4, null], stepMs }), { now: undefined, most: 4, mostAt: 1 })
  assert.equal(toldOf({ at: [1], values: [null], stepMs }), undefined)
})

test('a table has the newest value first and every so many before it', () => {
  assert.deepEqual(every(4, 10), [9, 5, 1])
})
