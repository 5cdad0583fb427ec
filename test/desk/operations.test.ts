// Operations on many held messages: a frozen selection with a name, progress and an end.
import assert from 'node:assert/strict'
import test from 'node:test'
import { desk, type Operation, retry } from 'millrace'
import type { Simulation } from 'millrace/testing'
import { randomOf } from '../../src/testing/random.ts'
import {
  assertDeskSound,
  atDesk,
  bank,
  counts,
  gate,
  ledger,
  Moved,
  Moves,
  publish,
  seen,
  until,
  upTo,
} from './support.ts'

type Options = Parameters<Simulation['app']['desk']['select']>[2]

const hastily = { retry: { attempts: 1 } } as const

/** A ledger that fails until it is mended; some numbers fail still. */
function mendable(still: ReadonlySet<string> = new Set(), during: (account: string) => unknown = () => {}) {
  const state = { broken: true }
  const part = ledger(async ({ account, note }) => {
    await during(account)
    if (note === undefined && (state.broken || still.has(account))) throw new Error('broken')
  }, hastily)
  return { part, state }
}

const accounts = (count: number) => upTo(count).map((n) => `a${n}`)

async function hold(sim: Simulation, count: number): Promise<void> {
  await Promise.all(accounts(count).map((account) => sim.publish(Moved, { account, n: 0 })))
  await sim.untilIdle()
}

const select = (sim: Simulation, action: Operation['action'], options: Partial<Options> = {}, what = {}) =>
  sim.settled(sim.app.desk.select(action, what, { name: 'all', by: 'ann', ...options }))

async function operation(sim: Simulation, name = 'all'): Promise<Operation> {
  const all = await sim.settled(sim.app.desk.operations())
  return all.find((one) => one.name === name)!
}

const progress = async (sim: Simulation, name = 'all') => {
  const { state, total, done, refused } = await operation(sim, name)
  return [state, total, done, refused]
}

/** How often each message was released or discarded. */
const times = (sim: Simulation, action: string) =>
  sim.query<{ times: number }>`select count(*) as times from millrace_audit where action = ${action} group by item`.map(
    ({ times }) => times,
  )

test('an operation leaves out messages held later: its selection is frozen', async (t) => {
  const { part, state } = mendable()
  const sim = bank(t, [part])
  await hold(sim, 10)
  await publish(sim, 'late', [0])
  const later = publish(sim, 'later', [0])
  const made = await select(
    sim,
    'release',
    { reason: 'mended' },
    {
      items: sim
        .held()
        .slice(0, 10)
        .map(({ id }) => id),
    },
  )
  assert.deepEqual([made.state, made.total, made.by, made.reason], ['running', 10, 'ann', 'mended'])
  await later
  state.broken = false
  await sim.untilIdle()
  assert.deepEqual((await progress(sim)).slice(1), [10, 10, 0])
  const held = sim.held().map(({ lane }) => lane)
  assert(held.includes('late') || held.includes('later') || held.length >= 2)
  const { startedAt, endedAt } = await operation(sim)
  assert(endedAt! >= startedAt)
})

test('progress is told; a message that somebody has resolved during it counts as not possible', async (t) => {
  const { part, state } = mendable()
  const sim = bank(t, [part])
  await hold(sim, 8)
  state.broken = false
  const held = sim.held()
  const [made] = await Promise.all([
    select(sim, 'release'),
    sim.release(held[0]!.id),
    sim.settled(sim.app.desk.discard(held[1]!.id, { by: 'bob', reason: 'not needed' })),
  ])
  await sim.untilIdle()
  const [name, total, done, refused] = await progress(sim)
  assert.deepEqual([name, done], ['done', total])
  assert.equal(made.total, total)
  assert.equal(sim.held().length, 0)
  assert.equal(times(sim, 'released').length + times(sim, 'discarded').length, 8)
  const dealt = [...times(sim, 'released'), ...times(sim, 'discarded')]
  assert(dealt.every((count) => count === 1) && refused !== undefined)
})

test('an operation that is aborted half way leaves the rest held; its finished actions stay done', async (t) => {
  const { part, state } = mendable()
  const sim = bank(t, [part])
  await hold(sim, 600)
  state.broken = false
  const { id } = await select(sim, 'release')
  await until(sim, 'it has done some', () => sim.rows<{ done: number }>('millrace_operations')[0]!.done > 0, 1)
  await sim.settled(sim.app.desk.abort(id, { by: 'bob', reason: 'stop it' }))
  await sim.untilIdle()
  const { state: name, done, endedAt } = await operation(sim)
  assert.equal(name, 'aborted')
  assert(done > 0 && done < 600, `${done} of 600`)
  assert(endedAt !== null)
  assert.equal(sim.held().length, 600 - done)
  await assert.rejects(sim.settled(sim.app.desk.abort(id)), { code: 'millrace/operation-ended' })
  await assert.rejects(sim.settled(sim.app.desk.abort(99)), { code: 'millrace/unknown-operation' })
  const audit = await sim.settled(sim.app.desk.audit({ limit: 10_000 }))
  const about = audit.filter(({ subject }) => subject === 'all').map(({ action, by, reason }) => [action, by, reason])
  assert.deepEqual(about, [
    ['aborted', 'bob', 'stop it'],
    ['selected', 'ann', null],
  ])
  await sim.restart()
  await sim.untilIdle()
  assert.equal(sim.held().length, 600 - done, 'it does not go on after a restart')
})

