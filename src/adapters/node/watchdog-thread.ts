import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'

const { shared, everyMs, blockedMs, looks } = workerData as {
  shared: Int32Array
  everyMs: number
  blockedMs: number
  looks: number
}

let seen = -1
let without = 0
setInterval(() => {
  const beat = Atomics.load(shared, 0)
  const inspected = Atomics.load(shared, 1) === 1
  without = beat === seen && !inspected ? without + 1 : 0
  seen = beat
  if (without < looks) return
  const what = `millrace error: a handler has blocked the event loop for ${blockedMs} ms; the process ends, so that the others can go on after a restart\n`
  writeSync(2, what)
  process.kill(process.pid, 'SIGKILL')
}, everyMs)
