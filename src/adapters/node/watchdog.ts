import { url } from 'node:inspector'
import { startThread } from './thread.ts'

/** How many looks without a beat make a blocked event loop. Looks are counted, not time: a process that was suspended beats before it is judged. */
export const looks = 8

/**
 * Ends the process when its event loop is blocked for longer than `blockedMs`: a handler that never gives it back would
 * otherwise stand in the way of all others and never reach the desk. Off while an inspector is attached. Gives a
 * function that ends the watch.
 */
export function watch(blockedMs: number): () => void {
  const shared = new Int32Array(new SharedArrayBuffer(8))
  const beat = () => {
    shared[1] = url() === undefined ? 0 : 1
    Atomics.add(shared, 0, 1)
  }
  const beating = setInterval(beat, Math.max(1, Math.floor(blockedMs / looks / 2)))
  beating.unref()
  const workerData = { shared, everyMs: Math.max(1, Math.floor(blockedMs / looks)), blockedMs, looks }
  const worker = startThread(new URL('./watchdog-thread', import.meta.url), workerData)
  worker.unref()
  worker.on('error', () => {})
  return () => {
    clearInterval(beating)
    worker.terminate()
  }
}
