import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Stored } from '../../model/codec.ts'
import { RecentMessages } from './recent-messages.ts'

const message = (position: number, json = '{}') => ({ position, json }) as Stored

const positionsAfter = (recent: RecentMessages, position: number): number[] | undefined => {
  const found = recent.after(position)
  return found?.messages.slice(found.index).map((one) => one.position)
}

test('with gaps and trims in any order, a reader is given all that follows its position, or sent to the disk', () => {
  const step = fc.oneof(
    fc.record({ push: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ trim: fc.integer({ min: 0, max: 120 }) }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 20 }), fc.array(step, { maxLength: 60 }), (head, steps) => {
      const recent = new RecentMessages(head)
      const all: number[] = []
      let passed = head
      for (const one of steps) {
        if ('push' in one) {
          recent.push(message(recent.head + one.push))
          all.push(recent.head)
        } else {
          recent.trim(one.trim)
          passed = Math.max(passed, one.trim)
        }
        for (let position = 0; position <= recent.head + 1; position++) {
          const given = positionsAfter(recent, position)
          const following = all.filter((other) => other > position)
          if (given !== undefined) {
            // Messages up to the first head are on disk only.
            assert(position >= head || following.length === 0 || position >= all[0]! - 1)
            assert.deepEqual(given, following)
          } else assert(position < passed || position < (all[0] ?? 0), `${position} is in memory`)
        }
      }
    }),
  )
})

test('a reader at the head gets nothing, one behind the messages in memory is sent to the disk', () => {
  const recent = new RecentMessages(10)
  assert.deepEqual(positionsAfter(recent, 10), [])
  assert.equal(positionsAfter(recent, 9), undefined)
  for (const position of [11, 12, 15, 16]) recent.push(message(position))
  assert.equal(recent.head, 16)
  assert.deepEqual(positionsAfter(recent, 10), [11, 12, 15, 16])
  assert.deepEqual(positionsAfter(recent, 13), [15, 16])
  assert.deepEqual(positionsAfter(recent, 16), [])
  recent.trim(12)
  assert.deepEqual(positionsAfter(recent, 14), [15, 16])
  assert.equal(positionsAfter(recent, 11), undefined)
  recent.trim(16)
  assert.deepEqual(positionsAfter(recent, 16), [])
  assert.equal(positionsAfter(recent, 15), undefined)
})

test('nothing is kept beyond the bounds, though somebody has not passed it', () => {
  const many = new RecentMessages(0)
  for (let position = 1; position <= 20_000; position++) many.push(message(position))
  many.trim(0)
  assert.equal(positionsAfter(many, 20_000 - 16_385), undefined)
  assert.equal(positionsAfter(many, 20_000 - 16_384)!.length, 16_384)

  const large = new RecentMessages(0)
  const json = 'x'.repeat(2 * 1024 * 1024)
  for (let position = 1; position <= 6; position++) large.push(message(position, json))
  large.trim(0)
  assert.deepEqual(positionsAfter(large, 2), [3, 4, 5, 6])
  assert.equal(positionsAfter(large, 1), undefined)
})
