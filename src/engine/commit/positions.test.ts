import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import { setPositions } from './positions.ts'

test('each message gets the position that the store gave it; repeats and delayed ones get none', () => {
  const messages = Array.from({ length: 4 }, () => ({ position: 0 }) as Stored)
  assert.equal(setPositions(messages, [5, 'same', 0, 6]), false)
  assert.deepEqual(
    messages.map(({ position }) => position),
    [5, 0, 0, 6],
  )
  assert.equal(setPositions(messages.slice(0, 1), [7]), true)
  assert.equal(setPositions([], []), true)
})
