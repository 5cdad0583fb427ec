// A thread in place of the reader. It begins to read the file, and hangs in that transaction at the first question.
import { DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import type { ThreadData } from '../../src/adapters/node/thread.ts'

const { file, port, seen } = workerData as ThreadData<{ file: string; seen: SharedArrayBuffer }>
const db = new DatabaseSync(file, { readOnly: true })

port.on('message', (ask: unknown) => {
  if (ask === 'close') {
    db.close()
    port.close()
    return
  }
  db.exec('begin')
  db.prepare('select * from millrace_meta').all()
  Atomics.store(new Int32Array(seen), 0, 1)
  Atomics.notify(new Int32Array(seen), 0)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})
