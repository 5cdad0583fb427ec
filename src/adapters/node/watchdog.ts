import { url } from 'node:inspector'
import { startThread, type Thread } from './thread.ts'
import { threads } from './threads.ts'

/**
 * The number of checks without a beat that mean a blocked event loop. Checks are counted instead of time: a process
 * that was suspended beats before it is judged.
 */
export const looks = 8

/** The memory for reading the stack, MB: the inspector reports every script of the process. */
const stackMb = 512

/**
 * Ends the process when its event loop is blocked for longer than `blockedMs`. Otherwise a handler that never yields
 * would block all others and never reach the desk. The last line on standard error names the functions that ran; they
 * need not belong to a handler. Off while an inspector is attached. Returns a function that ends the watch. Calls
 * `failed` where no watch is possible.
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
