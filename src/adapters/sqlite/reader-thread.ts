// The thread of the reader: it looks through the log on a connection that only reads.
import { DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import type { ThreadData } from '../node/thread.ts'
import type { OpenFile, ReadAsk } from './disk.ts'
import { MessageTable } from './message-table.ts'
import { misplaced } from './open-files.ts'

const { file, files, port } = workerData as ThreadData<{ file: string; files: OpenFile[] }>
let db: DatabaseSync | undefined

/** Opens the file by its name; looks before and after whether it is the same file. */
function open(): string | undefined {
  const why = misplaced(files)
  if (why !== undefined || db !== undefined) return why
  const opened = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
  opened.exec('pragma cache_size=-4096')
  const replaced = misplaced(files)
  if (replaced === undefined) db = opened
  else opened.close()
  return replaced
}

port.on('message', (ask: ReadAsk | 'close') => {
  if (ask === 'close') {
    db?.close()
    port.close()
    return
  }
  try {
    const why = open()
    if (why !== undefined) port.postMessage({ misplaced: why })
    else port.postMessage({ value: new MessageTable(db!)[ask.read](ask.given as never) })
  } catch (error) {
    port.postMessage({ error: String(error) })
  }
})
