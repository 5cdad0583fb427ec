// A processor that a person has stopped: durable, seen, undone by a person.
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Simulation } from 'millrace/testing'
import { bank, gate, ledger, onlyHeld, publish, seen, until, upTo } from './support.ts'

const pause = (sim: Simulation, name = 'ledger', actor?: { by: string; reason?: string }) =>
  sim.settled(sim.app.processors.pause(name, actor))
const resume = (sim: Simulation, name = 'ledger', actor?: { by: string; reason?: string }) =>
  sim.settled(sim.app.processors.resume(name, actor))
const states = async (sim: Simulation) =>
  Object.fromEntries((await sim.settled(sim.app.processors.list())).map(({ name, state }) => [name, state]))

test('a paused processor starts nothing more, the running attempt ends, all others continue', async (t) => {
  const wait = gate()
  const begun: number[] = []
  const sim = bank(t, [
    ledger(async ({ n }) => {
      begun.push(n)
      if (n === 0) await wait.opened
    }),
    ledger(undefined, { name: 'other' }),
  ])
  await publish(sim, 'a', upTo(3))
  await until(sim, 'it runs', () => begun.length === 1)
  await pause(sim, 'ledger', { by: 'ann', reason: 'audit' })
  wait.open()
  await publish(sim, 'b', [1])
  // What waits for a resume is not waited for, but the attempt that runs is.
  await sim.untilIdle()
  assert.deepEqual([seen(sim, 'a'), seen(sim, 'b'), begun], [[0], [], [0]])
  await sim.advance(10_000)
  assert.deepEqual([seen(sim, 'a'), seen(sim, 'b'), begun], [[0], [], [0]])
  assert.deepEqual([seen(sim, 'a', 'other'), seen(sim, 'b', 'other')], [upTo(3), [1]])
  assert.deepEqual(await states(sim), { ledger: 'paused', other: 'live' })
  await resume(sim, 'ledger', { by: 'bob' })
  await sim.untilIdle()
  assert.deepEqual([seen(sim, 'a'), seen(sim, 'b')], [upTo(3), [1]])
  assert.deepEqual(await states(sim), { ledger: 'live', other: 'live' })
  const audit = await sim.settled(sim.app.desk.audit())
  assert.deepEqual(
    audit.map(({ action, subject, by, reason, item }) => [action, subject, by, reason, item]),
    [
      ['resumed', 'ledger', 'bob', null, null],
      ['paused', 'ledger', 'ann', 'audit', null],
    ],
  )
})

test('a pause survives restarts and crashes, also for messages between attempts or released during the pause', async (t) => {
  let broken = true
  const begun: string[] = []
  const sim = bank(t, [
    ledger(
      ({ account }) => {
        begun.push(account)
        if (broken) throw new Error('broken')
      },
      { retry: { attempts: 2, firstDelayMs: 5_000, maxDelayMs: 5_000, jitter: 0 } },
    ),
  ])
  await publish(sim, 'held', [0])
  await sim.untilIdle()
  await publish(sim, 'waits', [0])
  await sim.advance(100)
  await pause(sim)
  for (const how of ['restart', 'crash'] as const) {
    if (how === 'crash') await sim.crash({ power: true })
    await sim.restart()
    assert.deepEqual(await states(sim), { ledger: 'paused' })
    if (how === 'restart') await sim.release(onlyHeld(sim).id)
    await publish(sim, 'new', [how === 'restart' ? 0 : 1])
    const before = begun.length
    await sim.advance(60_000)
    assert.equal(begun.length, before, `nothing begins after the ${how}`)
  }
  broken = false
  await resume(sim)
  await sim.untilIdle()
  assert.deepEqual([seen(sim, 'held'), seen(sim, 'waits'), seen(sim, 'new')], [[0], [0], [0, 1]])
  await sim.restart()
  assert.deepEqual(await states(sim), { ledger: 'live' })
})

test('to pause what is paused, or to resume what runs, changes nothing and is not on record', async (t) => {
  const sim = bank(t, [ledger()])
  await publish(sim, 'a', [0])
  await sim.untilIdle()
  await resume(sim)
  await pause(sim, 'ledger', { by: 'ann' })
  await pause(sim, 'ledger', { by: 'bob' })
  const audit = await sim.settled(sim.app.desk.audit())
  assert.deepEqual(
    audit.map(({ action, by }) => [action, by]),
    [['paused', 'ann']],
  )
  await resume(sim)
  await resume(sim)
  assert.equal((await sim.settled(sim.app.desk.audit())).length, 2)
})

test('an unknown processor is named, with a suggestion', async (t) => {
  const sim = bank(t, [ledger()])
  await publish(sim, 'a', [0])
  await assert.rejects(pause(sim, 'legder'), { code: 'millrace/unknown-processor', message: /did you mean "ledger"/ })
  await assert.rejects(resume(sim, 'nobody'), { code: 'millrace/unknown-processor' })
  await assert.rejects(pause(sim, 'ledger', { by: '' }), { code: 'millrace/bad-option' })
})

test('a message that may have killed the process waits too, and runs alone when its processor is resumed', async (t) => {
  const begun: number[] = []
  const forever = gate()
  let kills = true
  const sim = bank(t, [
    ledger(async ({ n }) => {
      begun.push(n)
      if (n === 0 && kills) await forever.opened
    }),
  ])
  await publish(sim, 'a', upTo(2))
  for (const _ of upTo(2)) {
    await until(sim, 'it runs', () => begun.at(-1) === 0)
    await sim.crash()
    await sim.restart()
  }
  await pause(sim)
  await sim.crash()
  kills = false
  await sim.restart()
  const before = begun.length
  await sim.advance(30_000)
  assert.equal(begun.length, before)
  await resume(sim)
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), upTo(2))
})

test('of concurrent pauses and resumes the last one counts, for running work as well as on disk', async (t) => {
  const sim = bank(t, [ledger()])
  await publish(sim, 'a', [0])
  await sim.untilIdle()
  await Promise.all([pause(sim), resume(sim), pause(sim)])
  await publish(sim, 'a', [1])
  await sim.advance(1_000)
  assert.deepEqual(seen(sim, 'a'), [0])
  await Promise.all([resume(sim), pause(sim), resume(sim)])
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [0, 1])
})

test('once a pause is told nothing more starts, not even a message first marked after a crash, for twenty seeds', async (t) => {
  for (let seed = 1; seed <= 20; seed++) {
    let begun = 0
    const sim = bank(t, [ledger(() => void begun++)], { seed })
    await publish(sim, 'first', [0])
    await sim.untilIdle()
    await pause(sim)
    for (const account of upTo(39)) await publish(sim, `a${account}`, [0])
    await sim.crash()
    await sim.restart()
    await Promise.all([resume(sim), pause(sim)])
    const before = begun
    await sim.advance(10_000)
    assert.equal(begun, before)
    await resume(sim)
    await sim.untilIdle()
    assert.equal(sim.rows('seen').length, 40)
    await sim.stop()
  }
})
