// Loaded before an app: no thread can be started.
import { syncBuiltinESMExports } from 'node:module'
import threads from 'node:worker_threads'

threads.Worker = class {
  constructor() {
    throw new Error('no thread can be started')
  }
} as never
syncBuiltinESMExports()
