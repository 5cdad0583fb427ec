import assert from 'node:assert/strict'
import test from 'node:test'
import { reached } from './sync-memory.ts'

test('numbers of syncs continue after the highest is used up', () => {
  const highest = 2 ** 31 - 1
  const next = (highest + 1) | 0
  assert.deepEqual([reached(5, 4), reached(5, 5), reached(4, 5)], [true, true, false])
  assert.deepEqual([reached(next, highest), reached(highest, next), reached(next + 3, next)], [true, false, true])
})
