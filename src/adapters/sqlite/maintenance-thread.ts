// The thread that does what may take long beside the work under way: checkpoints and looking for damage.
import { DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import type { ThreadData } from '../node/thread.ts'
import { damageOf, damageOfNewest, tablesOf } from './damage.ts'

/** What the thread is asked: `check` names a table, so that checkpoints have their turn between two of them. */
export type Ask = 'checkpoint' | 'tables' | { readonly check: string }

const { file, port } = workerData as ThreadData<{ file: string }>
const db = new DatabaseSync(file, { timeout: 5_000 })
db.exec('pragma synchronous=normal; pragma wal_autocheckpoint=0')
const newestRows = 10_000

function checkpoint(): boolean {
  const { busy, log, checkpointed } = db.prepare('pragma wal_checkpoint(passive)').get() as Record<string, number>
  return busy === 0 && log === checkpointed
}

/** Of a log only its newest messages: the others are older than any unclean stop. */
function check(table: string): string[] {
  if (table.startsWith('millrace_log_')) return damageOfNewest(db, table, newestRows)
  return damageOf(db, table, 'quick_check')
}

function answer(ask: Ask): unknown {
  if (ask === 'checkpoint') return checkpoint()
  return ask === 'tables' ? tablesOf(db) : check(ask.check)
}

port.on('message', (ask: Ask | 'close') => {
  if (ask === 'close') {
    db.close()
    port.close()
    return
  }
  try {
    port.postMessage({ value: answer(ask) })
  } catch (error) {
    port.postMessage({ error: String(error) })
  }
})
