// Trials of held messages: what an attempt would have done is told, and nothing of it is left.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { type ChangeList, channel, command, event, processor, Refused, topic } from 'millrace'
import type { Simulation } from 'millrace/testing'
import { z } from 'zod'
import { bank } from './support.ts'

const Pay = command('pay', {
  schema: z.object({ account: z.string(), cents: z.number().int(), iban: z.string() }),
  context: ({ account }) => account,
  reply: z.object({ left: z.number() }),
  secret: ['/iban'],
})
const Paid = event('paid', {
  schema: z.object({ account: z.string(), cents: z.number().int() }),
  context: ({ account }) => account,
})
const Remind = command('remind', { schema: z.object({ account: z.string() }), context: ({ account }) => account })
const Pays = channel('pays', [Pay])
const Paids = topic('paids', [Paid])
const Reminds = channel('reminds', [Remind])

/** A till that fails at what it cannot pay, and does all that a handler may do. */
const till = (trial = true) =>
  processor('till', {
    on: Pays,
    publishes: [Paid],
    sends: [Remind],
    retry: { attempts: 1 },
    trial,
    handle: {
      pay: async ({ data: { account, cents, iban } }, { commit, publish, send, cancel, read, log }) => {
        const [limit] = await read<{ most: number }>`select max(n) as most from seen where account = ${account}`
        if (cents > 1_000) throw new Refused('too much', { most: 1_000 })
        log.info('paying')
        if (cents < 0) publish(Paid, { account, cents })
        return commit(async (tx) => {
          await tx.query`insert into seen (who, account, n, id) values ('till', ${account}, ${cents}, ${iban}), ('fee', ${account}, 1, '')`
          if (cents < 0) throw new Error(`cannot pay ${cents} to ${iban}`)
          await tx
            .attempt(async (inner) => {
              await inner.query`delete from seen`
              publish(Paid, { account, cents: 99 })
              throw new Error('in vain')
            })
            .catch(() => {})
          cancel(Remind, 'remind a')
          publish(Paid, { account, cents }, { id: `paid ${cents}` })
          send(Remind, { account }, { delayMs: 60_000 })
          return { left: (limit!.most ?? 0) - cents }
        })
      },
    },
  })
const rest = [
  processor('paids', { on: Paids, handle: { paid: () => {} } }),
  processor('reminds', { on: Reminds, handle: { remind: () => {} } }),
]

async function held(t: TestContext, data: { cents: number }, trial = true) {
  const sim = bank(t, [Pays, Paids, Reminds, till(trial), ...rest])
  await sim.send(Remind, { account: 'a' }, { id: 'remind a', delayMs: 3_600_000 })
  await sim.send(Pay, { account: 'a', iban: 'DE-4242', ...data })
  await sim.send(Pay, { account: 'a', iban: 'DE-4242', cents: 5 })
  await sim.untilIdle()
  return { sim, desk: sim.app.desk, id: sim.held()[0]!.id }
}

/** All that is on disk but the audit log. */
function onDisk(sim: Simulation): Record<string, unknown[]> {
  const all = sim.rows<{ name: string; type: string }>('sqlite_schema')
  const tables = all.flatMap(({ name, type }) => (type === 'table' ? name : []))
  return Object.fromEntries(tables.filter((name) => isTable(name)).map((name) => [name, sim.rows(name)]))
}
const isTable = (name: string) => (/^millrace_/.test(name) || name === 'seen') && name !== 'millrace_audit'

const cents = (value: unknown): ChangeList => [{ op: 'replace', path: '/cents', value }]

test('a trial tells what would be read, written, sent and replied, and leaves nothing but its line on record', async (t) => {
  const { sim, desk, id } = await held(t, { cents: -7 })
  const before = onDisk(sim)
  const trial = await sim.settled(desk.try(id, { change: cents(7), by: 'ada', reason: 'with a sign' }))
  const { statements, messages, tookMs: _, ...others } = trial
  assert.deepEqual(others, {
    ...{ item: id, revision: 1, processor: 'till', type: 'pay', outcome: 'handled', error: null, reply: { left: -7 } },
    ...{ cancelled: [{ type: 'remind', id: 'remind a' }], counts: { messages: 2, statements: 3 } },
  })
  assert.deepEqual(
    statements.map(({ where, values, rows, changed, error }) => [where, values, rows, changed, error]),
    [
      ['read', ['a'], 1, 0, null],
      ['commit', ['a', 7, '***', 'a'], 0, 2, null],
      ['commit', [], 0, 2, null],
    ],
  )
  assert.equal(statements[0]!.text, 'select max(n) as most from seen where account = ?')
  assert.deepEqual(
    messages.map(({ kind, type, id: own, context, data }) => [kind, type, own, context, data]),
    [
      ['event', 'paid', 'paid 7', 'a', { account: 'a', cents: 7 }],
      ['command', 'remind', null, 'a', { account: 'a' }],
    ],
  )
  assert.equal(messages[1]!.due! > sim.now(), true)
  assert.deepEqual(onDisk(sim), before)
  const [line] = await sim.settled(desk.audit({ item: id, limit: 1 }))
  assert.deepEqual([line!.by, line!.action, line!.reason, line!.subject], ['ada', 'tried', 'with a sign', 'till'])
  await sim.settled(desk.change(id, cents(7), { by: 'ada', reason: 'a sign', revision: trial.revision }))
  await sim.untilIdle()
  assert.deepEqual(sim.held(), [])
  assert.deepEqual(
    sim.rows<{ n: number }>('seen').map(({ n }) => n),
    [7, 1, 5, 1],
  )
})

