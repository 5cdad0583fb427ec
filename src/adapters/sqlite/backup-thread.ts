// The thread that copies a database, one for each copy: it may take long, and checkpoints must not wait for it.
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import type { ThreadData } from '../node/thread.ts'
import { acceptAlone, markAlone } from './alone.ts'
import type { CopyWork } from './copy.ts'
import { openReading } from './reading.ts'

const { file, to, running, mark, port } = workerData as ThreadData<CopyWork>
/** Small steps: each takes a turn in the thread pool, which others use too. */
const pagesPerStep = 256

let aborted = false
// The only thing that is ever said to it.
port.on('message', () => {
  aborted = true
})

/** Whole, whatever the process that has the original was doing: a start of the copy finds a clean stop. */
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

const db = openReading(file, running)
try {
  // What is copied is what this transaction sees, however many commits come meanwhile.
  db.exec('begin')
  db.prepare('select count(*) from sqlite_schema').get()
  const progress = () => {
    if (aborted) throw new Error('it was aborted')
  }
  await backup(db, to, { rate: pagesPerStep, progress })
  markCopy()
  sync()
  port.postMessage({})
} catch (error) {
  port.postMessage({ error: error instanceof Error ? error.message : String(error) })
} finally {
  db.close()
  port.close()
}
