// All data of a store move into another kind of store, and back.
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { type Broker, sqlite } from 'millrace'
import { postgres } from 'millrace/postgres'
import { createLog, migrate } from '../../src/adapters/sqlite/schema.ts'
import { move, movesOf } from '../../src/operate/move.ts'
import { type MovedRow, type MovedTable, type MovedValue, movedTables } from '../../src/seam/moves.ts'
import { asAdmin, needsServer, testDatabase } from '../support/postgres.ts'
import { coded, place } from '../support.ts'
import { begin, end, Facts, shopIn } from './move-shop.ts'

const tables = Object.keys(movedTables) as MovedTable[]

/** What a file has beside the columns that move: made anew from them, or of this one file. */
const ofFile: Readonly<Record<string, readonly string[] | 'all'>> = {
  millrace_ids: 'all',
  millrace_meta: 'all',
  sqlite_sequence: 'all',
  millrace_timers: ['sequence', 'kind'],
  millrace_desk: ['kind'],
  millrace_gathered: ['place'],
  millrace_wishes: 'all',
}

/** The same of a database. */
const ofDatabase: Readonly<Record<string, readonly string[] | 'all'>> = {
  meta: 'all',
  sources: 'all',
  messages: ['xid', 'seq', 'slot', 'flags'],
  runs: 'all',
  ids: 'all',
  commits: 'all',
  folded: 'all',
  leases: 'all',
  processes: 'all',
  deltas: 'all',
  found: 'all',
  found_progress: 'all',
  desk: ['slot'],
  desk_groups: ['unit', 'folded', 'folded_at'],
  operations: ['folded', 'folded_at'],
  pending_actions: ['n', 'asker', 'answer', 'answered_at'],
  timers: ['n', 'slot'],
  requests: ['slot', 'asker'],
  flows: ['slot'],
  mail: ['slot'],
  withdrawn: ['slot'],
  gathers: ['n', 'slot'],
  gathered: ['place'],
}

interface Column {
  readonly table: string
  readonly column: string
}

/** The columns that neither move nor are named as those of the store alone. */
function forgotten(columns: readonly Column[], own: typeof ofFile, nameOf: (table: string) => string): string[] {
  return columns
    .filter(({ table, column }) => {
      const named = own[table]
      if (named === 'all' || named?.includes(column)) return false
      const moved: readonly string[] = movedTables[nameOf(table) as MovedTable] ?? []
      return !moved.includes(column)
    })
    .map(({ table, column }) => `${table}.${column}`)
}

const columnsText = `select m.name as "table", c.name as "column", c.type from sqlite_schema m, pragma_table_info(m.name) c
  where m.type = 'table'`

test('each column of a file moves, or is named as one of the file alone', () => {
  const db = new DatabaseSync(':memory:')
  migrate(db, 'memory')
  const columns = db.prepare(columnsText).all() as never as Column[]
  assert.deepEqual(
    forgotten(columns, ofFile, (table) => table.slice('millrace_'.length)),
    [],
  )
})

test('each column of a database moves, or is named as one of the database alone', needsServer, async () => {
  await using database = await testDatabase()
  const target = await movesOf(postgres({ url: database.url })).enter()
  await target.commit()
  await target.close()
  const columns = await asAdmin<Column>(
    database.url,
    `select table_name as "table", column_name as "column" from information_schema.columns where table_schema = 'millrace'`,
  )
  assert(columns.length > 100)
  assert.deepEqual(
    forgotten(columns, ofDatabase, (table) => (table === 'messages' ? 'log' : table)),
    [],
  )
})

const flags = ['one_first', 'escalated', 'armed', 'gone', 'under_way', 'asked']
const kinds: readonly MovedRow[] = [
  { id: 1, type: 'ordered', version: 1, source: '/app' },
  { id: 2, type: 'paid', version: 2, source: '' },
]

/** What the columns of a file hold, by table and column. */
function columnsOf(): (table: MovedTable, column: string) => { readonly type: string; readonly mayBeNull: boolean } {
  const db = new DatabaseSync(':memory:')
  migrate(db, 'memory')
  createLog(db, 1)
  const text = `select m.name as "table", c.name as "column", c.type, c."notnull" = 0 and c.pk = 0 as nullable
    from sqlite_schema m, pragma_table_info(m.name) c where m.type = 'table'`
  const found = new Map(
    db
      .prepare(text)
      .all()
      .map((row) => [`${row['table']}.${row['column']}`, row]),
  )
  return (table, column) => {
    const row = found.get(`millrace_${table === 'log' ? 'log_1' : table}.${column}`)
    const isNumber = row === undefined ? ['most', 'at', 'item'].includes(column) : row['type'] === 'INTEGER'
    return { type: isNumber ? 'number' : 'text', mayBeNull: row?.['nullable'] === 1 && column !== 'mediator' }
  }
}

