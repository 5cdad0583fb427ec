// The state of a store twice: in SQLite and in PostgreSQL, written and read side by side. What both give must be the same.
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { nodeWorld } from '../../src/adapters/node/world.ts'
import { Connection } from '../../src/adapters/postgres/connection.ts'
import { IdTable } from '../../src/adapters/postgres/ids.ts'
import { Kinds } from '../../src/adapters/postgres/kinds.ts'
import { Log } from '../../src/adapters/postgres/log.ts'
import { ProgressTable } from '../../src/adapters/postgres/progress.ts'
import { guardAll, schemaCore } from '../../src/adapters/postgres/schema-core.ts'
import { deskSchema } from '../../src/adapters/postgres/schema-desk.ts'
import { finderSchema } from '../../src/adapters/postgres/schema-finder.ts'
import { flowsSchema } from '../../src/adapters/postgres/schema-flows.ts'
import { gathersSchema } from '../../src/adapters/postgres/schema-gathers.ts'
import { requestsSchema } from '../../src/adapters/postgres/schema-requests.ts'
import { timersSchema } from '../../src/adapters/postgres/schema-timers.ts'
import type { State } from '../../src/adapters/postgres/state.ts'
import { stateTables } from '../../src/adapters/postgres/state-tables.ts'
import type { Beside, SqlValue, Statements, Transaction } from '../../src/adapters/postgres/statements.ts'
import type { Beside as SqliteBeside } from '../../src/adapters/sqlite/beside-commits.ts'
import { inTransaction } from '../../src/adapters/sqlite/in-transaction.ts'
import { migrate } from '../../src/adapters/sqlite/schema.ts'
import { Statements as SqliteStatements } from '../../src/adapters/sqlite/statements.ts'
import { SqliteTables } from '../../src/adapters/sqlite/tables.ts'
import type { Stored } from '../../src/model/codec.ts'
import { testDatabase } from './postgres.ts'

const streams = [1, 2]

/** Positions for what the present transaction has inserted. */
const runsText = `insert into millrace.runs (stream, position, count, xid, seq_from, seq_to, bytes)
  select m.stream, coalesce((select max(position + count) from millrace.runs r where r.stream = m.stream), 1), count(*), m.xid,
    min(m.seq), max(m.seq), 0
  from millrace.messages m where m.xid = pg_current_xact_id()::text::int8 group by m.stream, m.xid`

type Asked = Map<string, readonly SqlValue[]>

interface Server {
  readonly state: State
  readonly kinds: Kinds
  readonly log: Log
  readonly ids: IdTable
  readonly read: Beside['read']
  readonly connection: Connection
  readonly asked: Asked
}

/** One transaction of both stores at a time. */
export class BothStores implements AsyncDisposable {
  readonly sqlite: SqliteTables
  readonly postgres: State
  readonly connection: Connection
  /** The statements that PostgreSQL was asked, with their last values. */
  readonly asked: Asked
  /** Reads of PostgreSQL. */
  readonly read: Beside['read']
  private readonly server: Server
  private readonly ends: (() => Promise<unknown>)[]

  private constructor(sqlite: SqliteTables, server: Server, ends: (() => Promise<unknown>)[]) {
    this.sqlite = sqlite
    this.server = server
    this.read = server.read
    this.postgres = server.state
    this.connection = server.connection
    this.asked = server.asked
    this.ends = ends
  }

  static async open(): Promise<BothStores> {
    const database = await testDatabase()
    const connecting = { url: database.url, world: nodeWorld(() => {}), silentMs: 60_000, application: 'test' }
    const [db, readers] = [await Connection.open(connecting), await Connection.open(connecting)]
    const pieces = [schemaCore, requestsSchema, timersSchema, gathersSchema, deskSchema, flowsSchema, finderSchema]
    await db.words(`begin; select set_config('millrace.tx', 'schema', true); create schema millrace; ${pieces.join('\n')};
      insert into millrace.sources (kind, name) values ${streams.map((id) => `('topic', 't${id}')`).join()}; ${guardAll}; commit`)
    const asked: Asked = new Map()
    const beside = besideOn(db, readers, asked)
    const kinds = new Kinds()
    const log = new Log(kinds, beside, new Map())
    const progress = new ProgressTable('test', beside, () => Number.MAX_SAFE_INTEGER)
    const ids = new IdTable(
      0,
      () => true,
      (at, taken) => state.timers.pending(at, taken),
    )
    const state = stateTables({ where: 'test', beside, kinds: undefined!, log: undefined!, ids, progress })
    const file = new DatabaseSync(':memory:')
    migrate(file, 'memory')
    for (const id of streams) file.prepare('insert into millrace_streams values (?, ?, ?)').run(id, 'topic', `t${id}`)
    const sql = new SqliteStatements(file)
    const sqlite = new SqliteTables(
      { file: 'memory', disk: undefined!, connection: { db: file, sql } },
      () => true,
      besideIn(file),
    )
    sqlite.log.open(streams)
    const both = new BothStores(sqlite, { state, kinds, log, ids, read: beside.read, connection: db, asked }, [
      () => db.end(),
      () => readers.end(),
      () => database.drop(),
    ])
    for (const [processor, stream] of [
      ['p', 1],
      ['q', 1],
      ['r', 2],
    ] as const) {
      await sqlite.progress.subscribe(processor, stream, 0)
      await progress.subscribe(processor, stream << 16, 0)
    }
    return both
  }

