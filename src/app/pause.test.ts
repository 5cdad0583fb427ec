import assert from 'node:assert/strict'
import test from 'node:test'
import type { World } from '../seam/world.ts'
import { Pause } from './pause.ts'

function pauseWith(timers: { ms: number; fire: () => void; cancelled: boolean }[]): Pause {
  const after = (ms: number, fire: () => void) => {
    const timer = { ms, fire, cancelled: false }
    timers.push(timer)
    const cancel = () => {
      timer.cancelled = true
    }
    return { cancel }
  }
  return new Pause({ after } as unknown as World)
}

test('a pause ends after its time', async () => {
  const timers: Parameters<typeof pauseWith>[0] = []
  const paused = pauseWith(timers).for(1_000)
  assert.equal(timers[0]!.ms, 1_000)
  timers[0]!.fire()
  await paused
})

test('a pause that is ended does not wait for its time, and leaves no timer behind', async () => {
  const timers: Parameters<typeof pauseWith>[0] = []
  const pause = pauseWith(timers)
  pause.end()
  const paused = pause.for(1_000)
  pause.end()
  await paused
  assert.equal(timers[0]!.cancelled, true)
})
