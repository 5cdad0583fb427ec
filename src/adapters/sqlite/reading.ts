import { statSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { DatabaseSync } from '../node/sqlite.ts'

/**
 * Opens a database so that reading it changes nothing, not even beside it where that can be avoided. `running` says
 * that a process has it.
 */
export function openReading(file: string, running: boolean, timeout = 5_000): DatabaseSync {
  const wal = statSync(`${file}-wal`, { throwIfNoEntry: false })
  if (running || (wal !== undefined && wal.size > 0)) return new DatabaseSync(file, { readOnly: true, timeout })
  // All is in the one file. Opened in the usual way, it would leave a -wal and a -shm beside it.
  const url = pathToFileURL(file)
  url.search = 'immutable=1'
  return new DatabaseSync(url, { readOnly: true })
}
