// Files that are looked at before, or without, an app that opens them: each failure is an error of Millrace, with the reason.
import { existsSync, realpathSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { fault } from '../../model/errors.ts'
import type { AppState } from '../../seam/offline.ts'
import { openFault } from './errors.ts'
import type { Foreign } from './file-kind.ts'
import { checkLinks, checkPlace, whyNotSeen } from './file-place.ts'
import { nodeDatabase } from './owner.ts'
import { openReading } from './reading.ts'
import { isRestoring } from './restore.ts'
import { formatKnown, formatOf } from './schema.ts'
import { checkWal } from './wal.ts'

/** Resolves the links that lead to a file: its owner and its -wal lie beside the real one. */
export function realFile(named: string): string {
  return existsSync(named) ? realpathSync(named) : named
}

/**
 * Opens a file for reading; `use` closes it. The -wal is read through `fs` only while no app has the file: where an app
 * of this process does, closing the descriptor drops its locks.
 *
 * @param formatMin the oldest format that `use` can read
 */
export function openChecked<T>(path: string, app: AppState, use: (db: DatabaseSync) => T, formatMin = formatKnown): T {
  if (isRestoring(path)) throw fault('millrace/restore-unfinished', `a restore of ${path} was cut off`)
  if (!existsSync(path)) throw whyNotSeen(path) ?? fault('millrace/no-app', `there is no file ${path}`)
  let db: DatabaseSync | undefined
  try {
    if (app === 'stopped') checkWal(path)
    db = openReading(path, app)
    const format = formatOf(db, path)
    if (format === 0) throw fault('millrace/foreign-file', `${path} is empty: no app has used it yet`)
    if (format < formatMin) {
      throw fault(
        'millrace/cannot-open',
        `${path} has format ${format}; start its app once to bring it to ${formatKnown}`,
      )
    }
    return use(db)
  } catch (error) {
    if (db?.isOpen) db.close()
    throw openFault(path, error)
  }
}

/** Refuses a place or a file that an app cannot use, before anything is touched. */
export function checkFile(file: string, foreign: Foreign): void {
  checkPlace(file)
  checkLinks(file)
  checkWal(file)
  if (!existsSync(file)) return
  // Read before it is opened for writing: another program's database stays as it is, and so do the files beside it.
  const isTorn = foreign === 'taken up' && existsSync(`${file}-journal`)
  // Only a connection that may write takes back what another program has left in the middle of a transaction.
  const db = isTorn ? nodeDatabase(file, { timeout: 0 }) : openReading(file, 'stopped', 0)
  try {
    formatOf(db, file, foreign)
  } finally {
    db.close()
  }
}