test('once an abort is told nothing more of its operation is done, for twenty seeds', async (t) => {
  for (let seed = 1; seed <= 20; seed++) {
    const { part, state } = mendable()
    const sim = bank(t, [part], { seed })
    await hold(sim, 20)
    state.broken = false
    const { id } = await select(sim, 'release')
    await sim.settled(sim.app.desk.abort(id, { by: 'bob' }))
    const released = times(sim, 'released')
    await sim.untilIdle()
    assert.deepEqual(times(sim, 'released'), released)
    assert.equal(
      (await operation(sim)).done,
      released.reduce((sum, count) => sum + count, 0),
    )
    await sim.stop()
  }
})

test('with one first the others follow when that one is handled', async (t) => {
  const wait = gate()
  const { part, state } = mendable(new Set(), (account) => (state.broken ? undefined : account === 'a0' && wait.opened))
  const sim = bank(t, [part])
  await hold(sim, 5)
  state.broken = false
  await select(sim, 'release', { oneFirst: true })
  await sim.advance(1_000)
  assert.deepEqual(await progress(sim), ['trying', 5, 1, 0])
  assert.equal(sim.held().length, 4)
  wait.open()
  await sim.untilIdle()
  assert.deepEqual(await progress(sim), ['done', 5, 5, 0])
  for (const account of accounts(5)) assert.deepEqual(seen(sim, account), [0])
})

test('with one first the others stay as they are when that one is held again, refused or given up', async (t) => {
  const { part } = mendable()
  const sim = bank(t, [part])
  await hold(sim, 5)
  await select(sim, 'release', { oneFirst: true })
  await sim.untilIdle()
  assert.deepEqual(await progress(sim), ['failed', 5, 1, 0])
  assert.deepEqual(times(sim, 'released'), [1])
  assert.equal(sim.held().length, 5)
  const [first] = sim.held()
  await Promise.allSettled([
    sim.settled(sim.app.desk.discard(first!.id, { by: 'bob', reason: 'not needed' })),
    select(sim, 'release', { oneFirst: true, name: 'again' }),
  ])
  await sim.untilIdle()
  const [name, total, done] = await progress(sim, 'again')
  assert.deepEqual([name, done], ['failed', 1])
  assert(total === 4 || total === 5)
  assert.equal(sim.held().length, 4)
})

test('with one first a rule may try that one again: only how it ends counts', async (t) => {
  let fails = 3
  const part = ledger(({ account }) => {
    if (account === 'a0' ? fails-- > 0 : fails >= 0) throw new Error('broken')
  }, hastily)
  let rule = false
  const rules = desk('rules', {
    on: Moves,
    decide: { moved: () => (rule ? retry() : { do: 'hold', reason: 'not yet' }) },
  })
  const sim = bank(t, [part, rules])
  await hold(sim, 3)
  rule = true
  await select(sim, 'release', { oneFirst: true })
  await sim.untilIdle()
  assert.deepEqual(await progress(sim), ['done', 3, 3, 0])
  assert.equal(sim.held().length, 0)
})

test('a process that dies in the middle resumes its operations and repeats nothing, for twenty seeds', async (t) => {
  for (const seed of upTo(20)) {
    const random = randomOf(seed, 'deaths')
    const oneFirst = random.chance(0.5)
    const action = oneFirst || random.chance(0.7) ? 'release' : 'discard'
    const { part, state } = mendable()
    const sim = bank(t, [part], { seed })
    await hold(sim, 12)
    await hold(sim, 12)
    state.broken = false
    await select(sim, action, { oneFirst, reason: 'all of it' })
    for (let deaths = random.below(4); deaths > 0; deaths--) {
      await sim.advance(random() * 8)
      await sim.crash({ power: random.chance(0.5) })
      await sim.restart()
    }
    await sim.untilIdle()
    assert.deepEqual(await progress(sim), ['done', 12, 12, 0], `seed ${seed}`)
    assert.deepEqual(times(sim, action === 'release' ? 'released' : 'discarded'), Array(12).fill(1), `seed ${seed}`)
    for (const account of accounts(12)) assert.deepEqual(seen(sim, account), action === 'release' ? [0, 0] : [0])
    assertDeskSound(sim)
    await sim.stop()
  }
})

