// The tables of the streams of messages.
import type { DatabaseSync } from 'node:sqlite'

export const logTable = (stream: number | ''): string => `millrace_log_${stream}`

/** The streams that have a table: the others have no message yet. */
export function logsIn(db: DatabaseSync): Set<number> {
  const tables = db.prepare("select name from sqlite_schema where type = 'table' and name glob 'millrace_log_*'").all()
  return new Set(tables.map(({ name }) => Number(String(name).slice(logTable('').length))))
}
