// Data move out of a database, and into one.
//
//   leave: the lease is taken ──who publishes is waited for, and refused──→ numbered ──read──→ marked (committed) ──→ left
//   enter: one transaction makes the schema and writes all ──commit──→ openable
//
// Where the process ends in between, the server rolls the transaction back: nothing has happened.
import { fault } from '../../model/errors.ts'
import { type Entering, type Leaving, type MovedTable, type Moves, movedTables } from '../../seam/moves.ts'
import { nodeWorld } from '../node/world.ts'
import { type Connecting, Connection, codeOf } from './connection.ts'
import { movedTo, publishedTo, setMovedTo, unsetMoved } from './moved-mark.ts'
import { MovedRows, readMoved } from './moved-rows.ts'
import { makeSchema } from './schema.ts'
import { settle } from './settle.ts'
import { one } from './statements.ts'
import { PostgresStore, type StoreParts } from './store.ts'

type Parts = Omit<StoreParts, 'world' | 'moved'>

/** Time for one statement of a move, and to wait for the transactions of others, milliseconds. */
const silentMs = 3_600_000
const lockMs = 60_000

export function postgresMoves(parts: Parts): Moves {
  const { url, where } = parts
  return {
    leave: () => leave(parts),
    enter: () => enter(url, where),
    async settle() {
      const db = await connected(url, where)
      try {
        const settled = await settle(db, begin)
        await commit(db)
        return settled
      } finally {
        await db.end()
      }
    },
    async takeBack() {
      const db = await connected(url, where)
      try {
        await begin(db)
        const to = await movedTo(db)
        if (to !== undefined) await unsetMoved(db)
        await commit(db)
        return to
      } finally {
        await db.end()
      }
    },
  }
}

const connecting = (url: string): Connecting => ({
  url,
  world: nodeWorld(() => {}),
  silentMs,
  application: 'move of Millrace',
})

/** Connects to a database that has data. @throws `millrace/no-app` where it has none */
async function connected(url: string, where: string): Promise<Connection> {
  const db = await Connection.open(connecting(url))
  const there = await one(db, `select 1 as one from pg_namespace where nspname = 'millrace'`)
  if (there !== undefined) return db
  await db.end()
  throw fault('millrace/no-app', `${where} has no data of Millrace`)
}

async function begin(db: Connection): Promise<void> {
  await db.words(`begin isolation level read committed read write; set local synchronous_commit = on;
    set local statement_timeout = 0; set local lock_timeout = ${lockMs};
    set local idle_in_transaction_session_timeout = 0; set local "millrace.tx" = 'move'`)
}

async function leave(parts: Parts): Promise<Leaving> {
  const { url, where } = parts
  const db = await connected(url, where)
  const store = new PostgresStore({ ...parts, world: nodeWorld(() => {}), moved: 'opened' })
  let clean = false
  const close = async () => {
    await db.end()
    await store.close(clean ? 'clean' : 'left')
  }
  try {
    await store.open({ same: () => false, waitMs: 0 })
    ;({ clean } = await store.leases.takeOver([]))
    await begin(db)
    await db.words(`lock table ${publishedTo.map((table) => `millrace.${table}`).join(', ')} in share mode`)
    // Any transaction of the owner numbers what others have published.
    await store.progress.clearMarks([])
  } catch (error) {
    await close()
    throw codeOf(error) === '55P03' ? lockedFault(where, error) : error
  }
  return {
    where,
    async *slices(table) {
      yield* readMoved(db, table)
      if (table === 'facts') yield [{ fact: 'clean', value: clean ? 1 : 0 }]
    },
    async mark(to) {
      await setMovedTo(db, to)
      await commit(db)
    },
    async unmark() {
      await begin(db)
      await unsetMoved(db)
      await commit(db)
    },
    close,
  }
}

async function enter(url: string, where: string): Promise<Entering> {
  const db = await Connection.open(connecting(url))
  try {
    await begin(db)
    await makeSchema(db, where)
    await checkEmpty(db, where)
  } catch (error) {
    await db.end()
    throw error
  }
  const rows = new MovedRows(db)
  return {
    where,
    write: (table, some) => rows.write(table, some),
    async commit() {
      await rows.end()
      await commit(db).catch((error: unknown) => {
        if (db.isOpen) throw error
        throw fault('millrace/sync-failed', `the connection to ${where} broke in the commit of the move`, {
          cause: error,
        })
      })
    },
    close: () => db.end(),
  }
}

async function commit(db: Connection): Promise<void> {
  const { command } = await db.words('commit')
  if (command !== 'COMMIT')
    throw db.takeFailure() ?? fault('millrace/server-away', `the move was not committed: ${command}`)
}

const lockedFault = (where: string, cause: unknown) =>
  fault('millrace/locked', `${where}: a transaction of another program publishes for longer than ${lockMs / 1_000} s`, {
    cause,
  })

/** Keeps apps from starting, and refuses a database that has data. */
async function checkEmpty(db: Connection, where: string): Promise<void> {
  const lease = await one<{ owner: string | null }>(db, 'select owner from millrace.leases where unit = 0 for update')
  if (lease?.owner !== null) throw fault('millrace/in-use', `${where} is in use by another process`)
  const tables = (Object.keys(movedTables) as MovedTable[]).flatMap((table) => tableOf[table] ?? [table])
  for (const table of tables) {
    if ((await one(db, `select 1 as one from millrace.${table} limit 1`)) === undefined) continue
    throw fault('millrace/target-not-empty', `${where} has data of Millrace already, such as in millrace.${table}`)
  }
}

/** Where rows that move have a table of another name, or none of their own. */
const tableOf: Partial<Record<MovedTable, readonly string[]>> = {
  streams: ['sources'],
  log: ['messages', 'runs', 'ids'],
  key_names: [],
  facts: [],
}
