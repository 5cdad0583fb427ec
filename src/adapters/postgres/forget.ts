import { type Beside, one } from './statements.ts'

/** The most rows that one call removes. */
const forgetRows = 1_000

export interface Old {
  readonly table: 'desk' | 'requests'
  /** Its column with the time at which a row has ended, which has an index. */
  readonly endedAt: 'resolved_at' | 'ended_at'
  readonly beforeMs: number
}

/** Removes the oldest rows that ended before a time. Returns how many. Mostly there is none: then nothing is written. */
export async function forgetOld(beside: Beside, { table, endedAt, beforeMs }: Old): Promise<number> {
  const old = (what: string, limit: number) =>
    `select ${what} from millrace.${table} where ${endedAt} < $1 order by ${endedAt} limit ${limit}`
  if ((await beside.read((db) => one(db, old('1 as one', 1), [beforeMs]))) === undefined) return 0
  const remove = `delete from millrace.${table} where id = any(array(${old('id', forgetRows)}))`
  return beside.write((db) => db.run(remove, [beforeMs]))
}
