// The thread that does what may take long beside the work under way: checkpoints and looking for damage.
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

const { file } = workerData as { file: string }
const db = new DatabaseSync(file, { timeout: 5_000 })
db.exec('pragma synchronous=normal; pragma wal_autocheckpoint=0')
const newestRows = 10_000

function checkpoint(): boolean {
  const { busy, log, checkpointed } = db.prepare('pragma wal_checkpoint(passive)').get() as Record<string, number>
  return busy === 0 && log === checkpointed
}

/**
 * Looks at each table in a read of its own, so that no long read keeps the -wal file from being used anew; of a log
 * only at its newest messages, which are what an unclean stop could have hurt.
 */
function quickCheck(): string[] {
  const tables = db.prepare("select name from sqlite_schema where type = 'table'").all() as { name: string }[]
  const found: string[] = []
  for (const { name } of tables) {
    const quoted = `"${name.replaceAll('"', '""')}"`
    try {
      if (name.startsWith('millrace_log_')) {
        db.prepare(`select sum(length(data)) from (select data from ${quoted} order by position desc limit ?)`).get(
          newestRows,
        )
      } else {
        const rows = db.prepare(`pragma quick_check(${quoted})`).all() as { quick_check: string }[]
        for (const row of rows) if (row.quick_check !== 'ok') found.push(`${name}: ${row.quick_check}`)
      }
    } catch (error) {
      found.push(`${name}: ${String(error)}`)
    }
  }
  return found
}

parentPort!.on('message', (ask: 'checkpoint' | 'quickCheck' | 'close') => {
  if (ask === 'close') {
    db.close()
    parentPort!.close()
    return
  }
  try {
    parentPort!.postMessage({ value: ask === 'checkpoint' ? checkpoint() : quickCheck() })
  } catch (error) {
    parentPort!.postMessage({ error: String(error) })
  }
})
