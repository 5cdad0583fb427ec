// A processor that passes what fails: its lane goes on, and what is held stands alone.
import assert from 'node:assert/strict'
import test from 'node:test'
import { randomOf } from '../../src/testing/random.ts'
import {
  assertDeskSound,
  bank,
  counts,
  gate,
  hasty,
  type LedgerOptions,
  ledger,
  publish,
  seen,
  until,
  upTo,
} from './support.ts'

/** A ledger that passes, fails at these numbers, and tells how many of one account ran at once. */
function passing(broken: ReadonlySet<number>, during: (n: number) => unknown = () => {}, options: LedgerOptions = {}) {
  const running = new Map<string, number>()
  const state = { most: 0 }
  const part = ledger(
    async ({ account, n }) => {
      const now = (running.get(account) ?? 0) + 1
      running.set(account, now)
      state.most = Math.max(state.most, now)
      try {
        await during(n)
        if (broken.has(n)) throw new Error(`broken ${n}`)
      } finally {
        running.set(account, running.get(account)! - 1)
      }
    },
    { onHold: 'pass', retry: { ...hasty }, ...options },
  )
  return { part, state }
}

test('only the failed message loses its order: the others continue in order, one at a time', async (t) => {
  const broken = new Set([1, 4])
  const { part, state } = passing(broken, () => null)
  const sim = bank(t, [part])
  await publish(sim, 'a', upTo(8))
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [0, 2, 3, 5, 6, 7])
  assert.deepEqual(await counts(sim), [2, 0, 0])
  broken.clear()
  for (const { id } of sim.held().reverse()) await sim.release(id)
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [0, 2, 3, 5, 6, 7, 4, 1])
  assert.equal(state.most, 1)
  assert.deepEqual(await counts(sim), [0, 0, 0])
})

test('a message between two attempts still comes before those that follow it: only a held one is passed', async (t) => {
  let fails = 1
  const sim = bank(t, [
    ledger(
      ({ n }) => {
        if (n === 1 && fails-- > 0) throw new Error('not yet')
      },
      { onHold: 'pass', retry: { attempts: 2, firstDelayMs: 1_000, maxDelayMs: 1_000 } },
    ),
  ])
  await publish(sim, 'a', upTo(4))
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), upTo(4))
})

test('a message released while its context is busy waits for its turn behind those already there', async (t) => {
  const broken = new Set([0])
  const wait = gate()
  const { part, state } = passing(broken, (n) => (n === 1 ? wait.opened : undefined))
  const sim = bank(t, [part])
  await publish(sim, 'a', upTo(3))
  await until(sim, 'it is held', () => sim.held().length === 1)
  broken.clear()
  await sim.release(sim.held()[0]!.id)
  await publish(sim, 'a', [3])
  await sim.advance(1_000)
  assert.deepEqual(seen(sim, 'a'), [])
  wait.open()
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [1, 2, 0, 3])
  assert.equal(state.most, 1)
})

test('messages behind a released one that fails again continue once it is held again', async (t) => {
  const broken = new Set([0])
  const { part, state } = passing(broken)
  const sim = bank(t, [part])
  await publish(sim, 'a', upTo(2))
  await sim.untilIdle()
  const { id } = sim.held()[0]!
  await Promise.all([sim.release(id), publish(sim, 'a', upTo(5, 2))])
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), upTo(5, 1))
  assert.deepEqual([sim.held()[0]!.failures, state.most], [2, 1])
  assertDeskSound(sim)
})

test('after a restart or a crash held messages are still passed, and released ones ran once, for twenty seeds', async (t) => {
  for (const seed of upTo(20)) {
    const random = randomOf(seed, 'deaths')
    const broken = new Set([1, 3])
    const { part, state } = passing(broken, () => (random.chance(0.5) ? null : undefined))
    const sim = bank(t, [part], { seed })
    const dies = async () => {
      await sim.advance(random() * 6)
      if (random.chance(0.6)) await sim.crash({ power: random.chance(0.5) })
      await sim.restart()
    }
    await publish(sim, 'a', upTo(6))
    await dies()
    await sim.untilIdle()
    assert.deepEqual(seen(sim, 'a'), [0, 2, 4, 5], `seed ${seed}`)
    broken.clear()
    for (const { id } of sim.held()) {
      await sim.release(id)
      if (random.chance(0.5)) await dies()
      await publish(sim, 'a', [10 + id])
    }
    await dies()
    await sim.untilIdle()
    const all = seen(sim, 'a')
    assert.deepEqual(all.filter((n) => n < 10).sort(), upTo(6), `seed ${seed}: each once`)
    const later = all.filter((n) => n >= 10)
    assert.deepEqual(
      later,
      [...later].sort((a, b) => a - b),
      `seed ${seed}: those that never failed in order`,
    )
    assert.equal(state.most, 1, `seed ${seed}`)
    assert.deepEqual(await counts(sim), [0, 0, 0])
    await sim.stop()
  }
})

test('a lane that was closed stays closed when its processor passes from now on, until what closed it is resolved', async (t) => {
  const broken = new Set([0])
  let onHold: 'block' | 'pass' = 'block'
  const sim = bank(t, () => [passing(broken, undefined, { onHold }).part])
  await publish(sim, 'a', upTo(3))
  await sim.untilIdle()
  onHold = 'pass'
  await sim.restart()
  await publish(sim, 'a', [3])
  await sim.untilIdle()
  assert.deepEqual(await counts(sim), [1, 3, 0])
  await sim.release(sim.held()[0]!.id)
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [1, 2, 3])
  assert.deepEqual(await counts(sim), [1, 0, 0])
  onHold = 'block'
  await sim.restart()
  await publish(sim, 'a', [4])
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [1, 2, 3, 4])
  broken.clear()
  await sim.release(sim.held()[0]!.id)
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [1, 2, 3, 4, 0])
})
