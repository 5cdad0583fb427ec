// Publishing in transactions of users, by the libraries that they use.
import assert from 'node:assert/strict'
import test from 'node:test'
import { drizzle } from 'drizzle-orm/node-postgres'
import { sql } from 'drizzle-orm/sql'
import knexFor from 'knex'
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely'
import { type App, app, event, type Joined, sqlite, topic } from 'millrace'
import { Client, Pool } from 'pg'
import { z } from 'zod'
import { asAdmin, needsServer, testDatabase } from '../support/postgres.ts'
import { Ordered, Orders, shopOn, takenOf } from './support.ts'

/** Runs work in a transaction of a library: committed where it resolves, else rolled back. */
type Transact = (work: (client: Joined) => Promise<unknown>) => Promise<unknown>

interface Library {
  readonly transact: Transact
  end(): Promise<unknown>
}

const libraries: Readonly<Record<string, (url: string) => Library>> = {
  pg: (url) => {
    const pool = new Pool({ connectionString: url })
    const transact: Transact = async (work) => {
      const client = await pool.connect()
      try {
        await client.query('begin')
        await work(client)
        await client.query('commit')
      } catch (error) {
        await client.query('rollback')
        throw error
      } finally {
        client.release()
      }
    }
    return { transact, end: () => pool.end() }
  },
  Drizzle: (url) => {
    const pool = new Pool({ connectionString: url })
    const transact: Transact = (work) =>
      drizzle(pool).transaction((tx) =>
        work((text, values) => {
          const parts = text.split(/\$\d+/).map((part) => sql.raw(part))
          return tx.execute(sql.join(parts.flatMap((part, at) => (at === 0 ? [part] : [sql`${values[at - 1]}`, part]))))
        }),
      )
    return { transact, end: () => pool.end() }
  },
  Kysely: (url) => {
    const db = new Kysely<object>({ dialect: new PostgresDialect({ pool: new Pool({ connectionString: url }) }) })
    const transact: Transact = (work) =>
      db.transaction().execute((tx) => work((text, values) => tx.executeQuery(CompiledQuery.raw(text, [...values]))))
    return { transact, end: () => db.destroy() }
  },
  Knex: (url) => {
    const knex = knexFor({ client: 'pg', connection: url })
    const transact: Transact = (work) =>
      knex.transaction((tx) => work((text, values) => tx.raw(text.replace(/\$\d+/g, '?'), values as string[])))
    return { transact, end: () => knex.destroy() }
  },
}

const order = (id: string, n: number) => ({ id, n })

for (const [name, open] of Object.entries(libraries)) {
  test(
    `${name}: a message exists exactly if the transaction commits, in the order of the calls`,
    needsServer,
    async () => {
      await using database = await testDatabase()
      const shop = shopOn(database.url)
      await shop.start({ control: false })
      const { transact, end } = open(database.url)
      await transact(async (client) => {
        assert.deepEqual(await shop.publishIn(client, Ordered, order('o-1', 1), { id: 'first' }), { id: 'first' })
        await shop.publishIn(client, Ordered, order('o-1', 2))
        await shop.publishIn(client, Ordered, order('o-1', 3))
      })
      const undone = transact(async (client) => {
        await shop.publishIn(client, Ordered, order('o-1', 4))
        throw new Error('taken back')
      })
      await assert.rejects(undone, /taken back/)
      await transact(async (client) => {
        const again = await shop.publishIn(client, Ordered, order('o-1', 1), { id: 'first' })
        assert.deepEqual(again, { id: 'first', duplicate: true })
        const other = shop.publishIn(client, Ordered, order('o-1', 9), { id: 'first' })
        await assert.rejects(other, { code: 'millrace/id-conflict' })
        // Its transaction goes on.
        await shop.publishIn(client, Ordered, order('o-1', 5))
      })
      await handled(shop, 'o-1', [1, 2, 3, 5])
      await end()
      await shop.stop()
    },
  )
}

