// The thread that copies a database. Each copy has its own: it may take long, and checkpoints must not wait for it.
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import type { ThreadData } from '../node/thread.ts'
import type { CopyWork } from './copy-work.ts'
import { acceptAlone, markAlone } from './missing-wal.ts'
import { openReading } from './reading.ts'

const { file, to, app, mark, port } = workerData as ThreadData<CopyWork>
/** Small steps: each takes a turn in the thread pool, which others use too. */
const pagesPerStep = 256

let aborted = false
// The thread gets one kind of message only: to abort.
port.on('message', () => {
  aborted = true
})

/** Marks the copy as whole: its start finds a clean stop, although the app of the original may run. */
function markCopy(): void {
  const copy = new DatabaseSync(to)
  try {
    copy.exec('pragma synchronous=full; begin immediate')
    if (mark === 'alone') markAlone(copy)
    if (mark === 'accepted') acceptAlone(copy)
    copy.exec("insert or replace into millrace_meta values ('clean', 1); commit")
  } finally {
    copy.close()
  }
}

function sync(): void {
  const copy = openSync(to, 'r+')
  try {
    fsyncSync(copy)
  } finally {
    closeSync(copy)
  }
}

const db = openReading(file, app)
try {
  // The copy holds what this transaction sees; commits that come while it is made are not in it.
  db.exec('begin')
  db.prepare('select count(*) from sqlite_schema').get()
  const progress = () => {
    if (aborted) throw new Error('it was aborted')
  }
  await backup(db, to, { rate: pagesPerStep, progress })
  if (mark !== 'none') markCopy()
  sync()
  port.postMessage({})
} catch (error) {
  port.postMessage({ error: error instanceof Error ? error.message : String(error) })
} finally {
  db.close()
  port.close()
}
