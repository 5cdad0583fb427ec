// What is kept under the names of parts: found at a take-over, and renamed in its transaction.
import type { StreamInfo } from '../../model/streams.ts'
import type { FoundParts, Named, Rename } from '../../seam/names.ts'
import { renameKeys } from './key-names.ts'
import { logsIn, logTable } from './log-tables.ts'
import { concurrencyOf } from './processors.ts'
import { progressRows } from './progress.ts'
import type { Statements } from './statements.ts'

export function foundParts(sql: Statements): FoundParts {
  const progress = progressRows(sql)
  const schedules = sql.all<{ schedule: string }>('select schedule from millrace_schedules')
  const made = logsIn(sql.db)
  const streams = sql.all<Omit<StreamInfo, 'head'>>(
    'select id, kind, name from millrace_streams where id in (select stream from millrace_progress)',
  )
  return {
    progress,
    streams: streams.map((stream) => ({ ...stream, ...rangeOf(sql, stream.id, made) })),
    schedules: schedules.map(({ schedule }) => schedule),
  }
}

/** The positions of a stream that are kept. */
function rangeOf(sql: Statements, stream: number, made: ReadonlySet<number>): { first: number; head: number } {
  if (!made.has(stream)) return { first: 1, head: 0 }
  const newest = `select max(position) as head from ${logTable(stream)}`
  const { head } = sql.db.prepare(newest).get() as { head: number | null }
  const oldest = `select min(position) as first from ${logTable(stream)} where position > 0`
  const { first } = sql.db.prepare(oldest).get() as { first: number | null }
  return { first: first ?? (head ?? 0) + 1, head: head ?? 0 }
}

/** Renames one. Returns whether anything was found under the old name. */
export function rename(sql: Statements, { what, from, to }: Rename): boolean {
  let found = 0
  for (const statement of statements[what]) found += sql.run(statement, to, from)
  if (found > 0 && what === 'processor') renameKeys(sql, from, to)
  return found > 0
}

const set = (table: string, column: string) => `update ${table} set ${column} = ?1 where ${column} = ?2`

/** No name has such a sign: it is free between the two. */
function swap(table: string, column: string): string[] {
  const between = "?1 || '~'"
  return [
    `update ${table} set ${column} = ${between} where ${column} = ?1 and ?2 <> ?1`,
    set(table, column),
    `update ${table} set ${column} = ?2 where ${column} = ${between}`,
  ]
}

/** In their order. Each counts what it changes. */
const statements: Readonly<Record<Named, readonly string[]>> = {
  processor: [
    // A processor that was retired may have left these under the new name.
    ...['millrace_paused', 'millrace_desk_groups'].map(
      (table) => `delete from ${table} where processor = ?1 and exists (
        select 1 from millrace_progress where processor = ?2)`,
    ),
    `delete from millrace_meta where key = '${concurrencyOf}' || ?1 and exists (
      select 1 from millrace_progress where processor = ?2)`,
    `update millrace_meta set key = '${concurrencyOf}' || ?1 where key = '${concurrencyOf}' || ?2`,
    ...['progress', 'marks', 'desk', 'desk_groups', 'paused'].map((table) => set(`millrace_${table}`, 'processor')),
    set('millrace_alerts', 'watch'),
    ...['gathers', 'gathered'].map((table) => set(`millrace_${table}`, 'gather')),
  ],
  mediator: [
    // Where both names have had a flow with one value of `oncePer`, that value is taken all the same.
    set('or ignore millrace_flows', 'mediator'),
    set('millrace_mail', 'mediator'),
    set('millrace_questions', 'mediator'),
    `update millrace_journal set what = ?1 where what = ?2 and kind in ('flow', 'continue')`,
  ],
  schedule: [set('millrace_schedules', 'schedule'), set('millrace_slots', 'schedule')],
  // The messages of a gather that was retired may still have the new name: they get the old one.
  stream: swap('millrace_streams', 'name'),
  type: ['kinds', 'ids', 'desk_groups'].flatMap((table) => swap(`millrace_${table}`, 'type')),
}
