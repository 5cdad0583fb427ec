// Operations that are prepared before they run, that keep to a rate of lanes, and that stop after failures.
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Operation } from 'millrace'
import type { Simulation } from 'millrace/testing'
import { randomOf } from '../../src/testing/random.ts'
import { assertDeskSound, bank, gate, ledger, Moved, seen, until, upTo } from './support.ts'

type Options = Parameters<Simulation['app']['desk']['select']>[2]

const hour = 3_600_000
const bob = { by: 'bob', reason: 'now' }
const accounts = (count: number) => upTo(count).map((n) => `a${n}`)

/** A ledger that fails until it is mended; some accounts fail still. */
function mendable(still: ReadonlySet<string> = new Set(), during: (account: string) => unknown = () => {}) {
  const state = { broken: true }
  const part = ledger(
    async ({ account }) => {
      if (!state.broken) await during(account)
      if (state.broken || still.has(account)) throw new Error('broken')
    },
    { retry: { attempts: 1 } },
  )
  return { part, state }
}

async function hold(sim: Simulation, count: number, each = 1): Promise<void> {
  for (const n of upTo(each)) await Promise.all(accounts(count).map((account) => sim.publish(Moved, { account, n })))
  await sim.untilIdle()
}

const select = (sim: Simulation, options: Partial<Options> = {}) =>
  sim.settled(sim.app.desk.select('release', {}, { name: 'all', by: 'ann', ...options }))

const run = (sim: Simulation, id: number, options = {}) => sim.settled(sim.app.desk.run(id, { ...bob, ...options }))

async function operation(sim: Simulation, name = 'all'): Promise<Operation> {
  const [one] = await sim.settled(sim.app.desk.operations({ name }))
  return one!
}

const progress = async (sim: Simulation, name = 'all') => {
  const { state, total, done, failures } = await operation(sim, name)
  return [state, total, done, failures]
}

/** When each message was released, in order. */
const releases = (sim: Simulation) =>
  sim.query<{ at: number }>`select at from millrace_audit where action = 'released' order by id`.map(({ at }) => at)

/** No second has more releases than so many, in lanes of one message each. */
function assertRate(at: readonly number[], perSecond: number): void {
  for (const [n, time] of at.entries()) {
    const next = at[n + perSecond]
    assert(next === undefined || next - time >= 1_000, `more than ${perSecond} in the second from ${time}`)
  }
}

test('a prepared operation is counted and does nothing until it is run, also across restarts', async (t) => {
  const { part, state } = mendable()
  const sim = bank(t, [part])
  await hold(sim, 6)
  const made = await select(sim, { prepare: true })
  assert.deepEqual([made.state, made.total, made.lanes], ['prepared', 6, 6])
  assert.equal(made.expiresAt, made.startedAt + hour)
  state.broken = false
  await sim.untilIdle()
  await sim.crash({ power: true })
  await sim.restart()
  await sim.untilIdle()
  assert.deepEqual(await progress(sim), ['prepared', 6, 0, 0])
  assert.deepEqual(releases(sim), [])
  const begun = await run(sim, made.id)
  assert.deepEqual([begun.state, begun.expiresAt], ['running', null])
  await sim.untilIdle()
  assert.deepEqual(await progress(sim), ['done', 6, 6, 0])
  for (const account of accounts(6)) assert.deepEqual(seen(sim, account), [0])
  const audit = await sim.settled(sim.app.desk.audit())
  const about = audit.filter(({ subject }) => subject === 'all').map(({ action, by, detail }) => [action, by, detail])
  assert.deepEqual(about, [
    ['run', 'bob', {}],
    ['selected', 'ann', { action: 'release', total: 6, prepared: true }],
  ])
})

test('a prepared operation expires after an hour, also while no app runs; an aborted one never runs', async (t) => {
  const { part } = mendable()
  const sim = bank(t, [part])
  await hold(sim, 2)
  const ids: number[] = []
  for (const name of ['one', 'two', 'gone']) ids.push((await select(sim, { name, prepare: true })).id)
  await sim.settled(sim.app.desk.abort(ids[2]!, bob))
  await sim.advance(hour / 2)
  const late = await select(sim, { name: 'late', prepare: true })
  await sim.advance(hour / 2 + 1_000)
  for (const name of ['one', 'two']) assert.deepEqual(await progress(sim, name), ['expired', 2, 0, 0])
  for (const id of ids) await assert.rejects(run(sim, id), { code: 'millrace/operation-ended' })
  await sim.crash()
  await sim.advance(hour)
  await sim.restart()
  await sim.advance(1_000)
  await assert.rejects(run(sim, late.id), { code: 'millrace/operation-ended' })
  assert.deepEqual(await progress(sim, 'late'), ['expired', 2, 0, 0])
  assert.equal(sim.held().length, 2)
})

