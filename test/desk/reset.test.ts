// A processor that begins anew: what is handled again, what of the desk ends, what nothing counts of.
import assert from 'node:assert/strict'
import test from 'node:test'
import { channel, command, event, gather, mediator, processor, type ResetOptions, route, topic } from 'millrace'
import type { Simulation } from 'millrace/testing'
import { z } from 'zod'
import { coded } from '../support.ts'
import {
  assertDeskSound,
  atDesk,
  bank,
  gate,
  history,
  ledger,
  Moved,
  Moves,
  publish,
  seen,
  told,
  until,
  upTo,
} from './support.ts'

const reset = (sim: Simulation, options: ResetOptions, name = 'ledger') =>
  sim.settled(sim.app.processors.reset(name, options))

test('a processor that is reset handles each message again once, in order, and the next ones behind them', async (t) => {
  const keys: string[] = []
  const sim = bank(t, [ledger((_, { id }, key) => keys.push(key.replace(id, 'ID')))])
  await publish(sim, 'a', upTo(3))
  await sim.untilIdle()
  const plan = await reset(sim, { to: 'beginning', dryRun: true })
  const facts = { name: 'ledger', on: 'moves', position: 3, begins: 1, first: 1, again: 3, skipped: 0 }
  const none = { held: 0, tried: 0, inLine: 0, left: 0, gathered: 0, sent: [] }
  assert.deepEqual(plan, { ...facts, ...none, done: false })
  assert.deepEqual(seen(sim, 'a'), upTo(3))
  assert.deepEqual(await reset(sim, { to: 'beginning', by: 'ann', reason: 'rebuilt' }), { ...plan, done: true })
  await publish(sim, 'a', [3])
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [...upTo(3), ...upTo(4)])
  await sim.crash()
  await sim.restart()
  await publish(sim, 'a', [4])
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [...upTo(3), ...upTo(5)])
  const [key, again] = ['ledger/moved/ID/0', 'ledger/moved/ID/0.1']
  assert.deepEqual(keys, [key, key, key, again, again, again, again, again])
  const [line] = await sim.settled(sim.app.desk.audit())
  const { again: count, begins } = line!.detail as { again: number; begins: number }
  assert.deepEqual(
    [line!.action, line!.subject, line!.by, line!.reason, count, begins],
    ['reset', 'ledger', 'ann', 'rebuilt', 3, 1],
  )
})

test('it begins at the first message from a date on, at a position, or with the next one', async (t) => {
  const sim = bank(t, [ledger()])
  const times: Date[] = []
  for (const n of upTo(4)) {
    times.push(new Date(sim.now()))
    await publish(sim, 'a', [n])
    await sim.advance(1_000)
  }
  const from = async (to: ResetOptions['to']) => {
    const before = seen(sim, 'a').length
    const { begins } = await reset(sim, { to })
    await sim.untilIdle()
    return [begins, seen(sim, 'a').slice(before)]
  }
  assert.deepEqual(await from(times[2]!), [3, [2, 3]])
  assert.deepEqual(await from(4), [4, [3]])
  assert.deepEqual(await from('now'), [5, []])
  assert.deepEqual(await from(new Date(times[3]!.getTime() + 60_000)), [5, []])
  assert.deepEqual(await from(new Date(0)), [1, upTo(4)])
  await assert.rejects(
    reset(sim, { to: 6 }),
    coded('millrace/bad-position', /position 6 does not exist yet: the next one is 5/),
  )
  for (const to of [0, 1.5, 'yesterday', new Date(Number.NaN)]) {
    await assert.rejects(
      reset(sim, { to: to as never }),
      coded('millrace/bad-option', /must be beginning, now, a date or a pos/),
    )
  }
  await assert.rejects(
    reset(sim, { to: 'now' }, 'legder'),
    coded('millrace/unknown-processor', /did you mean "ledger"/),
  )
})

