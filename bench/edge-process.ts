// The process that answers over HTTP: an app with its server, or Hono alone. It ends when its parent has gone.
import { once } from 'node:events'
import { join } from 'node:path'
import { app, channel, command, processor, sqlite } from 'millrace'
import type { EdgeServer, FromServer } from './edge.ts'
import { Order } from './message.ts'
import { Orders } from './millrace.ts'

const [server, folder] = process.argv.slice(2) as [EdgeServer, string]

const tell = (what: FromServer) => process.send?.(what)

process.on('disconnect', () => process.exit())

if (server === 'hono') await serveHono()
else await serveMillrace()

/** A handler that reads the same body and only answers. */
async function serveHono(): Promise<void> {
  const [{ serve }, { Hono }] = await Promise.all([import('@hono/node-server'), import('hono')])
  const hono = new Hono()
  hono.post('/events/orders', async (c) => {
    const { orderId } = (await c.req.json()) as Order
    return c.json({ accepted: [{ id: orderId }] }, 202)
  })
  serve({ fetch: hono.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => tell({ is: 'serving', port, token: '' }))
}

async function serveMillrace(): Promise<void> {
  const Step = command('step', { schema: Order, context: ({ orderId }) => orderId })
  const Steps = channel('steps', [Step])
  const running = app({
    name: 'bench',
    log: () => {},
    broker: sqlite({ file: join(folder, 'millrace.db') }),
    parts: [Orders, Steps, processor('steps', { on: Steps, handle: { step: () => {} } })],
  })
  await running.start()
  // The connection that says which event is the last one is one more than the listeners.
  const { url, token = '' } = await running.serve({ port: 0, listenersMax: 100_000 })
  tell({ is: 'serving', port: Number(new URL(url).port), token })
  for (;;) {
    await once(process, 'message')
    globalThis.gc?.()
    tell({ is: 'memory', bytes: process.memoryUsage.rss() })
  }
}