test('a trial that fails or is refused tells the error, what came before it, and no secret', async (t) => {
  const { sim, desk, id } = await held(t, { cents: -7 })
  const before = onDisk(sim)
  const failed = await sim.settled(desk.try(id))
  assert.deepEqual([failed.outcome, failed.error?.message], ['failed', 'cannot pay -7 to ***'])
  assert.deepEqual([failed.messages, failed.counts], [[], { messages: 0, statements: 2 }])
  const refused = await sim.settled(desk.try(id, { data: { account: 'a', cents: 2_000, iban: 'x' } }))
  assert.deepEqual(
    [refused.outcome, refused.error?.message, refused.error?.data],
    ['refused', 'too much', { most: 1_000 }],
  )
  assert.deepEqual(refused.statements.length, 1)
  assert.deepEqual(onDisk(sim), before)
})

test('only a held message of a processor that says so is tried; what does not fit is refused as a resubmit is', async (t) => {
  const { sim, desk, id } = await held(t, { cents: -7 }, false)
  const lines = sim.rows('millrace_audit')
  const refused = (trial: Promise<unknown>, code: string) => assert.rejects(sim.settled(trial), { code })
  await refused(desk.try(id), 'millrace/no-trial')
  await refused(desk.try(99), 'millrace/unknown-item')
  assert.equal((await sim.settled(desk.show(id)))!.trial, false)
  assert.deepEqual(sim.rows('millrace_audit'), lines)
  const may = await held(t, { cents: -7 })
  assert.equal((await may.sim.settled(may.desk.show(may.id)))!.trial, true)
  const also = (trial: Promise<unknown>, code: string) => assert.rejects(may.sim.settled(trial), { code })
  await also(may.desk.try(may.id, { change: cents('many') }), 'millrace/bad-data')
  await also(
    may.desk.try(may.id, { change: [{ op: 'replace', path: '/account', value: 'b' }] }),
    'millrace/context-changed',
  )
  await also(may.desk.try(may.id, { change: cents(1), data: {} }), 'millrace/bad-option')
  await also(may.desk.try(may.id, { data: { account: 'a', cents: 1, iban: '***' } }), 'millrace/masked')
  const [behind] = await may.sim.settled(may.desk.line(may.id))
  await also(may.desk.try(behind!.id), 'millrace/not-held')
  await may.sim.settled(may.sim.app.processors.pause('till', { by: 'ada' }))
  await also(may.desk.try(may.id), 'millrace/no-trial')
})

test('one message is tried at a time; a handler whose time is over is fenced, and the next trial waits for its end', async (t) => {
  let end = (): void => {}
  let signal: AbortSignal | undefined
  const slow = processor('till', {
    on: Pays,
    retry: { attempts: 1 },
    trial: true,
    handle: {
      pay: async ({ data }, context) => {
        if (data.cents < 0) throw new Error('no')
        signal = context.signal
        await new Promise<void>((resolve) => (end = resolve))
        return context.commit(() => ({ left: 0 }))
      },
    },
  })
  const sim = bank(t, [Pays, slow])
  await sim.send(Pay, { account: 'a', iban: 'x', cents: -1 })
  await sim.send(Pay, { account: 'b', iban: 'x', cents: -1 })
  await sim.untilIdle()
  const [a, b] = sim.held()
  const { desk } = sim.app
  const first = desk.try(a!.id, { change: cents(1) })
  await sim.advance(1_000)
  await assert.rejects(sim.settled(desk.try(b!.id)), { code: 'millrace/trial-busy' })
  await sim.advance(10_000)
  const { outcome, error } = await sim.settled(first)
  assert.deepEqual([outcome, error?.code, signal?.aborted], ['failed', 'millrace/timed-out', true])
  await assert.rejects(sim.settled(desk.try(b!.id)), { code: 'millrace/trial-busy' })
  end()
  await sim.advance(1)
  assert.equal((await sim.settled(desk.try(b!.id))).outcome, 'failed')
  assert.deepEqual(
    sim.held().map(({ attempts, revision }) => [attempts, revision]),
    [
      [1, 1],
      [1, 1],
    ],
  )
})

test('an error of a forgotten promise fails the trial, and a stop ends it', async (t) => {
  const late = processor('till', {
    on: Pays,
    retry: { attempts: 1 },
    trial: true,
    handle: {
      pay: async ({ data }) => {
        if (data.cents < 0) throw new Error('no')
        if (data.cents === 1) Promise.reject(new Error('forgotten'))
        return new Promise(() => {})
      },
    },
  })
  const sim = bank(t, [Pays, late])
  await sim.send(Pay, { account: 'a', iban: 'x', cents: -1 })
  await sim.untilIdle()
  const { id } = sim.held()[0]!
  const { error } = await sim.settled(sim.app.desk.try(id, { change: cents(1) }))
  assert.equal(error?.message, 'forgotten')
  await sim.advance(30_000)
  const stopped = sim.app.desk.try(id, { change: cents(2) })
  const told = assert.rejects(stopped, { code: 'millrace/stopping' })
  await sim.advance(10)
  await sim.settled(sim.app.stop({ graceMs: 0 }))
  await told
})
