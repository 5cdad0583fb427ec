// The plans of statements: which of them reads a table without looking into an index for what it wants.
import assert from 'node:assert/strict'
import type { Connection } from '../../src/adapters/postgres/connection.ts'
import type { SqlValue } from '../../src/adapters/postgres/statements.ts'

interface Node {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Plans?: readonly Node[]
}

/** Tables of which a database has few rows: as many as an app has parts, or people have made. */
const small = [
  ...['sources', 'kinds', 'progress', 'folded', 'leases', 'schedules', 'alerts', 'paused', 'concurrency', 'tokens'],
  ...['found_progress', 'desk_groups', 'meta', 'desk_numbers', 'flow_numbers', 'entry_numbers', 'mail_numbers'],
]
const isSmall = (name: string) => small.some((one) => name === one || name.startsWith(`${one}_`))

/** Fails where a statement reads a table that has very many rows, or none, and looks for nothing in an index. */
export async function assertNoScans(db: Connection, asked: ReadonlyMap<string, readonly SqlValue[]>): Promise<void> {
  // The planner believes in very many rows; of a table that is empty it expects some, until that is vacuumed.
  await db.words(`update pg_class set reltuples = 1000000, relpages = pg_relation_size(oid) / 8192
    where relnamespace = 'millrace'::regnamespace and relkind in ('r', 'i') and pg_relation_size(oid) > 0`)
  assert.deepEqual(await scansIn(db, asked), [], 'with full tables')
  await db.words(`set session_replication_role = replica; set enable_seqscan = off;
    do $$ declare one text; begin for one in select relname from pg_class
      where relnamespace = 'millrace'::regnamespace and relkind = 'r'
    loop execute format('truncate millrace.%I', one); end loop; end $$`)
  await db.words('vacuum analyze')
  assert.deepEqual(await scansIn(db, asked), [], 'with empty tables')
}

async function scansIn(db: Connection, asked: ReadonlyMap<string, readonly SqlValue[]>): Promise<string[]> {
  const scans: string[] = []
  for (const [text, values] of asked) {
    const [row] = await db.all<{ 'QUERY PLAN': string }>(`explain (format json) ${text}`, values)
    const [{ Plan: plan }] = JSON.parse(row!['QUERY PLAN']) as [{ Plan: Node }]
    const scan = scanIn(plan, /\blimit\b/.test(text))
    if (scan !== undefined) scans.push(`${scan}: ${text}`)
  }
  return scans
}

/** With a limit, an index that is read from its beginning needs no condition. */
function scanIn(node: Node, isLimited: boolean): string | undefined {
  const kind = node['Node Type']
  const name = node['Relation Name'] ?? node['Index Name'] ?? ''
  const isIndex = /^(Index|Index Only|Bitmap Index) Scan$/.test(kind)
  const isWhole = kind === 'Seq Scan' || (isIndex && node['Index Cond'] === undefined && !isLimited)
  if (isWhole && !isSmall(name)) return `${kind} of ${name}`
  for (const inner of node.Plans ?? []) {
    const scan = scanIn(inner, isLimited)
    if (scan !== undefined) return scan
  }
  return undefined
}