  /** A transaction of both. */
  async write<T>(sqlite: (tables: SqliteTables) => T, postgres: (state: State, db: Transaction) => Promise<unknown>) {
    const { connection } = this
    this.sqlite.db.exec('begin')
    const first = sqlite(this.sqlite)
    this.sqlite.db.exec('commit')
    const second = await transaction(connection, this.asked, (db) => postgres(this.postgres, db))
    same(second, first)
    return first
  }

  /** Appends messages to the logs of both, in one transaction. */
  async append(messages: readonly Stored[]): Promise<void> {
    const { connection, kinds, log, ids } = this.server
    this.sqlite.db.exec('begin')
    for (const message of messages) this.sqlite.log.append(message)
    this.sqlite.log.flush()
    this.sqlite.db.exec('commit')
    const theirs = messages.map((message) => onServer(message))
    await transaction(connection, this.asked, async (db) => {
      await ids.claim(
        db,
        theirs.filter(({ ownId }) => ownId),
      )
      await kinds.add(db, theirs)
      await log.append(db, theirs)
      await connection.run(runsText)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.ends) await end()
  }
}

/** Fails unless a value of PostgreSQL is that of SQLite. Streams of SQLite have other numbers. */
export function same(postgres: unknown, sqlite: unknown, what = ''): void {
  assert.deepEqual(plain(postgres), plain(sqlite), what)
}

/** What both stores number by themselves says nothing; the numbers of streams are a factor apart. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .map(([name, one]) => [
        name,
        name === 'stream' && typeof one === 'number' && one > 65_535 ? one >> 16 : plain(one),
      ]),
  )
}

/** The same with the numbers of PostgreSQL for streams. */
export function onServer<T>(value: T): T {
  if (Array.isArray(value)) return value.map(onServer) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, name === 'stream' ? (one as number) << 16 : onServer(one)]),
  ) as T
}

async function transaction<T>(connection: Connection, asked: Asked, fn: (db: Transaction) => Promise<T>): Promise<T> {
  const fns: (() => void)[] = []
  connection.words(`begin; select set_config('millrace.tx', 'test', true)`).catch(() => {})
  const db: Transaction = { ...recording(connection, asked), committed: (fn) => fns.push(fn) }
  try {
    const value = await fn(db)
    await connection.words('commit')
    for (const fn of fns) fn()
    return value
  } catch (error) {
    await connection.words('rollback').catch(() => {})
    throw error
  }
}

/** The statements of a connection, each kept with the values that it had last. */
const recording = (connection: Connection, asked: Asked): Statements => ({
  all: (text, values = []) => {
    asked.set(text, values)
    return connection.all(text, values)
  },
  run: (text, values = []) => {
    asked.set(text, values)
    return connection.run(text, values)
  },
})

function besideOn(db: Connection, readers: Connection, asked: Asked): Beside {
  const reads = recording(readers, asked)
  return {
    write: (fn) => transaction(db, asked, fn),
    async read<T>(fn: (db: Statements) => Promise<T>): Promise<T> {
      readers.words('begin isolation level repeatable read read only').catch(() => {})
      try {
        return await fn(reads)
      } finally {
        await readers.words('commit')
      }
    },
  }
}

/** What a table of SQLite writes is there at once, or not at all. */
const besideIn = (db: DatabaseSync): SqliteBeside => ({
  write: async (fn) => inTransaction(db, fn),
  sync: async () => {},
  wrote: () => {},
  durable: async (read) => read(),
})