test('a ramp begins at most its number of lanes in any second, also after kills', async (t) => {
  for (const seed of upTo(4)) {
    const random = randomOf(seed, 'deaths')
    const perSecond = [1, 3, 20, 45][seed % 4]!
    const { part, state } = mendable()
    const sim = bank(t, [part], { seed })
    await hold(sim, perSecond * 2 + 2)
    state.broken = false
    const { id } = await select(sim, { perSecond, prepare: random.chance(0.5) })
    if ((await operation(sim)).state === 'prepared') await run(sim, id)
    const begun = (await operation(sim)).startedAt
    for (let deaths = random.below(5); deaths > 0; deaths--) {
      await sim.advance(random() * 600)
      await sim.crash({ power: random.chance(0.5) })
      await sim.restart()
    }
    await sim.untilIdle()
    const at = releases(sim)
    assert.equal(at.length, perSecond * 2 + 2, `seed ${seed}`)
    assertRate(at, perSecond)
    assert(at.at(-1)! - begun < 60_000, 'it goes on at its rate')
    assert.equal((await operation(sim)).state, 'done')
    await sim.stop()
  }
})

test('the rate counts lanes: all of one lane that is held goes at once, and counts once', async (t) => {
  let broken = true
  const part = ledger(
    () => {
      if (broken) throw new Error('broken')
    },
    { retry: { attempts: 1 }, onHold: 'pass' },
  )
  const sim = bank(t, [part])
  await hold(sim, 3, 4)
  broken = false
  const made = await select(sim, { perSecond: 1, stopAfter: 2 })
  assert.deepEqual([made.total, made.lanes], [12, 3])
  await sim.untilIdle()
  const at = releases(sim)
  assert.equal(at.length, 12)
  const steps = [4, 8].map((n) => at[n]! - at[n - 4]!)
  assert(
    steps.every((step) => step >= 1_000),
    `a lane a second: ${steps}`,
  )
  for (const n of upTo(3)) assert(at[n * 4 + 3]! - at[n * 4]! < 1_000, 'one lane goes at once')
})

test('a ramp stops after so many failures: more never fail, and it is run on with the rest', async (t) => {
  for (const seed of upTo(6)) {
    const random = randomOf(seed, 'fails')
    const still = new Set(accounts(16).filter(() => random.chance(0.4)))
    const { part, state } = mendable(still)
    const sim = bank(t, [part], { seed })
    await hold(sim, 16)
    state.broken = false
    const { id } = await select(sim, { stopAfter: 3, ...(random.chance(0.5) ? { perSecond: 10 } : {}) })
    for (let runs = 1; ; runs++) {
      for (let deaths = random.below(3); deaths > 0; deaths--) {
        await sim.advance(random() * 20)
        await sim.crash({ power: random.chance(0.5) })
        await sim.restart()
      }
      await sim.untilIdle()
      const one = await operation(sim)
      const again = sim.held().filter(({ failures }) => failures > 1).length
      assert(again <= 3 * runs, `seed ${seed}: ${again} have failed in ${runs} runs`)
      if (one.state === 'done') break
      assert.deepEqual([one.state, one.failures], ['stopped', 3], `seed ${seed}`)
      assert(one.endedAt !== null)
      assert.equal(again, Math.min(3 * runs, still.size), `seed ${seed}`)
      const before = releases(sim).length
      await sim.advance(60_000)
      assert.equal(releases(sim).length, before, 'it does nothing more')
      await run(sim, id)
    }
    assert.equal(releases(sim).length, 16)
    assert.equal(sim.held().length, still.size)
    assertDeskSound(sim)
    await sim.stop()
  }
})

test('refused messages are failures too', async (t) => {
  const { part, state } = mendable()
  const sim = bank(t, [part])
  await hold(sim, 20)
  state.broken = false
  const { id } = await select(sim, { stopAfter: 4, prepare: true })
  const [first, second, third, fourth] = sim.held()
  for (const one of [first, second, third, fourth]) await sim.release(one!.id)
  await run(sim, id)
  await sim.untilIdle()
  const { state: name, failures, refused, done } = await operation(sim)
  assert.deepEqual([name, failures, refused, done], ['stopped', 4, 4, 4])
  assert.equal(sim.held().length, 16)
  const [line] = (await sim.settled(sim.app.desk.audit())).filter(({ action }) => action === 'stopped')
  assert.deepEqual([line!.action, line!.by, line!.reason], ['stopped', 'millrace', '4 failed; 16 are left as they are'])
  await assert.rejects(run(sim, 99), { code: 'millrace/unknown-operation' })
})

