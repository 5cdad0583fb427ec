// The thread that syncs the -wal file. It is no thread of the pool, because there a sync waits behind the work of user
// code. It sleeps on a counter in shared memory and answers by a message; where one sync follows
// another at once it does not sleep between them.
import { closeSync, fdatasyncSync, openSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import type { ThreadData } from '../node/thread.ts'
import { freeBytesOf } from './free.ts'
import { lookMs, place } from './sync-memory.ts'

type Data = ThreadData<{ file: string; control: Int32Array }>
const { file, control, port } = workerData as Data
const lookEveryMs = 500

const wal = openSync(`${file}-wal`, 'r+')
let freeBytes = Number.MAX_SAFE_INTEGER
let lookedAt = Number.NEGATIVE_INFINITY

function measure(): void {
  if (performance.now() - lookedAt < lookEveryMs) return
  lookedAt = performance.now()
  freeBytes = freeBytesOf(file)
}

/** The next may be asked for at once. */
function lookForNext(): void {
  if (Atomics.load(control, place.looks) === 0) return
  const until = performance.now() + lookMs
  while (Atomics.load(control, place.asked) === seen && performance.now() < until);
}

let seen = 0
for (;;) {
  lookForNext()
  Atomics.wait(control, place.asked, seen)
  // In this order: the end is counted as asked for too, and a thread that counts it before it looks would wait forever.
  seen = Atomics.load(control, place.asked)
  if (Atomics.load(control, place.ends) === 1) break
  try {
    fdatasyncSync(wal)
    Atomics.store(control, place.done, seen)
    measure()
    port.postMessage({ number: seen, freeBytes })
  } catch (error) {
    // A failure is told before anything else, and nothing is synced after it.
    port.postMessage({ number: seen, error: String(error) })
    break
  }
}
closeSync(wal)
