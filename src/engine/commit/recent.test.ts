import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Stored } from '../../model/codec.ts'
import { Tail } from './recent.ts'

const message = (position: number, json = '{}') => ({ position, json }) as Stored

const positionsAfter = (tail: Tail, position: number): number[] | undefined => {
  const found = tail.after(position)
  return found?.messages.slice(found.index).map((one) => one.position)
}

test('with gaps and trims in any order, a reader is given all that follows its position, or sent to the disk', () => {
  const step = fc.oneof(
    fc.record({ push: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ trim: fc.integer({ min: 0, max: 120 }) }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 20 }), fc.array(step, { maxLength: 60 }), (head, steps) => {
      const tail = new Tail(head)
      const all: number[] = []
      let passed = head
      for (const one of steps) {
        if ('push' in one) {
          tail.push(message(tail.head + one.push))
          all.push(tail.head)
        } else {
          tail.trim(one.trim)
          passed = Math.max(passed, one.trim)
        }
        for (let position = 0; position <= tail.head + 1; position++) {
          const given = positionsAfter(tail, position)
          const following = all.filter((other) => other > position)
          if (given !== undefined) {
            // What was there before the tail began is on disk only.
            assert(position >= head || following.length === 0 || position >= all[0]! - 1)
            assert.deepEqual(given, following)
          } else assert(position < passed || position < (all[0] ?? 0), `${position} is in memory`)
        }
      }
    }),
  )
})

test('who is at the head gets nothing, who is behind what is in memory is sent to the disk', () => {
  const tail = new Tail(10)
  assert.deepEqual(positionsAfter(tail, 10), [])
  assert.equal(positionsAfter(tail, 9), undefined)
  for (const position of [11, 12, 15, 16]) tail.push(message(position))
  assert.equal(tail.head, 16)
  assert.deepEqual(positionsAfter(tail, 10), [11, 12, 15, 16])
  assert.deepEqual(positionsAfter(tail, 13), [15, 16])
  assert.deepEqual(positionsAfter(tail, 16), [])
  tail.trim(12)
  assert.deepEqual(positionsAfter(tail, 14), [15, 16])
  assert.equal(positionsAfter(tail, 11), undefined)
  tail.trim(16)
  assert.deepEqual(positionsAfter(tail, 16), [])
  assert.equal(positionsAfter(tail, 15), undefined)
})

test('nothing is kept beyond the bounds, though somebody has not passed it', () => {
  const many = new Tail(0)
  for (let position = 1; position <= 20_000; position++) many.push(message(position))
  many.trim(0)
  assert.equal(positionsAfter(many, 20_000 - 16_385), undefined)
  assert.equal(positionsAfter(many, 20_000 - 16_384)!.length, 16_384)

  const large = new Tail(0)
  const json = 'x'.repeat(2 * 1024 * 1024)
  for (let position = 1; position <= 6; position++) large.push(message(position, json))
  large.trim(0)
  assert.deepEqual(positionsAfter(large, 2), [3, 4, 5, 6])
  assert.equal(positionsAfter(large, 1), undefined)
})
