// The thread for long work: checkpoints and checks for damage.
import { DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import type { ThreadData } from '../node/thread.ts'
import { damageOf, damageOfNewest, tablesOf } from './damage.ts'
import type { OpenFile } from './disk.ts'
import type { Ask } from './maintenance.ts'
import { misplaced } from './open-files.ts'

const { file, files, port } = workerData as ThreadData<{ file: string; files: OpenFile[] }>
let db: DatabaseSync | undefined
const newestRows = 10_000

/** Opens the file by its name. The caller looks before and after whether it is the same file. */
function open(): DatabaseSync {
  const opened = new DatabaseSync(file, { timeout: 5_000 })
  opened.exec('pragma synchronous=normal; pragma wal_autocheckpoint=0')
  return opened
}

function checkpoint(db: DatabaseSync): boolean {
  const { busy, log, checkpointed } = db.prepare('pragma wal_checkpoint(passive)').get() as Record<string, number>
  return busy === 0 && log === checkpointed
}

/** Checks a table; of a log only its newest messages, because the others are older than the last stop. */
function check(db: DatabaseSync, table: string): string[] {
  if (table.startsWith('millrace_log_')) return damageOfNewest(db, table, newestRows)
  return damageOf(db, table, 'quick_check')
}

function answer(db: DatabaseSync, ask: Ask): unknown {
  if (ask === 'checkpoint') return checkpoint(db)
  return ask === 'tables' ? tablesOf(db) : check(db, ask.check)
}

port.on('message', (ask: Ask | 'close') => {
  if (ask === 'close') {
    db?.close()
    port.close()
    return
  }
  try {
    let why = misplaced(files)
    if (why === undefined && db === undefined) {
      const opened = open()
      why = misplaced(files)
      if (why === undefined) db = opened
    }
    if (why !== undefined) port.postMessage({ misplaced: why })
    else port.postMessage({ value: answer(db!, ask) })
  } catch (error) {
    port.postMessage({ error: String(error) })
  }
})
