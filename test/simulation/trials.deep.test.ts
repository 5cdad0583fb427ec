// Ten thousand random trials: each does anything that a handler may do, and leaves all tables as they were.
import assert from 'node:assert/strict'
import test from 'node:test'
import {
  app,
  channel,
  command,
  event,
  gather,
  isMillraceError,
  mediator,
  processor,
  Refused,
  schedule,
  sqlite,
  topic,
} from 'millrace'
import { type Simulation, simulation } from 'millrace/testing'
import { z } from 'zod'
import { randomOf } from '../../src/testing/random.ts'

const trials = 10_000
const perApp = 500
/** After so many trials all tables are compared. What one of them has left is found by the next comparison. */
const comparedEvery = 100

const acts = [
  ...['read', 'insert', 'insert', 'update', 'delete', 'attempt', 'attempt in vain', 'refused statement', 'replace all'],
  ...[
    'publish',
    'publish own',
    'publish later',
    'send',
    'send own',
    'send later',
    'cancel',
    'cancel request',
    'gathered',
  ],
  ...['throw', 'refuse', 'wait', 'bad data', 'late'],
] as const
type Act = (typeof acts)[number]

const work = z.object({ account: z.string(), first: z.array(z.string()), inCommit: z.array(z.string()) })
const Work = command('work', { schema: work, context: ({ account }) => account, reply: z.object({ left: z.number() }) })
const Other = command('other', { schema: z.object({ account: z.string() }), context: ({ account }) => account })
const Told = event('told', { schema: z.object({ account: z.string() }), context: ({ account }) => account })
const Full = event('full', { schema: z.object({ many: z.number() }) })
const Works = channel('works', [Work])
const Others = channel('others', [Other])
const Tolds = topic('tolds', [Told])
const Fulls = topic('fulls', [Full])

function madeApp() {
  const later = { delayMs: 3_600_000 }
  const worker = processor('worker', {
    on: Works,
    publishes: [Told],
    sends: [Other],
    retry: { attempts: 1 },
    trial: true,
    handle: {
      work: async ({ data: { account, first, inCommit }, id }, { commit, publish, send, cancel, read }) => {
        const collects: Partial<Record<Act, () => unknown>> = {
          publish: () => publish(Told, { account }),
          'publish own': () => publish(Told, { account }, { id: `own ${account}` }),
          'publish later': () => publish(Told, { account }, later),
          send: () => send(Other, { account }),
          'send own': () => send(Other, { account }, { id: `own ${account}` }),
          'send later': () => send(Other, { account }, { ...later, id: 'another' }),
          cancel: () => cancel(Other, 'delayed'),
          'cancel request': () => cancel(Other, 'asked'),
          gathered: () => publish(Told, { account: 'gathered' }),
          throw: () => assert.fail('thrown'),
          refuse: () => {
            throw new Refused('refused', { account })
          },
          'bad data': () => publish(Told, { account: 7 } as never),
          read: () => read`select count(*) from done`,
        }
        for (const act of first as Act[]) await collects[act]?.()
        if (first.includes('late')) return new Promise(() => {})
        return commit(async (tx) => {
          const inserts = (at: Pick<typeof tx, 'query'>) => at.query`insert into done values (${id}, ${account}, 1)`
          for (const act of inCommit as Act[]) {
            if (act === 'insert') await inserts(tx)
            else if (act === 'update') await tx.query`update done set n = n + 1`
            else if (act === 'delete') await tx.query`delete from done`
            else if (act === 'attempt') await tx.attempt(inserts)
            else if (act === 'attempt in vain') {
              const inVain = async (inner: Pick<typeof tx, 'query'>) => {
                await inserts(inner)
                publish(Told, { account: 'in vain' })
                throw new Error('in vain')
              }
              await tx.attempt(inVain).catch(() => {})
            } else if (act === 'refused statement') await tx.query`select * from nowhere`
            else if (act === 'replace all') await tx.query`insert or rollback into one values (1)`
            else if (act === 'wait') await new Promise(() => {})
            else await collects[act]?.()
          }
          return { left: 1 }
        })
      },
    },
  })
  const others = processor('others', {
    on: Others,
    retry: { attempts: 1 },
    handle: {
      other: ({ data: { account } }) => {
        if (account === 'held') throw new Error('held')
      },
    },
  })
  const patient = mediator('patient', {
    on: Tolds,
    startedBy: Told,
    run: async (_told, flow) => {
      await flow.sleep('long', 3_600_000)
    },
  })
  const many = gather('many', {
    on: Tolds,
    of: [Told],
    publishes: Full,
    count: 1_000,
    data: (all) => ({ many: all.length }),
  })
  const nightly = schedule('nightly', { cron: '0 3 * * *', publishes: Full, data: () => ({ many: 0 }) })
  return app({
    name: 'tried',
    // A short -wal, since a simulated sync reads it.
    broker: sqlite({ file: 'tried.db', checkpointBytes: 100_000 }),
    log: () => {},
    setup: async (tx) => {
      await tx.query`create table if not exists done (id text, account text, n int)`
      await tx.query`create table if not exists one (id integer primary key)`
      await tx.query`insert or ignore into one values (1)`
    },
    parts: [Works, Others, Tolds, Fulls, worker, others, patient, many, nightly],
  })
}