/** Waits until the messages of an order are taken: the app finds them by a poll. */
async function handled(shop: App, id: string, numbers: readonly number[]): Promise<void> {
  for (;;) {
    await shop.idle()
    const taken = await takenOf(shop, id)
    if (taken.length < numbers.length) continue
    assert.deepEqual(taken, numbers)
    return
  }
}

test('an app that does not run publishes; what it has published is as from itself', needsServer, async () => {
  await using database = await testDatabase()
  const shop = shopOn(database.url)
  const client = new Client({ connectionString: database.url })
  client.on('error', () => {})
  await client.connect()
  await shop.start({ control: false })
  await shop.publish(Ordered, order('o-1', 1))
  await shop.stop()
  await shop.publishIn(client, Ordered, order('o-1', 2))
  await shop.start({ control: false })
  await handled(shop, 'o-1', [1, 2])
  const { items } = await shop.messages.list({ destination: 'orders', order: 'oldest' })
  const [own, joined] = items.map(({ source, version, context, correlationId, id, causationId }) => {
    return { source, version, context, isFirst: correlationId === id, causationId }
  })
  assert.deepEqual(joined, own)
  // An id that `publishIn` has taken is taken for `publish`, and the other way round.
  await shop.publishIn(client, Ordered, order('o-2', 1), { id: 'in' })
  assert.deepEqual(await shop.publish(Ordered, order('o-2', 1), { id: 'in' }), { id: 'in', duplicate: true })
  await shop.publish(Ordered, order('o-2', 2), { id: 'out', delayMs: 3_600_000 })
  const same = await shop.publishIn(client, Ordered, order('o-2', 2), { id: 'out' })
  assert.deepEqual(same, { id: 'out', duplicate: true })
  const hostile = 'a\x01 "\\ \u{1f600}'
  for (let n = 0; n < 2; n++) await shop.publishIn(client, Ordered, order(hostile, 7), { id: 'a\0b' })
  await handled(shop, hostile, [7])
  await client.end()
  await shop.stop()
})

test('what is wrong is refused before anything is written', needsServer, async () => {
  await using database = await testDatabase()
  const Unlisted = event('unlisted', { schema: z.object({}) })
  const New = event('new', { schema: z.object({ n: z.number() }) })
  const client = new Client({ connectionString: database.url })
  client.on('error', () => {})
  await client.connect()
  const shop = shopOn(database.url)
  await shop.start({ control: false })
  const refused = async (code: string, work: () => Promise<unknown>) => {
    await client.query('begin')
    await assert.rejects(work, { code })
    await client.query('commit')
  }
  await refused('millrace/bad-data', () => shop.publishIn(client, Ordered, { id: 'o-1' } as never))
  await refused('millrace/type-without-topic', () => shop.publishIn(client, Unlisted, {}))
  await refused('millrace/bad-id', () => shop.publishIn(client, Ordered, order('o-1', 1), { id: '' }))
  await refused('millrace/unknown-option', () =>
    shop.publishIn(client, Ordered, order('o-1', 1), { delayMs: 1 } as never),
  )
  await refused('millrace/bad-option', () => shop.publishIn({} as never, Ordered, order('o-1', 1)))
  await refused('millrace/bad-option', () => shop.publishIn(async () => undefined as never, Ordered, order('o-1', 1)))
  await refused('millrace/bad-option', () => shop.publishIn(async () => [], Ordered, order('o-1', 1)))
  const newer = shopOn(database.url, [topic('news', [New])])
  await refused('millrace/unknown-type', () => newer.publishIn(client, New, { n: 1 }))
  await client.end()
  await shop.stop()
  assert.deepEqual(await asAdmin(database.url, 'select id from millrace.messages'), [])
  const onFile = app({ name: 'shop', broker: sqlite({ file: 'never-made.db' }), parts: [Orders], log: () => {} })
  await assert.rejects(onFile.publishIn(client, Ordered, order('o-1', 1)), { code: 'millrace/no-publish-in' })
})
