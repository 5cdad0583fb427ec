// Events sent to a sink on this machine, which answers at once, in a thread of its own.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { deliver } from 'millrace/http'
import { rateOf } from './measure.ts'
import { contextsUsual, Orders, open, source } from './millrace.ts'
import type { Figures, Span } from './task.ts'

const sink = `
const { createServer } = require('node:http')
const { parentPort } = require('node:worker_threads')
const server = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(204).end())
})
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

/** Rate of events that are published, sent, answered and acknowledged, with so many requests at once. */
export async function millraceDeliver(task: { inFlight: number } & Span, folder: string): Promise<Figures> {
  const worker = new Worker(sink, { eval: true })
  const [port] = (await once(worker, 'message')) as [number]
  const out = deliver('out', {
    on: Orders,
    url: `http://127.0.0.1:${port}/`,
    allow: ['127.0.0.1'],
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    concurrency: task.inFlight,
  })
  const running = await open(folder, [out])
  const publish = source(running, { inFlight: 1_000, contexts: contextsUsual })
  const figures = await rateOf(task, (untilMs) => publish(() => performance.now() < untilMs))
  await running.stop()
  await worker.terminate()
  return figures
}
