import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { processor } from 'millrace'
import { rateOf } from './measure.ts'
import { contextsUsual, Orders, open, source } from './millrace.ts'
import type { Figures, Span } from './task.ts'

const inFlight = 100

/** Rate of a processor whose handlers compute in so many threads, one handler for each. */
export async function millraceCpu(task: { threads: number } & Span, folder: string): Promise<Figures> {
  const file = new URL(import.meta.resolve('./cpu-worker.ts'))
  const idle = Array.from({ length: task.threads }, () => new Worker(file))
  const all = [...idle]
  const computes = processor('computes', {
    on: Orders,
    concurrency: task.threads,
    handle: {
      'order.placed': async ({ data }) => {
        const worker = idle.pop()!
        worker.postMessage(data.totalCents)
        await once(worker, 'message')
        idle.push(worker)
      },
    },
  })
  const running = await open(folder, [computes])
  const publish = source(running, { inFlight, contexts: contextsUsual })
  // What is published waits for its handler: so many at once as are handled soon.
  const figures = await rateOf(task, async (untilMs) => {
    let events = 0
    do events += await publish((published) => published < inFlight)
    while (performance.now() < untilMs)
    return events
  })
  await running.stop()
  await Promise.all(all.map((worker) => worker.terminate()))
  return figures
}
