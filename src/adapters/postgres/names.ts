// What is kept under the names of parts, and renamed in the transaction of a take-over. A rename reads whole tables: it is
// done once, before the app runs.
import type { Named, Rename } from '../../seam/names.ts'
import { renameKeys } from './key-names.ts'
import type { NameWrites } from './state.ts'
import type { Transaction } from './statements.ts'

export const nameWrites: NameWrites = {
  async schedules(db) {
    const rows = await db.all<{ schedule: string }>('select schedule from millrace.schedules order by schedule')
    return rows.map(({ schedule }) => schedule)
  },
  rename,
}

/** Renames one. Returns whether anything was found under the old name. */
async function rename(db: Transaction, { what, from, to }: Rename): Promise<boolean> {
  let found = 0
  for (const statement of statements[what]) found += await db.run(statement, [to, from])
  if (found > 0 && what === 'processor') await renameKeys(db, from, to)
  return found > 0
}

const set = (table: string, column: string) => `update millrace.${table} set ${column} = $1 where ${column} = $2`

/** No name has such a sign: it is free between the two. */
function swap(table: string, column: string): string[] {
  const between = "$1::text || '~'"
  return [
    `update millrace.${table} set ${column} = ${between} where ${column} = $1 and $2::text <> $1`,
    set(table, column),
    `update millrace.${table} set ${column} = $2 where ${column} = ${between}`,
  ]
}

/** In their order. Each counts what it changes. */
const statements: Readonly<Record<Named, readonly string[]>> = {
  processor: [
    // A processor that was retired may have left these under the new name.
    ...['paused', 'desk_groups', 'concurrency'].map(
      (table) => `delete from millrace.${table} where processor = $1
        and exists (select 1 from millrace.progress where processor = $2)`,
    ),
    ...['progress', 'marks', 'desk', 'desk_groups', 'paused', 'concurrency'].map((table) => set(table, 'processor')),
    set('alerts', 'watch'),
    ...['gathers', 'gathered'].map((table) => set(table, 'gather')),
  ],
  mediator: [
    // Where both names have had a flow with one value of `oncePer`, that value is taken all the same.
    `${set('flows', 'mediator')} and not exists (
      select 1 from millrace.flows o where o.mediator = $1 and o.once = flows.once)`,
    set('mail', 'mediator'),
    set('questions', 'mediator'),
    `update millrace.journal set what = $1 where what = $2 and kind in ('flow', 'continue')`,
  ],
  schedule: [set('schedules', 'schedule'), set('slots', 'schedule')],
  // The messages of a gather that was retired may still have the new name: they get the old one.
  stream: swap('sources', 'name'),
  type: ['kinds', 'ids', 'desk_groups', 'desk', 'timers'].flatMap((table) => swap(table, 'type')),
}
