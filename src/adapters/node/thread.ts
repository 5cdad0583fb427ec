import { Worker } from 'node:worker_threads'

/** Our threads keep next to nothing. */
const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 }
const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'

/** Starts a thread of ours, from the source or from `dist/`, whatever options the process itself was started with. */
export function startThread(place: URL, workerData: unknown): Worker {
  return new Worker(new URL(`${place.href}.${ending}`), { workerData, execArgv: [], resourceLimits })
}
