import assert from 'node:assert/strict'
import test from 'node:test'
import { Expiry } from './expiry.ts'

function expiry(next: (now: number) => number | undefined) {
  const timers: { ms: number; fire: () => void; cancelled: boolean }[] = []
  const logged: string[] = []
  let now = 1_000
  const all = new Expiry({
    world: {
      now: () => now,
      log: (_level, text) => void logged.push(text),
      after: (ms, fire) => {
        const timer = { ms, fire, cancelled: false }
        timers.push(timer)
        const cancel = () => {
          timer.cancelled = true
        }
        return { cancel }
      },
    },
    store: { operations: { expire: async (at: number) => next(at) } } as never,
    committer: { alone: (work) => work() },
  })
  const pending = () => timers.filter(({ cancelled }) => !cancelled).map(({ ms }) => ms)
  const fire = async () => {
    const timer = timers.at(-1)!
    now += timer.ms
    timer.cancelled = true
    timer.fire()
    await new Promise(setImmediate)
  }
  return { all, pending, fire, logged }
}

test('it looks again when the time of the next is over; where there is none, no timer is set', async () => {
  const times: number[] = []
  const { all, pending, fire } = expiry((now) => {
    times.push(now)
    return now < 6_000 ? 6_000 : undefined
  })
  await all.look()
  assert.deepEqual(pending(), [5_000])
  await fire()
  assert.deepEqual([times, pending()], [[1_000, 6_000], []])
})

test('no sleep is longer than a minute, and each look has one timer', async () => {
  const { all, pending } = expiry(() => 9_000_000)
  await all.look()
  await all.look()
  assert.deepEqual(pending(), [60_000])
})

test('a look that fails is logged and comes again after a minute', async () => {
  let fails = true
  const { all, pending, fire, logged } = expiry(() => {
    if (fails) throw new Error('locked')
    return undefined
  })
  await all.look()
  assert.deepEqual([logged, pending()], [['prepared operations at the desk cannot expire'], [60_000]])
  fails = false
  await fire()
  assert.deepEqual(pending(), [])
})

test('after its end nothing is looked at', async () => {
  let looks = 0
  const { all, pending } = expiry(() => {
    looks++
    return 2_000
  })
  await all.look()
  all.end()
  await all.look()
  assert.deepEqual([looks, pending()], [1, []])
})
