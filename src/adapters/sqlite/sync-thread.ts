// The thread that syncs the -wal file: one of its own, because in the thread pool a sync waits behind whatever user
// code keeps it busy with. It sleeps on a counter in shared memory and answers by a message.
import { closeSync, fdatasyncSync, fstatSync, openSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { freeBytesOf } from './free.ts'

const { file, control } = workerData as { file: string; control: Int32Array }
const lookEveryMs = 500

const wal = openSync(`${file}-wal`, 'r+')
let walBytes = 0
let freeBytes = Number.MAX_SAFE_INTEGER
let lookedAt = Number.NEGATIVE_INFINITY

function look(): void {
  if (performance.now() - lookedAt < lookEveryMs) return
  lookedAt = performance.now()
  walBytes = fstatSync(wal).size
  freeBytes = freeBytesOf(file)
}

let seen = 0
for (;;) {
  Atomics.wait(control, 0, seen)
  const asked = Atomics.load(control, 0)
  if (asked < 0) break
  seen = asked
  try {
    fdatasyncSync(wal)
    look()
    parentPort!.postMessage({ number: seen, walBytes, freeBytes })
  } catch (error) {
    parentPort!.postMessage({ number: seen, error: String(error) })
  }
}
closeSync(wal)
