// Kysely and Drizzle on the connection of a transaction: the examples of docs/guides/rows.md, and what is denied to them.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-builders-')))

before(() => {
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  const packages = ['kysely@0.29.9', 'drizzle-orm@0.45.4', 'drizzle-orm-1@npm:drizzle-orm@1.0.0-rc.5-5935859']
  const switches = ['--ignore-scripts', '--no-audit', '--no-fund', '--legacy-peer-deps', '--silent']
  execFileSync('npm', ['install', ...switches, ...packages], { cwd: folder, env })
  symlinkSync(root, join(folder, 'node_modules', 'millrace'))
  symlinkSync(join(root, 'node_modules', '@types'), join(folder, 'node_modules', '@types'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a file, which has to fit the types, and to pass so many tests. */
function passes(name: string, code: string, tests: number): void {
  writeFileSync(join(folder, name), code)
  const config = { extends: join(root, 'tsconfig.json'), include: [name], exclude: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const words = ['--conditions=millrace-source', '--test', name]
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  for (const command of [[tsc, '-p', '.'], words]) {
    const options = { cwd: folder, encoding: 'utf8', env: { ...env, NODE_TEST_CONTEXT: undefined } } as const
    const { status, stdout, stderr } = spawnSync(process.execPath, command, options)
    assert.equal(status, 0, stdout + stderr)
    if (command === words) assert.match(stdout, new RegExp(`pass ${tests}\\n`))
  }
}

const example = (name: string): string => {
  const page = readFileSync(join(root, 'docs/guides/rows.md'), 'utf8')
  const [, code] = page.match(new RegExp(`\`\`\`ts\\n// ${name.replaceAll('.', '\\.')}\\n([\\s\\S]*?)\`\`\``)) ?? []
  assert(code !== undefined, `the page has ${name}`)
  return code
}

/** An app whose `transaction` the tests use. */
const bank = (file: string) => `
import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { app, isMillraceError, sqlite, type Tx } from 'millrace'
const bank = app({
  name: 'bank',
  broker: sqlite({ file: '${file}' }),
  setup: (tx) => tx.query\`create table bills (id text primary key, cents integer not null, data blob)\`,
  parts: [],
})
await bank.start({ control: false })
after(() => bank.stop())
const coded = (code: string) => (error: unknown) => isMillraceError(error, code as never)
`

for (const name of ['kysely.test.ts', 'drizzle.test.ts']) {
  test(`the example ${name} of the guide "Your rows" runs as it stands`, () => passes(name, example(name), 1))
}

test('Kysely: values, counts, streams and errors are those of the transaction; its own transactions are denied', () => {
  const code = `${bank('kysely-more.db')}
import { Kysely, sql, SqliteDialect } from 'kysely'
interface Tables { bills: { id: string; cents: number | bigint; data: Uint8Array | null } }
const on = (tx: Tx) => new Kysely<Tables>({ dialect: new SqliteDialect({ database: sqlite.client(tx) }) })

test('counts, returning, raw statements and streams', async () => {
  await bank.transaction(async (tx) => {
    const db = on(tx)
    const inserted = await db.insertInto('bills').values({ id: 'b-1', cents: 2n ** 60n, data: new Uint8Array([7]) }).executeTakeFirst()
    assert.equal(inserted.numInsertedOrUpdatedRows, 1n)
    const updated = await db.updateTable('bills').set({ cents: 5 }).where('id', '=', 'b-1').returning(['id', 'data']).execute()
    assert.deepEqual(updated, [{ id: 'b-1', data: new Uint8Array([7]) }])
    const { rows } = await sql<{ n: number }>\`select count(*) as n from bills where id in (\${sql.join(['b-1', 'b-2'])})\`.execute(db)
    assert.deepEqual(rows, [{ n: 1 }])
    const streamed = []
    for await (const row of db.selectFrom('bills').select('cents').stream()) streamed.push(row)
    assert.deepEqual(streamed, [{ cents: 5 }])
    await db.destroy()
    await tx.query\`delete from bills\`
  })
})
test('a transaction of its own is denied, and fails the function', async () => {
  const own = bank.transaction(async (tx) => {
    const db = on(tx)
    await db.insertInto('bills').values({ id: 'b-9', cents: 1, data: null }).execute()
    await db.transaction().execute((inner) => inner.deleteFrom('bills').execute()).catch(() => {})
  })
  await assert.rejects(own, coded('millrace/statement-failed'))
  await assert.rejects(bank.transaction((tx) => on(tx).schema.dropTable('millrace_desk').execute()), coded('millrace/denied'))
  assert.deepEqual(await bank.read\`select * from bills\`, [])
})
test('a statement that fails in an attempt takes back that attempt only', async () => {
  await bank.transaction(async (tx) => {
    const row = { id: 'b-1', cents: 1, data: null }
    await on(tx).insertInto('bills').values(row).execute()
    await assert.rejects(tx.attempt((inner) => on(inner).insertInto('bills').values([{ ...row, id: 'b-2' }, row]).execute()))
  })
  assert.deepEqual(await bank.read\`select id from bills\`, [{ id: 'b-1' }])
})
`
  passes('kysely-more.test.ts', code, 3)
})

const drizzleTests = (on: string, first: string) => `
const bills = sqliteTable('bills', {
  id: text().primaryKey(),
  cents: integer().notNull(),
  data: blob({ mode: 'buffer' }),
})
const on = (tx: Tx) => ${on}

test('rows, joins with columns of one name, one row, none, and returning', async () => {
  await bank.transaction(async (tx) => {
    const db = on(tx)
    await db.insert(bills).values([{ id: 'b-1', cents: 5, data: Buffer.from([7]) }, { id: 'b-2', cents: 7 }])
    const other = alias(bills, 'other')
    const pairs = await db.select().from(bills).innerJoin(other, lt(bills.cents, other.cents))
    assert.deepEqual(pairs.map(({ bills, other }) => [bills.id, bills.data?.[0], other.id, other.data]), [['b-1', 7, 'b-2', null]])
    const one = await ${first}
    assert.equal(one?.id, 'b-2')
    assert.equal(await db.select().from(bills).where(eq(bills.id, 'b-7')).get(), undefined)
    const gone = await db.delete(bills).where(eq(bills.id, 'b-1')).returning({ id: bills.id })
    assert.deepEqual(gone, [{ id: 'b-1' }])
    await db.run(sql\`delete from bills where id in \${['b-2']}\`)
  })
  assert.deepEqual(await bank.read\`select * from bills\`, [])
})
test('a transaction of its own is denied, and fails the function', async () => {
  const own = bank.transaction(async (tx) => {
    const db = on(tx)
    await db.insert(bills).values({ id: 'b-9', cents: 1 })
    try {
      await db.transaction((() => {}) as never)
    } catch {}
  })
  await assert.rejects(own, coded('millrace/statement-failed'))
  assert.deepEqual(await bank.read\`select * from bills\`, [])
})
`

test('Drizzle by its proxy: rows of every shape; its own transactions are denied', () => {
  const code = `${bank('drizzle-more.db')}
import { eq, lt, sql } from 'drizzle-orm'
import { alias, blob, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { drizzle } from 'drizzle-orm/sqlite-proxy'
${drizzleTests(
  `drizzle(async (query, values, method) => {
  const statement = sqlite.client(tx).prepare(query)
  statement.setReturnArrays(true)
  const rows = statement.all<unknown[]>(values)
  return { rows: method === 'get' ? rows[0]! : rows }
})`,
  "db.select().from(bills).where(eq(bills.id, 'b-2')).get()",
)}`
  passes('drizzle-more.test.ts', code, 2)
})

test('Drizzle 1 by its driver for node:sqlite: rows of every shape; its own transactions are denied', () => {
  const code = `${bank('drizzle-1.db')}
import { eq, lt, sql } from 'drizzle-orm-1'
import { drizzle } from 'drizzle-orm-1/node-sqlite'
import { alias, blob, integer, sqliteTable, text } from 'drizzle-orm-1/sqlite-core'
${drizzleTests('drizzle({ client: sqlite.client(tx) as never })', "db.select().from(bills).where(eq(bills.id, 'b-2')).get()")}`
  passes('drizzle-1.test.ts', code, 2)
})
