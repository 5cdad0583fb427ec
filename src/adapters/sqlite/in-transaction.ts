import type { DatabaseSync } from 'node:sqlite'

/** Runs a function in a transaction; one that throws leaves nothing. */
export function inTransaction<T>(db: DatabaseSync, fn: () => T): T {
  db.exec('begin immediate')
  try {
    const value = fn()
    db.exec('commit')
    return value
  } catch (error) {
    if (db.isTransaction) db.exec('rollback')
    throw error
  }
}
