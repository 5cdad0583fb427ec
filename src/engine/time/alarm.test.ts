import assert from 'node:assert/strict'
import test from 'node:test'
import { TestClock } from '../../../test/clock.ts'
import type { World } from '../../seam/world.ts'
import { Alarm } from './alarm.ts'

function alarm() {
  const clock = new TestClock(1_000)
  const rings: number[] = []
  return { clock, rings, made: new Alarm(clock as unknown as World, () => rings.push(clock.now())) }
}

test('an alarm rings once, at its time', () => {
  const { clock, rings, made } = alarm()
  made.set(1_500)
  clock.pass(499)
  assert.deepEqual(rings, [])
  clock.pass(1_000)
  assert.deepEqual(rings, [1_500])
})

test('an alarm that is set again, or cancelled, does not ring at the time before', () => {
  const { clock, rings, made } = alarm()
  made.set(1_200)
  made.set(1_700)
  clock.pass(600)
  assert.deepEqual(rings, [])
  made.cancel()
  clock.pass(10_000)
  assert.deepEqual([rings, clock.waits], [[], []])
})

test('an alarm of a time far away rings after a minute, so that a clock that was set is noticed', () => {
  const { clock, rings, made } = alarm()
  made.set(1_000 + 3_600_000)
  assert.deepEqual(clock.waits, [60_000])
  clock.set(9_000_000)
  clock.pass(60_000)
  assert.deepEqual(rings, [9_060_000])
})