test('messages of the processor at the desk end as reset, on record, told once; each is handled again', async (t) => {
  let broken = true
  const sim = bank(t, [
    ledger(({ account }) => {
      if (broken && account !== 'c') throw new Error('broken')
    }),
    ledger(
      ({ account }) => {
        if (account === 'a') throw new Error('other')
      },
      { name: 'other' },
    ),
  ])
  await publish(sim, 'a', upTo(3))
  await publish(sim, 'b', [0])
  await publish(sim, 'c', [0])
  await sim.untilIdle()
  const held = sim.held().filter((row) => row.processor === 'ledger')
  assert.equal(held.length, 2)
  await sim.settled(sim.app.desk.discard(held[1]!.id, { by: 'ann', reason: 'no use' }))
  broken = false
  const plan = await reset(sim, { to: 'beginning' })
  assert.deepEqual([plan.held, plan.inLine, plan.left, plan.again], [1, 2, 0, 5])
  await sim.untilIdle()
  assert.deepEqual([seen(sim, 'a'), seen(sim, 'b'), seen(sim, 'c')], [upTo(3), [0], [0, 0]])
  assert.deepEqual(
    (await atDesk(sim, 'reset')).map(({ id }) => id),
    held.map(({ id }) => id),
  )
  assert.deepEqual((await history(sim, held[0]!.id)).slice(-1), ['reset by app bank'])
  const ends = told(sim).filter(({ processor: who, type }) => who === 'ledger' && type === 'resolved')
  assert.deepEqual(ends.map(({ n, outcome }) => [n, outcome]).sort(), [
    [0, 'discarded'],
    [0, 'reset'],
  ])
  const act = { by: 'ann', reason: 'late' }
  await assert.rejects(
    sim.settled(sim.app.desk.release(held[0]!.id)),
    coded('millrace/not-held', /its processor was reset/),
  )
  await assert.rejects(sim.settled(sim.app.desk.takeBack(held[1]!.id, act)), coded('millrace/not-discarded'))
  assert.equal(sim.held().filter((row) => row.processor === 'other').length, 1)
  assertDeskSound(sim)
})

test('nothing counts of an attempt that runs when its processor is reset; the next begins when its handler has ended', async (t) => {
  const wait = gate()
  const begun: string[] = []
  const aborted: boolean[] = []
  const sim = bank(t, [
    processor('ledger', {
      on: Moves,
      handle: {
        moved: async ({ data }, { commit, signal }) => {
          begun.push(`${data.account}${data.n}`)
          if (begun.length === 1) await wait.opened
          aborted.push(signal.aborted)
          return commit(
            (tx) => tx.query`insert into seen (who, account, n) values ('ledger', ${data.account}, ${data.n})`,
          )
        },
      },
    }),
  ])
  await publish(sim, 'a', upTo(2))
  await until(sim, 'it runs', () => begun.length === 1)
  const { again } = await reset(sim, { to: 'beginning' })
  await sim.advance(1_000)
  assert.deepEqual([again, begun, seen(sim, 'a')], [0, ['a0'], []])
  wait.open()
  await sim.untilIdle()
  assert.deepEqual([begun, aborted, seen(sim, 'a')], [['a0', 'a0', 'a1'], [true, false, false], upTo(2)])
})

test('a handler that does not end holds the next generation back for lingerMs, and no longer', async (t) => {
  const begun: number[] = []
  const wait = gate()
  const sim = bank(t, [
    ledger(
      async ({ n }) => {
        begun.push(n)
        if (begun.length === 1) await wait.opened
      },
      { lingerMs: 5_000 },
    ),
  ])
  await publish(sim, 'a', [0])
  await until(sim, 'it runs', () => begun.length === 1)
  await reset(sim, { to: 'beginning' })
  await sim.advance(4_900)
  assert.equal(begun.length, 1)
  await sim.advance(200)
  assert.deepEqual([begun, seen(sim, 'a')], [[0, 0], [0]])
  wait.open()
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [0])
})

test('a paused processor is reset and stays paused; its messages are handled again when it is resumed', async (t) => {
  const sim = bank(t, [ledger()])
  await publish(sim, 'a', upTo(2))
  await sim.untilIdle()
  await sim.settled(sim.app.processors.pause('ledger'))
  await reset(sim, { to: 'beginning' })
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), upTo(2))
  await sim.settled(sim.app.processors.resume('ledger'))
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [0, 1, 0, 1])
})

test('a reset to the next message passes over what waits, and says so', async (t) => {
  const sim = bank(t, [ledger()])
  await sim.untilIdle()
  await sim.settled(sim.app.processors.pause('ledger'))
  await publish(sim, 'a', upTo(3))
  const { skipped, again, begins } = await reset(sim, { to: 'now' })
  assert.deepEqual([skipped, again, begins], [3, 0, 4])
  await sim.settled(sim.app.processors.resume('ledger'))
  await publish(sim, 'a', [3])
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [3])
})

const Told = event('told', { schema: z.object({ n: z.number() }) })
const Tells = topic('tells', [Told])
const Print = command('print', { schema: z.object({ n: z.number() }) })
const Prints = channel('prints', [Print])