/** All tables but the audit log, as text. */
function onDisk(sim: Simulation): string {
  const names = sim.rows<{ name: string; type: string }>('sqlite_schema').filter(({ type }) => type === 'table')
  const tables = names.map(({ name }) => name).filter((name) => name !== 'millrace_audit' && name !== 'sqlite_sequence')
  return JSON.stringify(
    tables.map((name) => [name, sim.rows(name)]),
    (_name, value) => (typeof value === 'bigint' ? String(value) : value),
  )
}

test('ten thousand random trials leave rows, log, ids, progress, desk, requests, gathers, timers and flows as they were', async () => {
  const outcomes: Record<string, number> = {}
  for (let seed = 1; seed <= trials / perApp; seed++) {
    const random = randomOf(seed, 'trials')
    const sim = simulation({ app: madeApp, seed })
    await sim.send(Other, { account: 'x' }, { id: 'delayed', delayMs: 3_600_000 })
    sim.request(Other, { account: 'held' }, { id: 'asked', timeoutMs: 3_000_000 }).catch(() => {})
    await sim.publish(Told, { account: 'a' }, { id: 'own a' })
    for (const account of ['a', 'b', 'c']) {
      await sim.send(Work, { account, first: ['throw'], inCommit: [] })
      await sim.send(Work, { account, first: [], inCommit: ['insert'] })
    }
    await sim.send(Work, { account: 'd', first: [], inCommit: ['insert'] })
    await sim.untilIdle()
    const held = sim.held().filter(({ processor: name }) => name === 'worker')
    assert.equal(held.length, 3)
    const { desk } = sim.app
    const before = onDisk(sim)
    const some = (most: number) => Array.from({ length: random.below(most) }, () => random.pick(acts))
    for (let n = 0; n < perApp; n++) {
      const { id, message } = random.pick(held)
      const { account } = JSON.parse(message.json) as { account: string }
      const first = some(3).filter((act) => act !== 'late' || random.chance(0.05))
      const data = { account, first, inCommit: some(6) }
      const outcome = await sim.settled(desk.try(id, { data, by: `trial ${n}` })).then(
        (trial) => trial.outcome,
        (error: unknown) => (isMillraceError(error) ? error.code : String(error)),
      )
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
      const said = `seed ${seed}, up to trial ${n}: ${JSON.stringify(data)} ended as ${outcome}`
      if (n % comparedEvery === comparedEvery - 1) assert.equal(onDisk(sim), before, said)
      if (outcome === 'millrace/trial-busy') await sim.advance(30_000)
    }
    for (const { id } of held) await sim.settled(desk.discard(id, { by: 'ada', reason: 'enough' }))
    await sim.untilIdle()
    const done = sim.rows<{ account: string }>('done').map(({ account }) => account)
    assert.deepEqual(done.sort(), ['a', 'b', 'c', 'd'], 'the lines behind go on, and no row is of a trial')
    await sim.stop()
  }
  for (const outcome of ['handled', 'refused', 'failed']) assert(outcomes[outcome]! > 100, JSON.stringify(outcomes))
})