test('a ramp that waits holds up no other operation, and an abort ends it at once', async (t) => {
  const { part, state } = mendable()
  const sim = bank(t, [part])
  await hold(sim, 10)
  state.broken = false
  const held = sim.held().map(({ id }) => id)
  const slow = await sim.settled(
    sim.app.desk.select('release', { items: held.slice(0, 5) }, { name: 'slow', by: 'ann', perSecond: 1 }),
  )
  await sim.settled(sim.app.desk.select('release', { items: held.slice(5) }, { name: 'fast', by: 'ann' }))
  await until(sim, 'the fast one is done', () => sim.rows<{ done: number }>('millrace_operations')[1]!.done === 5, 1)
  await sim.advance(50)
  assert.deepEqual(await progress(sim, 'fast'), ['done', 5, 5, 0])
  const { state: name, done, nextAt } = await operation(sim, 'slow')
  assert.deepEqual([name, done, typeof nextAt], ['running', 1, 'number'])
  await assert.rejects(run(sim, slow.id), { code: 'millrace/already-running' })
  await sim.settled(sim.app.desk.abort(slow.id, bob))
  await sim.untilIdle()
  assert.deepEqual(await progress(sim, 'slow'), ['aborted', 5, 1, 0])
  assert.equal(sim.held().length, 4)
  await assert.rejects(run(sim, slow.id), { code: 'millrace/operation-ended' })
})

test('with one first the rate begins when that one was handled', async (t) => {
  const wait = gate()
  const { part, state } = mendable(new Set(), () => wait.opened)
  const sim = bank(t, [part])
  await hold(sim, 4)
  state.broken = false
  const { id } = await select(sim, { oneFirst: true, perSecond: 1, stopAfter: 1, prepare: true })
  await sim.advance(5_000)
  assert.equal(releases(sim).length, 0)
  await run(sim, id, { perSecond: 2 })
  await sim.advance(5_000)
  assert.deepEqual(await progress(sim), ['trying', 4, 1, 0])
  wait.open()
  await sim.untilIdle()
  assert.deepEqual(await progress(sim), ['done', 4, 4, 0])
  assertRate(releases(sim), 2)
})

test('two operations that begin with the same message both learn how it ends', async (t) => {
  const { part, state } = mendable()
  const sim = bank(t, [part])
  await hold(sim, 3)
  state.broken = false
  const both = ['one', 'two'].map((name) => select(sim, { name, oneFirst: true }))
  await Promise.all(both)
  await sim.untilIdle()
  const states = [(await operation(sim, 'one')).state, (await operation(sim, 'two')).state]
  assert.deepEqual(states.sort(), ['done', 'failed'])
  assert.equal(sim.held().length, 0)
})

test('many are discarded at a rate, and none of them is waited for', async (t) => {
  const { part } = mendable()
  const sim = bank(t, [part])
  await hold(sim, 6)
  const options = { name: 'all', by: 'ann', reason: 'tests', perSecond: 3, stopAfter: 1 }
  await sim.settled(sim.app.desk.select('discard', {}, options))
  await sim.untilIdle()
  assert.deepEqual(await progress(sim), ['done', 6, 6, 0])
  const at = sim.query<{ at: number }>`select at from millrace_audit where action = 'discarded' order by id`
  assertRate(
    at.map((row) => row.at),
    3,
  )
})

test('a value out of bounds is refused with the bounds', async (t) => {
  const { part } = mendable()
  const sim = bank(t, [part])
  await hold(sim, 1)
  for (const options of [{ perSecond: 0 }, { perSecond: 1.5 }, { perSecond: 1_001 }, { stopAfter: 10_001 }]) {
    await assert.rejects(select(sim, options), { code: 'millrace/bad-option', message: /whole number from 1/ })
  }
  await assert.rejects(sim.settled(sim.app.desk.run(1, {} as never)), { message: /by is missing/ })
  await assert.rejects(run(sim, 1, { perSecond: 2_000 }), { message: /desk.run: perSecond is 2000/ })
})
