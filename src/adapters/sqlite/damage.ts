// Checks for damage, one table after the other. Each table has a read of its own, because a long read keeps the -wal file of
// a running app from being written from its beginning again.
import type { DatabaseSync } from 'node:sqlite'
import { messageOf } from '../../model/people.ts'

export type Check = 'quick_check' | 'integrity_check'

export function tablesOf(db: DatabaseSync): string[] {
  const rows = db.prepare("select name from sqlite_schema where type = 'table'").all() as { name: string }[]
  return rows.map(({ name }) => name)
}

/** Checks a table. @returns each finding as a line of its own; empty for a sound table */
export function damageOf(db: DatabaseSync, table: string, check: Check): string[] {
  return look(table, () => {
    const rows = db.prepare(`pragma ${check}(${quoted(table)})`).all() as Record<Check, string>[]
    return rows.flatMap((row) => linesOf(row[check]))
  })
}

/** Reads the newest rows of a log: an unclean stop can have hurt only these. */
export function damageOfNewest(db: DatabaseSync, log: string, rows: number): string[] {
  const newest = `select data from ${quoted(log)} order by position desc limit ?`
  return look(log, () => {
    db.prepare(`select sum(length(data)) from (${newest})`).get(rows)
    return []
  })
}

function look(table: string, find: () => string[]): string[] {
  try {
    return find().map((line) => `${table}: ${line}`)
  } catch (error) {
    return [`${table}: ${messageOf(error)}`]
  }
}

/** SQLite puts its findings in one tree into one row of many lines, below a headline. */
function linesOf(answer: string): string[] {
  return answer.split('\n').filter((line) => line !== 'ok' && line !== '' && !line.startsWith('*** in database '))
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
