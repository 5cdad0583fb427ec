// A file whose last stop was unclean belongs with its -wal, which has its newest messages. Without a -wal it may be
// whole (a copy that SQLite made) or a part of a copy; the two look the same. A start without the -wal marks the file, and
// the mark stays until a person accepts the file.
//
//   clean ──start──→ unclean ──stop──→ clean        the copies that Millrace makes are clean
//                       └──the -wal is gone, start──→ marked ──accepted──→ clean
import { existsSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { fault, type MillraceError } from '../../model/errors.ts'
import { logsIn, logTable } from './log-tables.ts'
import { openReading } from './reading.ts'

/** Its row in `millrace_meta` has the time of the newest message, milliseconds since 1970, or 0. */
const key = 'copy_without_wal'

/**
 * Tells whether a file that no process has open was left by an unclean stop and has no -wal file. Call it before SQLite
 * opens the file for writing, because that makes one. An empty -wal is a -wal: a checkpoint leaves it empty.
 */
export function isAlone(file: string): boolean {
  if (!existsSync(file) || existsSync(`${file}-wal`)) return false
  const db = openReading(file, 'stopped')
  try {
    return isUnclean(db)
  } finally {
    db.close()
  }
}

function isUnclean(db: DatabaseSync): boolean {
  // A new file has no tables yet.
  const has = db.prepare("select 1 from sqlite_schema where name = 'millrace_meta'").get()
  if (has === undefined) return false
  const clean = db.prepare("select value from millrace_meta where key = 'clean'").get()
  return clean?.['value'] === 0
}

/** Marks the file; a mark that is there stays. */
export function markAlone(db: DatabaseSync): void {
  db.prepare('insert or ignore into millrace_meta values (?, ?)').run(key, newestTime(db))
}

/** Removes the mark. @returns whether there was one */
export function acceptAlone(db: DatabaseSync): boolean {
  return db.prepare('delete from millrace_meta where key = ?').run(key).changes > 0
}

/** The time of the newest message of a file that is marked; 0 where it has none, undefined where it is not marked. */
export function markedAlone(db: DatabaseSync): number | undefined {
  const row = db.prepare('select value from millrace_meta where key = ?').get(key) as { value: number } | undefined
  return row?.value
}

/** As `markedAlone`, and also of a file that its next start will mark. */
export function aloneSince(db: DatabaseSync, file: string): number | undefined {
  return markedAlone(db) ?? (isUnclean(db) && !existsSync(`${file}-wal`) ? newestTime(db) : undefined)
}

/** When the newest message of all logs came, milliseconds since 1970; 0 where there is none. */
export function newestTime(db: DatabaseSync): number {
  let newest = 0
  for (const id of logsIn(db)) {
    const table = logTable(id)
    const last = db.prepare(`select time from ${table} where position = (select max(position) from ${table})`).get()
    newest = Math.max(newest, (last?.['time'] as number | undefined) ?? 0)
  }
  return newest
}

export function aloneFault(file: string, newest: number): MillraceError {
  const has = newest === 0 ? 'it has no messages' : `its newest message is of ${new Date(newest).toISOString()}`
  const text = `${file} had no -wal file after an unclean stop: it may be a copy that lacks its newest messages; ${has}`
  return fault('millrace/copy-without-wal', text)
}
