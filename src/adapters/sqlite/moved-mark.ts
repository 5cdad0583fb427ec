// A row of `millrace_meta` says where the data of a file went. No app starts on such a file by accident: it would handle
// all messages a second time.
import type { DatabaseSync } from 'node:sqlite'
import { movedFault } from '../shared/moved-fault.ts'

const key = 'moved to'

export function movedTo(db: DatabaseSync): string | undefined {
  const row = db.prepare('select value from millrace_meta where key = ?').get(key)
  return row?.['value'] as string | undefined
}

/** Writes where the data went; undefined takes that back. @returns what was there before */
export function setMovedTo(db: DatabaseSync, to: string | undefined): string | undefined {
  const before = movedTo(db)
  if (to === undefined) db.prepare('delete from millrace_meta where key = ?').run(key)
  else db.prepare('insert or replace into millrace_meta values (?, ?)').run(key, to)
  return before
}

/** @throws `millrace/data-moved` */
export function checkNotMoved(db: DatabaseSync, file: string): void {
  const to = movedTo(db)
  if (to !== undefined) throw movedFault(file, to)
}
