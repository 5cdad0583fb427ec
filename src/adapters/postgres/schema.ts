// The schema `millrace` and its formats.
//
//   nothing ──create──→ the newest format ←──steps, each additive── an older one        a newer one: refused, unless it
//                                                                                       says that this version can read it
//
// Twenty processes may start at once: one makes it, under a lock of the database; the others find it. A step waits for
// nobody longer than 100 ms, and tries again: behind a step that waits for a long transaction, all publishers would wait.
import { fault } from '../../model/errors.ts'
import type { World } from '../../seam/world.ts'
import { awayFault, type Connection, codeOf, shownUrl, textOf } from './connection.ts'
import { guardAll, schemaCore } from './schema-core.ts'
import { deskSchema } from './schema-desk.ts'
import { finderSchema } from './schema-finder.ts'
import { flowsSchema } from './schema-flows.ts'
import { gathersSchema } from './schema-gathers.ts'
import { schemaPublish } from './schema-publish.ts'
import { requestsSchema } from './schema-requests.ts'
import { timersSchema } from './schema-timers.ts'

/** The pieces of the first format, in their order: each facet has its own. */
const pieces: readonly string[] = [
  schemaCore,
  schemaPublish,
  requestsSchema,
  timersSchema,
  gathersSchema,
  deskSchema,
  flowsSchema,
  finderSchema,
]

/** Each entry brings the schema from the format of its index to the next. Entries are never changed, only added. */
const steps: readonly string[] = [pieces.join('\n')]

/** The format that this version writes. */
export const formatKnown: number = steps.length
/** The oldest format that a version must know to work on what this version writes. */
const readableFrom = 1
const partitions = 1
const oldestServer = 140_000

const lockKey = 7_165_392_001
const lockMs = 100

/** The whole schema, for who creates it by hand. */
export function schemaText(): string {
  return scriptFrom(0)
}

const wordsText = (text: string) => text.replaceAll("'", "''")

function scriptFrom(format: number): string {
  const create = format === 0 ? 'create schema if not exists millrace;\n' : ''
  const meta = format === 0 ? metaText() : ''
  const set = `insert into millrace.meta values ('format', '${formatKnown}'), ('readable_from', '${readableFrom}')
  on conflict (key) do update set value = excluded.value;\n`
  return `select set_config('millrace.tx', 'schema', true);\n${create}${steps.slice(format).join('\n')}${meta}${set}${guardAll}`
}

const metaText = () => `insert into millrace.meta values
  ('partitions', '${partitions}'), ('offset', '0'), ('settings', '0') on conflict do nothing;\n`

/** What is known of a database when it is open. */
export interface Identity {
  /** Added to the number of a transaction. */
  readonly offset: number
  /** The server, with the time of its start: what is in memory is of this life of it. */
  readonly server: string
  /** How commits are made durable: what the server asks for, where that is stricter than `on`. */
  readonly durability: 'on' | 'remote_apply'
}

interface Server {
  readonly version: number
  readonly encoding: string
  readonly replica: boolean
  readonly durability: string
}

const serverText = `select current_setting('server_version_num')::int4 as version, getdatabaseencoding() as encoding,
  pg_is_in_recovery() as replica, current_setting('synchronous_commit') as durability`

/**
 * Looks at a database, creates the schema in it, or brings it to the format of this version.
 *
 * @throws `millrace/cannot-open`, `millrace/newer-file`, `millrace/moved-database`, `millrace/locked`
 */
export async function openSchema(db: Connection, where: string, world: World, waitMs: number): Promise<Identity> {
  const [server] = await db.all<Server>(serverText)
  checkServer(server!, where)
  if ((await formatIn(db, where)) < formatKnown) await migrate(db, where, world, waitMs)
  return identify(db, where, server!)
}

/**
 * Makes the schema, or brings it up to date, in the transaction that is open. Errors: as of `openSchema`.
 *
 * @returns the format that was there; 0 where there was none
 */
export async function makeSchema(db: Connection, where: string): Promise<number> {
  const [server] = await db.all<Server>(serverText)
  checkServer(server!, where)
  await db.words(`select pg_advisory_xact_lock(${lockKey})`)
  const format = await formatIn(db, where)
  if (format < formatKnown) await db.words(scriptFrom(format))
  return format
}

function checkServer({ version, encoding, replica }: Server, where: string): void {
  const why = (text: string) => fault('millrace/cannot-open', `${where} ${text}`)
  if (version < oldestServer) {
    throw why(`is PostgreSQL ${Math.floor(version / 10_000)}, and Millrace needs 14 or later`)
  }
  if (encoding !== 'UTF8') throw why(`has the encoding ${encoding}, and Millrace needs UTF8`)
  if (replica) throw why('is a replica, which takes no writes: name the primary')
}