test('a part that publishes or sends is reset only on explicit request, and tells how much it sends again', async (t) => {
  const printed: number[] = []
  const prints = processor('prints', { on: Prints, handle: { print: ({ data }) => void printed.push(data.n) } })
  const bill = processor('bill', {
    on: Moves,
    publishes: [Told],
    sends: [Print],
    handle: {
      moved: ({ data: { n } }, { publish, send, idempotencyKey }) => {
        publish(Told, { n }, { id: idempotencyKey })
        if (n > 0) send(Print, { n }, { id: `print ${n}` })
      },
    },
  })
  const sim = bank(t, [Tells, Prints, bill, prints])
  for (const n of upTo(3)) {
    await publish(sim, 'a', [n])
    await sim.untilIdle()
    await sim.advance(10)
  }
  const says = /would handle 3 messages again; since these came it has sent 3 told, 2 print/
  await assert.rejects(reset(sim, { to: 'beginning' }, 'bill'), coded('millrace/sends-again', says))
  assert.deepEqual((await reset(sim, { to: 2, dryRun: true }, 'bill')).sent, [
    { type: 'told', count: 2 },
    { type: 'print', count: 2 },
  ])
  // Nothing is sent again where nothing is handled again.
  await reset(sim, { to: 'now' }, 'bill')
  await reset(sim, { to: 'beginning', againToTheWorld: true }, 'bill')
  await sim.untilIdle()
  // An id that the handler makes by itself names the same message; the idempotency key is another one.
  assert.equal(
    sim.query`select 1 from millrace_kinds k join millrace_log_2 m on m.kind = k.id where type = 'told'`.length,
    6,
  )
  assert.deepEqual(printed, [1, 2])
})

test('a processor of a channel is not reset; mediators, routes and gathers only where that is meant', async (t) => {
  const prints = processor('prints', { on: Prints, handle: { print: () => {} } })
  const flows = mediator('flows', {
    on: Moves,
    startedBy: Moved,
    sends: [Print],
    run: ({ data }, flow) => flow.call('print', Print, { n: data.n }),
  })
  const way = route('way', { on: Moves, starts: [flows], handle: { moved: () => {} } })
  const pairs = gather('pairs', { on: Moves, of: [Moved], publishes: Told, count: 2, data: ([one]) => ({ n: one!.n }) })
  const sim = bank(t, [Tells, Prints, prints, flows, way, pairs])
  await publish(sim, 'a', upTo(3))
  await sim.untilIdle()
  await assert.rejects(
    reset(sim, { to: 'beginning' }, 'prints'),
    coded('millrace/on-channel', /serves channel "prints"/),
  )
  await assert.rejects(reset(sim, { to: 'beginning' }, 'flows'), coded('millrace/sends-again', /it has sent 3 print/))
  await assert.rejects(
    reset(sim, { to: 'beginning' }, 'way'),
    coded('millrace/sends-again', /may publish, send, deliver or start/),
  )
  await assert.rejects(reset(sim, { to: 'beginning' }, 'pairs'), coded('millrace/sends-again', /it has sent 1 told/))
  await reset(sim, { to: 'beginning', againToTheWorld: true }, 'flows')
  const { gathered } = await reset(sim, { to: 'beginning', againToTheWorld: true }, 'pairs')
  assert.equal(gathered, 1)
  await sim.untilIdle()
  const count = (type: string, table: string) =>
    sim
      .rows<{ kind: number }>(table)
      .filter(({ kind }) => sim.query`select 1 from millrace_kinds where id = ${kind} and type = ${type}`.length > 0)
      .length
  assert.deepEqual(sim.query`select state, count(*) as n from millrace_flows group by state`, [
    { state: 'completed', n: 6 },
  ])
  assert.equal(sim.query`select 1 from millrace_gathered`.length, 1)
  assert.equal(count('told', 'millrace_log_2'), 2)
})

test('a crash at any moment leaves a reset whole or not at all, for twenty seeds', async (t) => {
  const outcomes = new Set<boolean>()
  for (const seed of upTo(20, 1)) {
    let broken = true
    const sim = bank(
      t,
      () => [
        ledger(({ account }) => {
          if (broken && account === 'a') throw new Error('broken')
        }),
      ],
      { seed },
    )
    await publish(sim, 'a', upTo(2))
    await publish(sim, 'b', upTo(3))
    await sim.untilIdle()
    broken = false
    let acknowledged = false
    const done = () => {
      acknowledged = true
    }
    sim.app.processors.reset('ledger', { to: 'beginning' }).then(done, () => {})
    await sim.advance(seed % 8)
    await sim.crash({ power: seed % 2 === 0 })
    await sim.restart()
    await sim.untilIdle()
    const whole: boolean = seen(sim, 'b').length === 6
    outcomes.add(whole)
    if (acknowledged) assert(whole, 'what was acknowledged is kept')
    assert.deepEqual(seen(sim, 'b'), whole ? [...upTo(3), ...upTo(3)] : upTo(3))
    assert.deepEqual(seen(sim, 'a'), whole ? upTo(2) : [])
    assert.deepEqual(told(sim), [
      { type: 'failed', processor: 'ledger', n: 0 },
      ...(whole ? [{ type: 'resolved', processor: 'ledger', n: 0, outcome: 'reset' }] : []),
    ])
    assert.equal(sim.held().length, whole ? 0 : 1)
    assertDeskSound(sim)
    await sim.stop()
  }
  assert.equal(outcomes.size, 2, 'the crashes came before and after')
})
