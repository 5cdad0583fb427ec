import { url } from 'node:inspector'
import { startThread, type Thread } from './thread.ts'
import { threads } from './threads.ts'

/** How many looks without a beat make a blocked event loop. Looks are counted, not time: a process that was suspended beats before it is judged. */
export const looks = 8

/** What the look at the stack may take, MB: it is told of every script of the process. */
const stackMb = 512

/**
 * Ends the process when its event loop is blocked for longer than `blockedMs`: a handler that never gives it back would
 * otherwise stand in the way of all others and never reach the desk. The last line on standard error says which
 * functions ran: not every one is a handler's. Off while an inspector is attached. Gives a function that ends the watch;
 * `failed` is called where there is none.
 */
export function watch(blockedMs: number, failed: (error: unknown) => void): () => void {
  const shared = new Int32Array(new SharedArrayBuffer(8))
  const beat = () => {
    shared[1] = url() === undefined ? 0 : 1
    Atomics.add(shared, 0, 1)
  }
  const beating = setInterval(beat, Math.max(1, Math.floor(blockedMs / looks / 2)))
  beating.unref()
  const data = { shared, everyMs: Math.max(1, Math.floor(blockedMs / looks)), blockedMs, looks }
  let thread: Thread | undefined
  try {
    thread = startThread(threads.watchdog, data, { failed }, stackMb)
    thread.unref()
  } catch (error) {
    failed(error)
  }
  return () => {
    clearInterval(beating)
    thread?.terminate()
  }
}