/** The format of the schema; 0 where there is none. */
async function formatIn(db: Connection, where: string): Promise<number> {
  // Not by `to_regclass`, which remembers that there was no schema.
  const [there] = await db.all<{ there: boolean }>(`select exists (select 1 from pg_class c
    join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'millrace' and c.relname = 'meta') as there`)
  if (!there!.there) return 0
  const text = "select key, value from millrace.meta where key in ('format', 'readable_from')"
  const rows = await db.all<{ key: string; value: string }>(text)
  const numberOf = (key: string) => Number(rows.find((row) => row.key === key)?.value ?? 0)
  const format = numberOf('format')
  if (format > formatKnown && numberOf('readable_from') > formatKnown) {
    throw fault('millrace/newer-file', `${where} has format ${format}, this version knows up to ${formatKnown}`)
  }
  return format
}

async function migrate(db: Connection, where: string, world: World, waitMs: number): Promise<void> {
  const begun = world.elapsed()
  for (;;) {
    try {
      await db.words(
        `begin isolation level read committed read write; set local synchronous_commit = on;
         set local statement_timeout = 0; set local lock_timeout = ${lockMs}; select pg_advisory_xact_lock(${lockKey})`,
      )
      const format = await formatIn(db, where)
      if (format < formatKnown) await db.words(scriptFrom(format))
      const { command } = await db.words('commit')
      if (command !== 'COMMIT') throw awayFault(`the schema was not committed: ${command}`)
      return
    } catch (error) {
      if (!db.isOpen) throw error
      await db.words('rollback').catch(() => {})
      db.takeFailure()
      if (codeOf(error) !== '55P03') throw schemaFault(where, error)
      if (world.elapsed() - begun > waitMs) {
        const text = `${where}: a transaction of another program keeps the schema from being brought up to date`
        throw fault('millrace/locked', text, { cause: error })
      }
    }
    await new Promise<void>((resolve) => void world.after(20 + world.random() * 100, resolve, { awake: true }))
  }
}

const schemaFault = (where: string, error: unknown) =>
  codeOf(error) === undefined
    ? error
    : fault('millrace/cannot-open', `${where}: the schema cannot be made: ${textOf(error)}`, { cause: error })

/** The cluster, where its name can be read. A clone has the same, so a snapshot that lies ahead is looked at too. */
async function clusterOf(db: Connection): Promise<string> {
  try {
    const [row] = await db.all<{ id: string }>('select system_identifier::text as id from pg_control_system()')
    return row!.id
  } catch {
    db.takeFailure()
    return ''
  }
}

/** What a database says of itself. */
export interface Found {
  readonly server: string
  readonly offset: number
  /** The cluster that it is on, and the one that it was written on; empty where that is not known. */
  readonly cluster: string
  readonly before: string
  /** Why no app may start on it: its numbers of transactions are those of another cluster. */
  readonly moved: string | undefined
}

export async function foundIn(db: Connection): Promise<Found> {
  const cluster = await clusterOf(db)
  const text = `select millrace.server() as server, (select value from millrace.meta where key = 'offset')::int8 as "offset",
    coalesce((select value from millrace.meta where key = 'cluster'), '') as before,
    (select max(pg_snapshot_xmax(snapshot::pg_snapshot)::text::int8) from (
       select snapshot from millrace.folded
       union all (select snapshot from millrace.commits where unit = 0 order by n desc limit 1)
     ) s) <= pg_snapshot_xmax(pg_current_snapshot())::text::int8 as behind`
  interface Row extends Pick<Found, 'server' | 'offset' | 'before'> {
    readonly behind: boolean
  }
  const [row] = await db.all<Row>(text)
  const { server, offset, before, behind } = row!
  const another = cluster !== '' && before !== '' && before !== cluster
  const ahead = behind ? undefined : 'has seen transactions that this cluster has not had'
  return { server, offset, cluster, before, moved: another ? 'was written on another cluster' : ahead }
}

async function identify(db: Connection, where: string, asked: Server): Promise<Identity> {
  const { server, offset, cluster, before, moved } = await foundIn(db)
  if (moved !== undefined) throw fault('millrace/moved-database', `${where} ${moved}`)
  if (before === '' && cluster !== '') {
    await db.words(`begin; select set_config('millrace.tx', 'open', true);
      insert into millrace.meta values ('cluster', '${wordsText(cluster)}') on conflict do nothing; commit`)
  }
  return { offset, server, durability: asked.durability === 'remote_apply' ? 'remote_apply' : 'on' }
}

export const placeOf = (url: string): string => shownUrl(url)
