import { statSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import type { AppState } from '../../seam/offline.ts'
import { DatabaseSync } from '../node/sqlite.ts'

/** Opens a database for reading. It changes nothing in the file, and where it can nothing beside it. */
export function openReading(file: string, app: AppState, timeoutMs = 5_000): DatabaseSync {
  const wal = statSync(`${file}-wal`, { throwIfNoEntry: false })
  if (app === 'running' || (wal !== undefined && wal.size > 0))
    return new DatabaseSync(file, { readOnly: true, timeout: timeoutMs })
  // Everything is in the one file. Opened in the usual way, SQLite would leave a -wal and a -shm beside it.
  const url = pathToFileURL(file)
  url.search = 'immutable=1'
  return new DatabaseSync(url, { readOnly: true })
}
