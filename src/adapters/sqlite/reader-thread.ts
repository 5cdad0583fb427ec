// The thread of the reader: it looks through the log on a connection that only reads.
import { DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import type { ThreadData } from '../node/thread.ts'
import type { OpenFile, ReadAsk } from './disk.ts'
import { misplaced } from './open-files.ts'
import { ReadTables } from './read-tables.ts'

const { file, files, port } = workerData as ThreadData<{ file: string; files: OpenFile[] }>
let db: DatabaseSync | undefined
let tables: ReadTables | undefined

/** Opens the file by its name; looks before and after whether it is the same file. */
function open(): string | undefined {
  const why = misplaced(files)
  if (why !== undefined || db !== undefined) return why
  const opened = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
  opened.exec('pragma cache_size=-4096')
  const replaced = misplaced(files)
  if (replaced !== undefined) opened.close()
  else {
    db = opened
    tables = new ReadTables(opened, file)
  }
  return replaced
}

port.on('message', (ask: ReadAsk | 'close') => {
  if (ask === 'close') {
    tables?.close()
    db?.close()
    port.close()
    return
  }
  try {
    const why = open()
    if (why !== undefined) port.postMessage({ misplaced: why })
    else port.postMessage({ value: tables!.answer(ask) })
  } catch (error) {
    port.postMessage({ error: String(error) })
  }
})
