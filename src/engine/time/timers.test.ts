import assert from 'node:assert/strict'
import test from 'node:test'
import { TestClock } from '../../../test/clock.ts'
import type { Fired, Firing } from '../../seam/timers.ts'
import type { World } from '../../seam/world.ts'
import type { Committer } from '../commit/committer.ts'
import { Timers } from './timers.ts'

/** Timers whose firings are answered by the test. */
function timers(next: number | undefined) {
  const clock = new TestClock(100)
  const firings: { readonly change: Firing; written(result: Fired): void }[] = []
  const committer = { writeTimed: (one: (typeof firings)[number]) => void firings.push(one) }
  const made = new Timers(clock as unknown as World, committer as unknown as Committer, 1_000, next)
  const answer = (nextDue: number | undefined) => firings.shift()!.written({ do: 'fire', appended: [], nextDue })
  return { clock, firings, made, answer }
}

test('the next delayed message fires when it is due, and then the one after it', () => {
  const { clock, firings, made, answer } = timers(150)
  made.begin()
  assert.equal(made.idle, true)
  clock.pass(49)
  assert.equal(firings.length, 0)
  clock.pass(1)
  assert.deepEqual([firings.length, made.idle], [1, false])
  answer(300)
  assert.deepEqual([firings.length, made.idle, clock.waits], [0, true, [150]])
})

test('one firing is written at a time; timers due by then fire after it', () => {
  const { firings, made, answer } = timers(50)
  made.begin()
  made.isSet(60)
  assert.equal(firings.length, 1)
  answer(60)
  assert.equal(firings.length, 1)
  answer(undefined)
  assert.deepEqual([firings.length, made.idle], [0, true])
})

test('a message that is due before all others moves the alarm, a later one does not', () => {
  const { clock, made } = timers(500)
  made.begin()
  made.isSet(900)
  assert.deepEqual(clock.waits, [400])
  made.isSet(200)
  assert.deepEqual(clock.waits, [100])
})

test('after the end nothing fires, and the answer of the last firing changes nothing', () => {
  const { clock, firings, made, answer } = timers(50)
  made.begin()
  made.end()
  answer(60)
  made.isSet(70)
  clock.pass(10_000)
  assert.deepEqual([firings.length, clock.waits], [0, []])
})

test('timers that have ended do not begin again', () => {
  const { made } = timers(undefined)
  made.end()
  assert.throws(() => made.begin(), /go from ended to sleeping/)
})
