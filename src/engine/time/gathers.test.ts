import assert from 'node:assert/strict'
import test from 'node:test'
import { evaluate } from './gathers.ts'

test('a condition fires when it becomes true, and is armed when it was back', () => {
  const walk = (bounds: Parameters<typeof evaluate>[0], values: number[]) => {
    let armed = true
    return values.filter((value) => {
      const verdict = evaluate(bounds, { armed }, value)
      armed = verdict.armed
      return verdict.fires
    })
  }
  const above = { above: 5, below: undefined, rearm: undefined }
  assert.deepEqual(walk(above, [5, 6, 7, 5, 8]), [6, 8])
  assert.deepEqual(walk({ ...above, rearm: 2 }, [6, 3, 7, 2, 8, Number.POSITIVE_INFINITY]), [6, 8])
  const below = { above: undefined, below: 5, rearm: undefined }
  assert.deepEqual(walk(below, [5, 4, 3, 5, 1]), [4, 1])
  assert.deepEqual(walk({ ...below, rearm: 9 }, [4, 8, 3, 9, 1]), [4, 1])
})
