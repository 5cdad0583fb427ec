import assert from 'node:assert/strict'
import test from 'node:test'
import { Numbers } from './numbers.ts'

test('numbers rise from the highest that the store knows', () => {
  const numbers = new Numbers()
  numbers.begin(7)
  assert.deepEqual([numbers.next(), numbers.next()], [8, 9])
})

test('no number is drawn before the store is taken over', () => {
  assert.throws(() => new Numbers().next(), /before the store is taken over/)
})
