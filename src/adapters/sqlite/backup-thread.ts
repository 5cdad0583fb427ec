// The thread that copies a database, one for each copy: it may take long, and checkpoints must not wait for it.
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { backup } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import type { ThreadData } from '../node/thread.ts'
import { openReading } from './reading.ts'

const { file, to, running, port } = workerData as ThreadData<{ file: string; to: string; running: boolean }>
/** Small steps: each takes a turn in the thread pool, which others use too. */
const pagesPerStep = 256

const db = openReading(file, running)
try {
  // What is copied is what this transaction sees, however many commits come meanwhile.
  db.exec('begin')
  db.prepare('select count(*) from sqlite_schema').get()
  await backup(db, to, { rate: pagesPerStep })
  const copy = openSync(to, 'r+')
  fsyncSync(copy)
  closeSync(copy)
  port.postMessage({})
} catch (error) {
  port.postMessage({ error: error instanceof Error ? error.message : String(error) })
} finally {
  db.close()
}
