// How many handlers of a processor run at once, as a person sets it: at once, durable, and back to what the code says.
import assert from 'node:assert/strict'
import test from 'node:test'
import { processor } from 'millrace'
import type { Simulation } from 'millrace/testing'
import { coded } from '../support.ts'
import { bank, Moves, publish, until, upTo } from './support.ts'

type Most = number | 'default'
const set = (sim: Simulation, concurrency: Most, by?: string) =>
  sim.settled(sim.app.processors.set('ledger', by === undefined ? { concurrency } : { concurrency, by }))

async function listed(sim: Simulation) {
  const [row] = await sim.settled(sim.app.processors.list())
  return [row!.concurrency, row!.concurrencySet, row!.running]
}

/** A ledger of 4 at once, whose handlers run until they are told to end. */
function slow(name = 'ledger', renamedFrom?: string) {
  const ends: (() => void)[] = []
  const part = processor(name, {
    on: Moves,
    renamedFrom,
    concurrency: 4,
    timeoutMs: 86_400_000,
    handle: { moved: () => new Promise<void>((resolve) => void ends.push(resolve)) },
  })
  /** Ends so many of those that run, the oldest first. */
  const end = (count: number) => {
    for (const resolve of ends.splice(0, count)) resolve()
  }
  return { part, ends, end }
}

/** Each message in a context of its own. */
async function publishEach(sim: Simulation, count: number): Promise<void> {
  for (const n of upTo(count)) await publish(sim, `a${n}`, [n])
}

test('a smaller number starts nothing until fewer run, a larger one starts more at once', async (t) => {
  const { part, ends, end } = slow()
  const sim = bank(t, [part])
  await publishEach(sim, 20)
  await until(sim, 'four run', () => ends.length === 4)
  assert.deepEqual(await listed(sim), [4, null, 4])
  await set(sim, 2)
  assert.deepEqual(await listed(sim), [4, 2, 4])
  end(2)
  await sim.advance(1_000)
  assert.deepEqual(await listed(sim), [4, 2, 2])
  end(1)
  await sim.advance(1_000)
  assert.deepEqual(await listed(sim), [4, 2, 2])
  await set(sim, 6)
  assert.deepEqual(await listed(sim), [4, 6, 6])
  await set(sim, 'default')
  end(3)
  await sim.advance(1_000)
  assert.deepEqual(await listed(sim), [4, null, 4])
})

test('the number is kept across restarts and crashes, and so is that the code decides again', async (t) => {
  const { part, ends } = slow()
  const sim = bank(t, [part])
  await publishEach(sim, 20)
  const runs = async (count: number, power: boolean) => {
    ends.length = 0
    await sim.crash({ power })
    await sim.restart()
    // What may have killed the process runs alone first, for at most 5 seconds each.
    await until(sim, `${count} run`, () => ends.length === count, 1_000)
    await sim.advance(60_000)
    assert.equal(ends.length, count)
  }
  await set(sim, 1)
  await runs(1, true)
  await set(sim, 7)
  await runs(7, false)
  await set(sim, 'default')
  await runs(4, true)
})

test('a processor that is renamed keeps the number', async (t) => {
  const [old, today] = [slow(), slow('book', 'ledger')]
  let part = old.part
  const sim = bank(t, () => [part])
  await publishEach(sim, 20)
  await set(sim, 3)
  part = today.part
  await sim.restart()
  await until(sim, 'three run', () => today.ends.length === 3)
  assert.deepEqual(await listed(sim), [4, 3, 3])
})

test('a processor that begins anew keeps the number', async (t) => {
  const { part, ends, end } = slow()
  const sim = bank(t, [part])
  await publishEach(sim, 20)
  await set(sim, 2)
  await sim.settled(sim.app.processors.reset('ledger', { to: 'beginning' }))
  end(ends.length)
  await until(sim, 'two run', () => ends.length === 2)
  await sim.advance(60_000)
  assert.deepEqual([ends.length, await listed(sim)], [2, [4, 2, 2]])
  await set(sim, 3)
  assert.equal(ends.length, 3)
})

test('the audit log has who set the number, to what and why; setting the same number again adds nothing', async (t) => {
  const sim = bank(t, [slow().part])
  await publishEach(sim, 1)
  await set(sim, 2, 'ann')
  await set(sim, 2, 'bob')
  await set(sim, 'default')
  await set(sim, 'default', 'bob')
  const audit = await sim.settled(sim.app.desk.audit())
  assert.deepEqual(
    audit.map(({ action, subject, by, detail }) => [action, subject, by, detail]),
    [
      ['set', 'ledger', 'app bank', { concurrency: 'default' }],
      ['set', 'ledger', 'ann', { concurrency: 2 }],
    ],
  )
})

test('a number out of bounds and an unknown processor are refused and change nothing', async (t) => {
  const sim = bank(t, [slow().part])
  await publishEach(sim, 1)
  for (const concurrency of [0, 1.5, 10_001, 'many' as never, null as never]) {
    await assert.rejects(set(sim, concurrency), coded('millrace/bad-option', /^processors\.set: concurrency is /))
  }
  const missing = sim.app.processors.set('ledger', {} as never)
  await assert.rejects(missing, coded('millrace/bad-option', /concurrency/))
  const unknown = sim.settled(sim.app.processors.set('ledgr', { concurrency: 1 }))
  await assert.rejects(unknown, coded('millrace/unknown-processor', /did you mean "ledger"\?/))
  assert.deepEqual((await listed(sim)).slice(0, 2), [4, null])
})
