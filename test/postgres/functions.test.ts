// Functions of users in the transactions of the store.
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Tx } from 'millrace'
import { postgres } from 'millrace/postgres'
import { Client } from 'pg'
import { asAdmin, needsServer, testDatabase } from '../support/postgres.ts'
import { Ordered, shopOn, takenOf } from './support.ts'

const take = (tx: Tx, n: number) => tx.query`insert into taken (id, n) values ('o-1', ${n})`

test('what would touch the transaction or stay on the connection is denied', needsServer, async () => {
  await using database = await testDatabase()
  const shop = shopOn(database.url)
  await shop.start({ control: false })
  const words = ['commit', '/* a */ rollback', '(end)', '-- x\nsavepoint a', 'set role none', 'listen a', 'discard all']
  for (const text of [...words, 'copy taken from stdin', 'prepare transaction $$a$$', 'deallocate all', 'reset all']) {
    const ran = shop.transaction((tx) => postgres.client(tx).query(text))
    await assert.rejects(ran, { code: 'millrace/denied' }, text)
  }
  // Two statements in one are refused by the server: the protocol is the extended one.
  await assert.rejects(
    shop.transaction((tx) => postgres.client(tx).query('select 1; commit')),
    { code: '42601' },
  )
  await shop.transaction(async (tx) => {
    await tx.query`set local timezone to 'UTC'`
    await take(tx, 1)
  })
  assert.deepEqual(await takenOf(shop, 'o-1'), [1])
  await shop.stop()
})

test('a statement that failed fails its function and no other of its group', needsServer, async () => {
  await using database = await testDatabase()
  const shop = shopOn(database.url)
  await shop.start({ control: false })
  const results = await Promise.allSettled([
    shop.transaction((tx) => take(tx, 1)),
    shop.transaction(async (tx) => {
      await take(tx, 2)
      await tx.query`select 1 / 0`.catch(() => {})
    }),
    shop.transaction(async (tx) => {
      await tx.attempt((inner) => inner.query`select 1 / 0`).catch(() => {})
      await take(tx, 3)
    }),
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(await takenOf(shop, 'o-1'), [1, 3])
  await shop.stop()
})

test('statements of users are planned as their database says', needsServer, async () => {
  await using database = await testDatabase()
  await asAdmin(
    database.url,
    `alter database ${new URL(database.url).pathname.slice(1)} set plan_cache_mode = force_custom_plan`,
  )
  const shop = shopOn(database.url)
  await shop.start({ control: false })
  const look = { text: `select current_setting('plan_cache_mode') as mode, current_setting('enable_seqscan') as scans` }
  const usual = [{ mode: 'force_custom_plan', scans: 'on' }]
  await Promise.all([
    shop.transaction(async (tx) => assert.deepEqual((await postgres.client(tx).query(look)).rows, usual)),
    shop.transaction((tx) => tx.query`select 1 / 0`).catch(() => {}),
    shop.transaction(async (tx) => assert.deepEqual((await postgres.client(tx).query(look)).rows, usual)),
  ])
  const read = shop.read`select current_setting('plan_cache_mode') as mode, current_setting('enable_seqscan') as scans`
  assert.deepEqual(await read, usual)
  await shop.stop()
})

test('a function that loses its connection fails alone; what it was with is written', needsServer, async () => {
  await using database = await testDatabase()
  const shop = shopOn(database.url)
  await shop.start({ control: false })
  const results = await Promise.allSettled([
    shop.transaction((tx) => take(tx, 1)),
    shop.transaction(async (tx) => {
      await take(tx, 2)
      await tx.query`select pg_terminate_backend(pg_backend_pid())`
    }),
    shop.transaction((tx) => take(tx, 3)),
    shop.publish(Ordered, { id: 'o-2', n: 0 }),
  ])
  const codes = results.map((result) => (result.status === 'fulfilled' ? 'done' : result.reason.code))
  assert.deepEqual(codes, ['done', 'millrace/connection-lost-in-commit', 'done', 'done'])
  await shop.idle()
  assert.deepEqual(await takenOf(shop, 'o-1'), [1, 3])
  assert.deepEqual(await takenOf(shop, 'o-2'), [0])
  await shop.stop()
})

test('only the first function of a transaction waits for a lock', needsServer, async () => {
  await using database = await testDatabase()
  const shop = shopOn(database.url)
  await shop.start({ control: false })
  await asAdmin(database.url, "create table stocks (sku text primary key, n int); insert into stocks values ('a', 0)")
  const other = new Client({ connectionString: database.url })
  await other.connect()
  await other.query('begin')
  await other.query("update stocks set n = n + 1 where sku = 'a'")
  const first = shop.transaction((tx) => take(tx, 1))
  const waits = shop.transaction((tx) => tx.query`update stocks set n = n + 1 where sku = 'a'`)
  // It is written though the function beside it waits.
  await first
  assert.deepEqual(await takenOf(shop, 'o-1'), [1])
  await other.query('commit')
  await other.end()
  await waits
  assert.deepEqual(await asAdmin(database.url, 'select n from stocks'), [{ n: 2 }])
  await shop.stop()
})