test('a process that dies when the first has just been handled ends nothing but itself, and the others follow', async (t) => {
  for (const moment of upTo(10)) {
    const { part, state } = mendable()
    const sim = bank(t, [part], { seed: moment })
    await hold(sim, 3)
    state.broken = false
    await select(sim, 'release', { oneFirst: true })
    const first = () => sim.rows<{ state: string }>('millrace_desk')[0]!.state
    await until(sim, 'the first is handled', () => first() === 'handled', 0.1)
    await sim.advance(moment / 4)
    await sim.crash()
    await sim.restart()
    await sim.untilIdle()
    assert.deepEqual(await progress(sim), ['done', 3, 3, 0])
    await sim.stop()
  }
})

test('one that is made while the app still starts is carried out once, for twenty seeds', async (t) => {
  for (let seed = 1; seed <= 20; seed++) {
    let wait = gate()
    const { part } = mendable(new Set(), (account) => (account === 'slow' ? wait.opened : undefined))
    const sim = bank(t, [part], { seed })
    await hold(sim, 5)
    await sim.publish(Moved, { account: 'slow', n: 0, note: 'fine' })
    // What ran when the process died twice runs alone first: so long the app starts.
    for (const _ of upTo(2)) {
      await sim.advance(100)
      await sim.crash()
      wait = gate()
      await sim.restart()
    }
    await sim.advance(100)
    wait.open()
    await select(sim, 'release', { oneFirst: true })
    await sim.untilIdle()
    assert.deepEqual(await progress(sim), ['failed', 5, 1, 0])
    assert.deepEqual(times(sim, 'released'), [1])
    await sim.stop()
  }
})

test('many are discarded at once, each on record with the name of the operation, and their lines continue', async (t) => {
  const sim = bank(t, [
    ledger(({ n }) => {
      if (n === 0) throw new Error('broken')
    }, hastily),
  ])
  for (const account of accounts(5)) await publish(sim, account, upTo(3))
  await sim.untilIdle()
  await select(sim, 'discard', { name: 'spring cleaning', reason: 'x'.repeat(2_000) })
  await sim.untilIdle()
  assert.deepEqual(await progress(sim, 'spring cleaning'), ['done', 5, 5, 0])
  assert.deepEqual(await counts(sim), [0, 0, 5])
  for (const account of accounts(5)) assert.deepEqual(seen(sim, account), [1, 2])
  const [item] = await atDesk(sim, 'discarded')
  const { history } = (await sim.settled(sim.app.desk.show(item!.id)))!
  assert.match(history.at(-1)!.reason!, /^spring cleaning: x+$/)
})

test('a bad operation is refused with why: its name, its selection, its reason, or a discard with one first', async (t) => {
  const { part } = mendable()
  const sim = bank(t, [part])
  await sim.advance(0)
  await assert.rejects(select(sim, 'release'), { code: 'millrace/nothing-selected' })
  await hold(sim, 2)
  await assert.rejects(select(sim, 'release', { name: '' }), { code: 'millrace/bad-option' })
  await assert.rejects(select(sim, 'release', { name: 'x'.repeat(101) }), { code: 'millrace/bad-option' })
  await assert.rejects(select(sim, 'release', { by: '' }), { code: 'millrace/bad-option' })
  await assert.rejects(select(sim, 'mend' as never), {
    code: 'millrace/bad-option',
    message: /release or resubmit or discard/,
  })
  await assert.rejects(select(sim, 'release', {}, { procesor: 'a' }), { code: 'millrace/unknown-option' })
  await assert.rejects(select(sim, 'discard'), { code: 'millrace/bad-option', message: /reason/ })
  await assert.rejects(select(sim, 'discard', { reason: 'old', oneFirst: true }), {
    code: 'millrace/bad-option',
    message: /oneFirst/,
  })
  assert.deepEqual(await sim.settled(sim.app.desk.operations()), [])
  await select(sim, 'release')
  await sim.untilIdle()
  await assert.rejects(select(sim, 'release'), { code: 'millrace/duplicate-name', message: /"all" exists already/ })
  assert.equal((await sim.settled(sim.app.desk.operations())).length, 1)
})

test('two operations at once share out what they have in common, and both end', async (t) => {
  const { part, state } = mendable()
  const sim = bank(t, [part])
  await hold(sim, 20)
  state.broken = false
  await Promise.all([select(sim, 'release', { name: 'one' }), select(sim, 'release', { name: 'two' })])
  await sim.untilIdle()
  const [one, two] = [await operation(sim, 'one'), await operation(sim, 'two')]
  assert.deepEqual([one.state, two.state], ['done', 'done'])
  assert.equal(one.done - one.refused + (two.done - two.refused), 20)
  assert.deepEqual(times(sim, 'released'), Array(20).fill(1))
})
