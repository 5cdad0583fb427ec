// Millrace on PostgreSQL.
import { setTimeout as sleep } from 'node:timers/promises'
import { type App, type Processor, processor } from 'millrace'
import { postgres } from 'millrace/postgres'
import type { Client } from 'pg'
import { flowsOn } from './flows.ts'
import { closedLoop, percentile, rateOf } from './measure.ts'
import { latencyOf, Orders, observer, opened, processorsFor, source } from './millrace.ts'
import { connect, onDatabase } from './postgres-server.ts'
import type { Figures, FlowLoad, Load, PostgresLoad, Span, Task } from './task.ts'

/** Rows that handlers and another service change, in `postgres.shared`. */
const sharedRows = 20
/** Connections of the other service. */
const serviceConnections = 8

function open(url: string, processors: Processor[]): Promise<App> {
  return opened({
    broker: postgres({ url }),
    setup: async (tx) => {
      await tx.query`create table if not exists fx (id text primary key, quantity integer)`
      await tx.query`create table if not exists shared (id integer primary key, n integer)`
      await tx.query`insert into shared select i, 0 from generate_series(1, ${sharedRows}) i on conflict do nothing`
    },
    parts: [Orders, ...processors],
  })
}

/** Rate of a load, and the bytes that the server has written to its log for each event. */
export function postgresRate(load: Load & PostgresLoad & Span): Promise<Figures> {
  return onDatabase(async (url) => {
    const running = await open(url, processorsFor(load))
    const others = await openTransactions(url, load.open ?? 0)
    const own = await connect(url)
    const publish = source(running, load)
    let events = 0
    const begun = await walAt(own)
    const figures = await rateOf(load, async (untilMs) => {
      const count = await publish(() => performance.now() < untilMs)
      events += count
      return count
    })
    const walBytes = ((await walAt(own)) - begun) / events
    await running.stop()
    for (const client of [...others, own]) await client.end()
    return { ...figures, walBytes }
  })
}

/** Transactions that have a number, and stay open. */
async function openTransactions(url: string, count: number): Promise<Client[]> {
  const clients: Client[] = []
  for (let n = 0; n < count; n++) {
    const client = await connect(url)
    await client.query('begin')
    await client.query('select pg_current_xact_id()')
    clients.push(client)
  }
  return clients
}

async function walAt(client: Client): Promise<number> {
  const { rows } = await client.query(`select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as at`)
  return Number(rows[0].at)
}

export const postgresFlows = (load: FlowLoad & Span): Promise<Figures> =>
  onDatabase((url) => flowsOn(postgres({ url }), load))

export const postgresLatency = (task: { perSecond: number } & Span): Promise<Figures> =>
  onDatabase((url) => latencyOf(task, (processors) => open(url, processors)))

/** Changes a row that others change too. */
const sharer = processor('p0', {
  on: Orders,
  handle: {
    'order.placed': async ({ data }, { commit }) =>
      commit((tx) => tx.query`update shared set n = n + 1 where id = ${1 + (data.totalCents % sharedRows)}`),
  },
})

/** Handlers and another service change the same rows, or one of them alone. */
export function postgresShared({ ours, theirs, ...span }: Extract<Task, { by: 'postgres.shared' }>): Promise<Figures> {
  return onDatabase(async (url) => {
    const running = await open(url, [sharer])
    const service = await Promise.all(Array.from({ length: theirs ? serviceConnections : 0 }, () => connect(url)))
    const publish = source(running, { inFlight: 32, contexts: 1_000 })
    const tookMs: number[] = []
    const change = async (client: Client) => {
      const beganAt = performance.now()
      await client.query('begin')
      await client.query(`update shared set n = n + 1 where id = ${1 + Math.floor(Math.random() * sharedRows)}`)
      await client.query('commit')
      tookMs.push(performance.now() - beganAt)
    }
    const figures = await rateOf(span, async (untilMs) => {
      tookMs.length = 0
      const more = () => performance.now() < untilMs
      const theirWork = service.map((client) => closedLoop(1, more, () => change(client)))
      const count = ours ? await publish(more) : 0
      await Promise.all(theirWork)
      return count
    })
    await running.stop()
    for (const client of service) await client.end()
    return { ...figures, p99Ms: percentile(tookMs, 0.99) }
  })
}

/** How many transactions an app that has nothing to do makes in a second. */
export function postgresIdle({ measureMs }: { measureMs: number }): Promise<Figures> {
  return onDatabase(async (url) => {
    const running = await open(url, [observer('p0')])
    await running.idle()
    const own = await connect(url)
    const count = async () => {
      // A connection tells its counts a second after the last time at the earliest.
      await sleep(1_500)
      const { rows } = await own.query(
        'select xact_commit + xact_rollback as count from pg_stat_database where datname = current_database()',
      )
      return Number(rows[0].count)
    }
    const begun = await count()
    const beganAt = performance.now()
    await sleep(measureMs)
    const perSecond = ((await count()) - begun) / ((performance.now() - beganAt) / 1_000)
    await running.stop()
    await own.end()
    return { perSecond }
  })
}
