// Loaded into every thread beside its code, as modules of NODE_OPTIONS are: posts what nobody asked for, in the shapes of
// answers too, and looks like a disk that never syncs.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { isMainThread, parentPort } from 'node:worker_threads'

if (!isMainThread) {
  const noise: unknown[] = [
    { 'watch:require': ['file'] },
    { 'watch:import': ['file'] },
    null,
    undefined,
    'text',
    {},
    { value: [] },
    { value: false },
    { number: 2 ** 30, walBytes: 0, freeBytes: 2 ** 40 },
    { number: 1, walBytes: 0, freeBytes: 2 ** 40 },
    { number: 2, error: 'noise' },
    { error: 'noise' },
  ]
  for (const message of noise) parentPort!.postMessage(message)
  if (process.env['NOISE'] === 'no sync') {
    fs.fdatasyncSync = () => {
      throw new Error('no sync')
    }
    syncBuiltinESMExports()
  }
}
