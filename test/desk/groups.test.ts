// Held messages by groups: the numbers are right whatever happens to the messages.
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Simulation } from 'millrace/testing'
import { randomOf } from '../../src/testing/random.ts'
import { assertDeskSound, bank, ledger, Moved, publish, upTo } from './support.ts'

const groups = async (sim: Simulation, by?: 'processor' | 'error' | 'type' | 'all') =>
  (await sim.settled(sim.app.desk.groups(by))).map(
    ({ processor, type, error, held }) =>
      `${[processor, type, error].filter((key) => key !== null).join(' ')}: ${held}`,
  )

const once = { retry: { attempts: 1 } } as const

test('held messages are grouped by processor, error, type or all three, the largest first; varying parts of errors do not count', async (t) => {
  const sim = bank(t, [
    ledger(({ account, n }) => {
      if (account === 'a') throw new Error(`order ${n} of "${n}-x" is not there`)
      if (account === 'b') throw new TypeError('usual')
    }, once),
    ledger(
      ({ account }) => {
        if (account === 'b') throw new TypeError('usual')
      },
      { name: 'other', ...once, onHold: 'pass' },
    ),
  ])
  await publish(sim, 'b', upTo(4))
  await publish(sim, 'a', [0])
  await sim.untilIdle()
  assert.deepEqual(await groups(sim), [
    'other moved TypeError: usual: 4',
    'ledger moved TypeError: usual: 1',
    'ledger moved Error: order # of "…" is not there: 1',
  ])
  assert.deepEqual(await groups(sim, 'error'), ['TypeError: usual: 5', 'Error: order # of "…" is not there: 1'])
  assert.deepEqual(await groups(sim, 'processor'), ['other: 4', 'ledger: 2'])
  assert.deepEqual(await groups(sim, 'type'), ['moved: 6'])
  const [first] = await sim.settled(sim.app.desk.groups())
  assert(first!.lastAt >= first!.firstAt)
  const listed = await sim.settled(sim.app.desk.list({ group: first!.id! }))
  assert.deepEqual(
    listed.map(({ processor }) => processor),
    ['other', 'other', 'other', 'other'],
  )
  assert.deepEqual(
    await sim.settled(sim.app.desk.groups('error', { processor: 'ledger' })).then((all) => all.length),
    2,
  )
})

test('through hold, release, resubmit, discard, take-back, restart and crash each group counts what is held in it, for eight seeds', async (t) => {
  for (const seed of upTo(8)) {
    const random = randomOf(seed, 'groups')
    let mended = false
    const sim = bank(
      t,
      [
        ledger(
          ({ n }) => {
            if (!mended && random.chance(0.7)) throw new Error(random.pick(['one', 'two', `three of ${n}`]))
          },
          { ...once, onHold: random.pick(['block', 'pass'] as const) },
        ),
      ],
      { seed },
    )
    for (const n of upTo(20)) {
      await sim.publish(Moved, { account: `a${n % 7}`, n })
      await sim.untilIdle()
      const held = sim.held()
      if (held.length === 0) continue
      const { id, message } = random.pick(held)
      const { app } = sim
      const actor = { by: 'ann', reason: 'so it is' }
      const what = random.pick(['release', 'resubmit', 'discard', 'takeBack', 'restart', 'crash', 'nothing'])
      if (what === 'release') await sim.release(id)
      if (what === 'resubmit') {
        await sim.settled(app.desk.resubmit(id, { ...JSON.parse(message.json), note: 'x' }, actor))
      }
      if (what === 'discard' || what === 'takeBack') await sim.settled(app.desk.discard(id, actor))
      if (what === 'takeBack') await sim.settled(app.desk.takeBack(id))
      if (what === 'crash') await sim.crash({ power: true })
      if (what === 'crash' || what === 'restart') await sim.restart()
      assertDeskSound(sim)
      // Two reads are of one moment where nothing comes between them.
      await sim.untilIdle()
      const all = await sim.settled(sim.app.desk.groups('processor'))
      const { held: count } = await sim.settled(sim.app.desk.counts())
      assert.equal(
        all.reduce((sum, { held }) => sum + held, 0),
        count,
        `seed ${seed}`,
      )
      assert.equal(count, sim.held().length)
    }
    mended = true
    for (let left = sim.held(); left.length > 0; left = sim.held()) {
      for (const { id } of left) await sim.release(id)
      await sim.untilIdle()
    }
    assert.deepEqual(await groups(sim), [], `seed ${seed}`)
    await sim.stop()
  }
})

test('beyond a thousand different errors of one processor those that are new are grouped by their code, until older ones are gone', async (t) => {
  const word = (n: number) => [...String(n)].map((digit) => 'abcdefghij'[Number(digit)]).join('')
  let why = 'one'
  const sim = bank(t, [
    ledger(({ n }) => {
      throw new Error(`${why} ${word(n)}`)
    }, once),
  ])
  const many = 1_020
  await Promise.all(upTo(many).map((n) => sim.publish(Moved, { account: `a${n}`, n })))
  await sim.untilIdle()
  const all = await groups(sim)
  assert.equal(all.length, 1_001)
  assert.equal(all[0], 'ledger moved Error: 20')
  assertDeskSound(sim)
  const [beyond] = await sim.settled(sim.app.desk.groups())
  assert.equal((await sim.settled(sim.app.desk.list({ group: beyond!.id! }))).length, 20)
  const first = sim.held().slice(0, 5)
  for (const { id } of first) await sim.settled(sim.app.desk.discard(id, { by: 'ann', reason: 'no need' }))
  why = 'other'
  for (const n of upTo(3)) await publish(sim, `b${n}`, [n])
  await sim.untilIdle()
  const now = await groups(sim)
  for (const n of upTo(3))
    assert(now.includes(`ledger moved Error: other ${word(n)}: 1`), `other ${word(n)} has a group`)
  assertDeskSound(sim)
})
