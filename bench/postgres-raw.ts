import { rateOf } from './measure.ts'
import { type Order, order } from './message.ts'
import { connect, onDatabase } from './postgres-server.ts'
import { cheapIds } from './raw.ts'
import type { Figures, Load, Span } from './task.ts'

const tables = `
  create table log (position bigint primary key, id text, type text, context text, time bigint, data text);
  create table progress (processor integer primary key, position bigint);
  create table fx (id text primary key, quantity integer)`
const append = `insert into log
  select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[])`
const read = 'select position, id, data from log where position > $1 and position <= $2 order by position'
const writeRows = 'insert into fx select * from unnest($1::text[], $2::integer[])'
const moveCursor = `insert into progress values ($1, $2)
  on conflict (processor) do update set position = excluded.position`

/**
 * The durable work of a load on bare `pg`, and nothing else: insert a group as large as the number in flight by one
 * statement; then, unless the load only publishes, read the group back, write its rows by one statement and move the
 * cursor of each processor, in one transaction.
 */
export function postgresRawRate(load: Load & Span): Promise<Figures> {
  return onDatabase(async (url) => {
    const client = await connect(url)
    await client.query(tables)
    const nextId = cheapIds()
    let head = 0
    const run = (name: string, text: string, values: unknown[]) => client.query({ name, text, values })
    const publishGroup = async () => {
      const orders = Array.from({ length: load.inFlight }, (_, n) => order(head + n, load.contexts))
      const now = Date.now()
      await run('append', append, [
        orders.map((_, n) => head + n + 1),
        orders.map(() => nextId()),
        orders.map(() => 'order.placed'),
        orders.map(({ orderId }) => orderId),
        orders.map(() => now),
        orders.map((data) => JSON.stringify(data)),
      ])
      head += orders.length
    }
    const handleGroup = async () => {
      const { rows } = await run('read', read, [head - load.inFlight, head])
      const orders = rows.map(({ data }) => JSON.parse(data as string) as Order)
      const work = [client.query('begin')]
      if (load.work === 'row') {
        work.push(run('rows', writeRows, [rows.map(({ id }) => id), orders.map(({ quantity }) => quantity)]))
      }
      for (let p = 0; p < load.processors; p++) work.push(run('cursor', moveCursor, [p, head]))
      await Promise.all([...work, client.query('commit')])
    }
    const figures = await rateOf(load, async (untilMs) => {
      const start = head
      do {
        await publishGroup()
        if (load.work !== 'publish') await handleGroup()
      } while (performance.now() < untilMs)
      return head - start
    })
    await client.end()
    return figures
  })
}