/** Rows of a table with something in every column, and with nothing where that may be. */
function rowsOf(table: MovedTable, columns: ReturnType<typeof columnsOf>): MovedRow[] {
  if (table === 'kinds') return [...kinds]
  if (table === 'facts') {
    return [
      ['desk', 90],
      ['flows', 91],
      ['entries', 2_000],
      ['mails', 3_000],
    ].map(([fact, value]) => ({ fact: fact!, value: value! }))
  }
  return Array.from({ length: table === 'streams' ? 2 : 7 }, (_, n) =>
    Object.fromEntries(movedTables[table].map((column: string) => [column, cellOf(column, n)])),
  )

  function cellOf(column: string, n: number): MovedValue {
    const kind = kinds[n % 2]!
    // Names of parts are plain.
    if (column === 'processor') return `p${n}`
    if (table === 'log' && column === 'position') return n < 4 ? 5 + n : n - 3
    if (column === 'stream') return n < 4 ? 1 : 2
    if (table === 'log' && column === 'kind') return kind['id']!
    if (['type', 'version', 'source'].includes(column)) return kind[column]!
    if (column === 'attributes') return n % 3 === 0 ? JSON.stringify({ source: '/there', about: '\u0001"' }) : null
    if (column === 'done' && table === 'progress') return n === 0 ? null : new Uint8Array([n, 0, 255])
    if (column === 'own_id' || flags.includes(column) || (column === 'done' && table === 'selected')) return n % 2
    const { type, mayBeNull } = columns(table, column)
    if (mayBeNull && n === 0) return null
    return type === 'number' ? n + 1 : `${table} ${column} ${n} "é\\\0\x01`
  }
}

/** Writes rows into every table of a store. */
async function fill(broker: Broker): Promise<void> {
  const columns = columnsOf()
  const target = await movesOf(broker).enter()
  for (const table of tables) await target.write(table, rowsOf(table, columns))
  await target.commit()
  await target.close()
}

/** Every table of a file, row by row. */
function dump(file: string): Record<string, unknown[]> {
  const db = new DatabaseSync(file, { readOnly: true })
  const names = db.prepare("select name from sqlite_schema where type = 'table' order by name").all()
  const all = names.map(({ name }) => [name, db.prepare(`select * from ${name}`).all()])
  db.close()
  return Object.fromEntries(all)
}

/** Without what a start writes, and the place where the data went. */
function facts({ millrace_meta: meta, ...more }: Record<string, unknown[]>): Record<string, unknown[]> {
  const ofMoment = ['clean', 'partitions', 'moved to']
  const left = (meta as { key: string }[]).filter(({ key }) => !ofMoment.includes(key))
  return { ...more, millrace_meta: left }
}

test('every row moves from a file to a database and back', needsServer, async (t) => {
  await using database = await testDatabase()
  const [first, last] = [place(t), place(t)]
  await fill(sqlite({ file: first }))
  const moved = await move(sqlite({ file: first }), postgres({ url: database.url }))
  assert.equal(moved.log, 7)
  await move(postgres({ url: database.url }), sqlite({ file: last }))
  assert.deepEqual(facts(dump(last)), facts(dump(first)))
})

test('an app with work under way goes on in a database, and in a file again', needsServer, async (t) => {
  await using database = await testDatabase()
  const [first, last] = [place(t), place(t)]
  const [file, server, other] = [sqlite({ file: first }), postgres({ url: database.url }), sqlite({ file: last })]
  const facts = new Facts()

  const inFile = shopIn(file, facts)
  await inFile.start({ control: false })
  await begin(inFile, facts, 'one')
  await assert.rejects(move(file, server), coded('millrace/in-use'))
  await inFile.stop()
  await move(file, server)
  await assert.rejects(shopIn(file, facts).start({ control: false }), coded('millrace/data-moved', /moved to postgres/))
  await assert.rejects(move(other, server), coded('millrace/no-app'))
  await assert.rejects(move(file, server), coded('millrace/target-not-empty'))

  await asAdmin(
    database.url,
    `begin; select set_config('millrace.tx', 'test', true); update millrace.timers set due = 1; commit`,
  )
  const inDatabase = shopIn(server, facts)
  await inDatabase.start({ control: false })
  await end(inDatabase, facts, 'one')
  await begin(inDatabase, facts, 'two')
  await assert.rejects(move(server, other), coded('millrace/in-use'))
  const groups = await inDatabase.desk.groups()
  assert(groups.some(({ held }) => held > 0))
  await inDatabase.stop()
  await move(server, other)
  await assert.rejects(shopIn(server, facts).start({ control: false }), coded('millrace/data-moved'))
  await assert.rejects(asAdmin(database.url, `select millrace.publish('orders', 'ordered', '{}')`), { code: 'MRM01' })

  const writer = new DatabaseSync(last)
  writer.exec('update millrace_timers set due = 1')
  writer.close()
  const again = shopIn(other, facts)
  await again.start({ control: false })
  assert.deepEqual(await again.desk.groups(), groups)
  await end(again, facts, 'two')
  await again.stop()
  assert.equal(await movesOf(file).takeBack(), server.where)
  const back = shopIn(file, facts)
  await back.start({ control: false })
  await back.stop()
})
