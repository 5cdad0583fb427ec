import assert from 'node:assert/strict'
import test from 'node:test'
import type { JournalEntry } from '../../model/flow.ts'
import { StepEndsUnderWay } from './step-ends-under-way.ts'

const entry = (n: number, of: number): JournalEntry => {
  return { n, of, kind: 'call', step: '', what: '', data: null, at: 0 }
}

function begun() {
  let last = 10
  return new StepEndsUnderWay(() => ++last)
}

test('an end has the number with which its transaction was made', () => {
  const ends = begun()
  assert.deepEqual([ends.begin(1, 5), ends.begin(1, 6), ends.begin(2, 5)], [11, 12, 13])
  assert.equal(ends.written(1, entry(11, 5)).n, 11)
  assert.equal(ends.written(2, entry(13, 5)).n, 13)
  assert.equal(ends.written(1, entry(12, 6)).n, 12)
})

test('entries that a flow gets while ends are written come before them', () => {
  const ends = begun()
  ends.begin(1, 5)
  ends.begin(2, 5)
  assert.deepEqual(ends.putBehind(1), [{ do: 'renumber', flow: 1, from: 11, n: 13 }])
  assert.deepEqual(ends.putBehind(1), [{ do: 'renumber', flow: 1, from: 13, n: 14 }])
  assert.equal(ends.written(1, entry(11, 5)).n, 14)
  assert.equal(ends.written(2, entry(12, 5)).n, 12)
  assert.deepEqual(ends.putBehind(1), [])
})

test('an end whose transaction is made again has its last number', () => {
  const ends = begun()
  ends.begin(1, 5)
  assert.equal(ends.begin(1, 5), 12)
  assert.deepEqual(ends.putBehind(1), [{ do: 'renumber', flow: 1, from: 12, n: 13 }])
})

test('ends that are put behind something else keep their order', () => {
  const ends = begun()
  for (const step of [5, 6, 7]) ends.begin(1, step)
  // Made again, it comes behind the others.
  ends.begin(1, 5)
  assert.deepEqual(ends.putBehind(1), [
    { do: 'renumber', flow: 1, from: 12, n: 15 },
    { do: 'renumber', flow: 1, from: 13, n: 16 },
    { do: 'renumber', flow: 1, from: 14, n: 17 },
  ])
  const told = [6, 7, 5].map((step) => ends.written(1, entry(0, step)).n)
  assert.deepEqual(told, [15, 16, 17])
})

test('an end that a flow has got from its journal keeps its number', () => {
  const ends = begun()
  for (const step of [5, 6]) ends.begin(1, step)
  ends.inJournal(1, [{ ...entry(5, 0), of: null }, entry(11, 5)])
  assert.deepEqual(ends.putBehind(1), [{ do: 'renumber', flow: 1, from: 12, n: 13 }])
  assert.equal(ends.written(1, entry(11, 5)).n, 11)
})

test('ends of a flow that has ended are forgotten', () => {
  const ends = begun()
  ends.begin(1, 5)
  ends.forget(1)
  assert.deepEqual(ends.putBehind(1), [])
})
