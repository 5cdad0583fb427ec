// Statements of the store on a real server: values, schema, connections.
import assert from 'node:assert/strict'
import test from 'node:test'
import { nodeWorld } from '../../src/adapters/node/world.ts'
import { Connection } from '../../src/adapters/postgres/connection.ts'
import { openSchema } from '../../src/adapters/postgres/schema.ts'
import { asAdmin, needsServer, testDatabase } from '../support/postgres.ts'

const world = nodeWorld(() => {})
const connect = (url: string) => Connection.open({ url, world, silentMs: 10_000, application: 'test' })

test('values come back as they went in', needsServer, async () => {
  await using database = await testDatabase()
  const db = await connect(database.url)
  const text = `select $1::text as text, $2::int8 as number, $3::bool as truth, $4::bytea as bytes, $5::text as nothing,
    (select array_agg(t order by n) from unnest($6::text[]) with ordinality u(t, n)) is not null as listed`
  const given = {
    text: 'a\0b\x01c "\\ ü😀',
    number: Number.MAX_SAFE_INTEGER,
    truth: true,
    bytes: new Uint8Array([0, 255]),
  }
  const values = [given.text, given.number, given.truth, given.bytes, null, ['x']]
  assert.deepEqual({ ...(await db.all(text, values))[0] }, { ...given, nothing: null, listed: true })
  const texts = ['', 'null', 'a,b', '{"x":"\\"}', 'tab\t', '\0', '\x01', ' ']
  const rows = await db.all<{ t: string }>('select t from unnest($1::text[]) with ordinality u(t, n) order by n', [
    texts,
  ])
  assert.deepEqual(
    rows.map(({ t }) => t),
    texts,
  )
  await assert.rejects(db.all('select 9007199254740993::int8 as n'), { code: 'millrace/bad-value' })
  await db.end()
})

test('statements of the store have one plan for all values, by an index', needsServer, async () => {
  await using database = await testDatabase()
  const db = await connect(database.url)
  const look = `select current_setting('plan_cache_mode') as mode, current_setting('enable_seqscan') as scans`
  assert.deepEqual(await db.all(look), [{ mode: 'force_generic_plan', scans: 'off' }])
  await db.end()
})

test('twenty processes that start at once find one schema', needsServer, async () => {
  await using database = await testDatabase()
  const connections = await Promise.all(Array.from({ length: 20 }, () => connect(database.url)))
  const identities = await Promise.all(connections.map((db) => openSchema(db, 'here', world, 30_000)))
  assert.equal(new Set(identities.map(({ server }) => server)).size, 1)
  const rows = await asAdmin(database.url, "select value from millrace.meta where key = 'format'")
  assert.deepEqual(rows, [{ value: '1' }])
  await Promise.all(connections.map((db) => db.end()))
})

test('a database that is not UTF8 is refused', needsServer, async () => {
  await using database = await testDatabase("encoding 'LATIN1' locale 'C'")
  const db = await connect(database.url)
  await assert.rejects(openSchema(db, 'here', world, 1_000), {
    code: 'millrace/cannot-open',
    message: 'here has the encoding LATIN1, and Millrace needs UTF8',
  })
  await db.end()
})

test('a table of ours is written in transactions of ours only', needsServer, async () => {
  await using database = await testDatabase()
  const db = await connect(database.url)
  await openSchema(db, 'here', world, 30_000)
  const insert = "insert into millrace.meta values ('mine', '1')"
  await assert.rejects(db.run(insert), { code: 'MRG01' })
  await db.words(`begin; select set_config('millrace.tx', 'test', true)`)
  assert.equal(await db.run(insert), 1)
  await db.words('commit')
  await assert.rejects(db.run("delete from millrace.meta where key = 'mine'"), { code: 'MRG01' })
  await db.end()
})
