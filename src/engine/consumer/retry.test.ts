import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { Refused } from '../../model/refused.ts'
import { consequence } from './retry.ts'

const policy = { attempts: 5, immediate: 0, firstDelayMs: 200, maxDelayMs: 1_000, factor: 2, jitter: 0.5 }
const error = new Error('failed')

test('the delay doubles from the first to the longest, and varies by half of itself', () => {
  const delay = (attempts: number, random: number) => {
    const next = consequence(error, attempts, policy, random)
    assert(next.do === 'retry')
    return next.delayMs
  }
  assert.deepEqual(
    [1, 2, 3, 4].map((attempts) => delay(attempts, 0)),
    [100, 200, 400, 500],
  )
  assert.deepEqual(
    [1, 2, 3, 4].map((attempts) => delay(attempts, 0.5)),
    [150, 300, 600, 750],
  )
})

test('the last attempt and a refusal are final', () => {
  assert.deepEqual(consequence(error, 5, policy, 0.5), { do: 'hold' })
  assert.deepEqual(consequence(error, 6, policy, 0.5), { do: 'hold' })
  assert.deepEqual(consequence(new Refused('no'), 1, policy, 0.5), { do: 'hold' })
  assert.deepEqual(consequence(undefined, 1, { ...policy, attempts: 1 }, 0.5), { do: 'hold' })
})

test('with any policy the delay is a number between half of its step and all of it, however many attempts', () => {
  const ms = fc.integer({ min: 0, max: 86_400_000 })
  const attempts = fc.integer({ min: 1, max: 999 })
  fc.assert(
    fc.property(ms, ms, attempts, fc.double({ min: 0, max: 0.999, noNaN: true }), (first, max, made, random) => {
      const next = consequence(
        error,
        made,
        { ...policy, attempts: 1_000, firstDelayMs: first, maxDelayMs: max },
        random,
      )
      assert(next.do === 'retry')
      const step = Math.min(max, first * 2 ** (made - 1))
      assert(next.delayMs >= step / 2 && next.delayMs <= step)
    }),
  )
})
