import assert from 'node:assert/strict'
import test from 'node:test'
import type { World } from '../../seam/world.ts'
import { Times } from './times.ts'

/** Times on a clock that the test sets; a round of telling ends when the test says so. */
function clocked() {
  let now = 0
  let ring: (() => void) | undefined
  const rounds: (() => void)[] = []
  let told = 0
  const world = {
    now: () => now,
    after: (_ms: number, then: () => void) => {
      ring = then
      return { cancel: () => (ring = undefined) }
    },
  } as unknown as World
  const times = new Times(world, {
    tellDue: () => new Promise<void>((resolve) => rounds.push(resolve)),
    told: () => void told++,
  })
  const passTo = (time: number) => {
    now = time
    ring?.()
  }
  const endRound = async () => {
    rounds.shift()!()
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  return { times, passTo, endRound, open: () => rounds.length, told: () => told }
}

test('flows are told when their next time comes, not before', () => {
  const { times, passTo, open } = clocked()
  times.changed(10)
  times.begin()
  passTo(9)
  assert.equal(open(), 0)
  assert.equal(times.idle, true)
  passTo(10)
  assert.equal(open(), 1)
  assert.equal(times.idle, false)
})

test('a commit that sets an earlier time moves the next one', () => {
  const { times, passTo, open } = clocked()
  times.begin()
  times.changed(10)
  times.changed(5)
  passTo(5)
  assert.equal(open(), 1)
})

test('one round of telling is under way at a time; after it the next time is looked at', async () => {
  const { times, passTo, endRound, open, told } = clocked()
  times.begin()
  times.changed(1)
  passTo(1)
  times.changed(1)
  assert.equal(open(), 1)
  await endRound()
  assert.equal(open(), 1)
  times.changed(null)
  await endRound()
  assert.deepEqual([open(), told(), times.idle], [0, 1, true])
})

test('nothing is told before the beginning, and nothing after the end', () => {
  const { times, passTo, open } = clocked()
  times.changed(1)
  passTo(2)
  assert.equal(open(), 0)
  times.end()
  times.begin()
  passTo(3)
  assert.equal(open(), 0)
})
