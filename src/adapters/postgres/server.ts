// The connections of a store, and what is known of the server when they are made.
import { fault, type MillraceError } from '../../model/errors.ts'
import type { World } from '../../seam/world.ts'
import { type Connecting, Connection } from './connection.ts'
import { Readers, Turns } from './connections.ts'
import { checkNotMoved } from './moved-mark.ts'
import { enter, type Process, remove, thisProcess } from './processes.ts'
import { type Identity, openSchema } from './schema.ts'
import type { Statements } from './statements.ts'
import { type Beginning, OpenTransaction, Unanswered } from './transaction.ts'

export interface ServerLimits {
  readonly leaseMs: number
  readonly commitMs: number
}

export interface ServerParts {
  readonly url: string
  /** For people. */
  readonly where: string
  readonly world: World
  readonly limits: ServerLimits
  /** The version of Millrace. */
  readonly code: string
  /** Whether a database is opened whose data have moved elsewhere. Default: refused. */
  readonly moved?: 'refused' | 'opened' | undefined
}

/** Small transactions that belong to no commit. */
export interface Side {
  transact<T>(work: (db: OpenTransaction) => Promise<T>): Promise<T>
}

export interface Opened {
  readonly identity: Identity
  readonly process: Process
  readonly writer: Turns
  readonly readers: Readers
  readonly side: Side
  readonly beginning: Beginning
  /** One transaction of a take-over. */
  takeOver<T>(work: (db: OpenTransaction) => Promise<T>): Promise<T>
  end(): Promise<void>
}

/** Time to wait for the schema, behind other starts and long transactions, milliseconds. */
const schemaMs = 30_000

/** What decides about the statements of an opening, whatever the defaults of the role are: its connection ends after it. */
const openText = `set statement_timeout = ${schemaMs}; set lock_timeout = 0; set default_transaction_read_only = off;
  set default_transaction_isolation = 'read committed'; set idle_in_transaction_session_timeout = ${schemaMs}`

/** Connects, creates what is missing, and enters this process. */
export async function openServer(parts: ServerParts): Promise<Opened> {
  const { url, where, world, limits, code, moved = 'refused' } = parts
  const { leaseMs, commitMs } = limits
  const id = world.newId()
  const connecting: Connecting = { url, world, silentMs: commitMs + leaseMs, application: `millrace ${id}` }
  const first = await Connection.open(connecting)
  let identity: Identity
  try {
    await first.words(openText)
    identity = await openSchema(first, where, world, schemaMs)
    if (moved === 'refused') await checkNotMoved(first, where)
  } finally {
    await first.end()
  }
  const beginning: Beginning = {
    durability: identity.durability,
    lockMs: commitMs,
    statementMs: commitMs,
    idleMs: leaseMs,
  }
  const writer = new Turns(connecting)
  const readers = new Readers(connecting)
  const beside = new Turns(connecting)
  const transactOn =
    (turns: Turns) =>
    <T>(work: (db: OpenTransaction) => Promise<T>): Promise<T> =>
      turns.use((connection) => transaction(new OpenTransaction(connection, id, beginning), work, where))
  const side: Side = { transact: transactOn(beside) }
  const process = thisProcess(id, world.now())
  await side.transact((db) => enter(db, process, code))
  return {
    identity,
    process,
    writer,
    readers,
    side,
    beginning,
    takeOver: transactOn(writer),
    async end() {
      await side.transact((db: Statements) => remove(db, [id])).catch(() => {})
      await Promise.all([writer.end(where), readers.end(where), beside.end(where)])
    },
  }
}

/** One transaction, whose outcome is what the server says. */
async function transaction<T>(
  db: OpenTransaction,
  work: (db: OpenTransaction) => Promise<T>,
  where: string,
): Promise<T> {
  let value: T
  try {
    value = await work(db)
  } catch (error) {
    await db.rollBack()
    throw error
  }
  await db.commit().catch((error: unknown) => {
    throw error instanceof Unanswered ? unknown(where, error.cause) : error
  })
  return value
}

const unknown = (where: string, cause: unknown): MillraceError =>
  fault('millrace/server-away', `the connection to ${where} broke`, { cause })
