import { existsSync } from 'node:fs'
import { type App, app, channel, command, desk, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'

/** `fail`: until this file exists; `hang`: never ends. */
export const Placed = event('order.placed', {
  schema: z.object({ orderId: z.string(), fail: z.string().optional(), hang: z.boolean().optional() }),
  context: (order) => order.orderId,
})
export const Taken = event('stock.taken', {
  schema: z.object({ orderId: z.string() }),
  context: (taken) => taken.orderId,
})
export const PrintLabel = command('label.print', { schema: z.object({ text: z.string() }) })
export const Orders = topic('orders', [Placed])
export const Moves = topic('moves', [Taken])
export const Labels = channel('labels', [PrintLabel])

const stock = processor('stock', {
  on: Orders,
  publishes: [Taken],
  owner: 'team stock',
  trial: true,
  retry: { attempts: 2, firstDelayMs: 1, maxDelayMs: 2 },
  handle: {
    'order.placed': async ({ data: { orderId, fail, hang } }, { publish }) => {
      if (hang) await new Promise(() => {})
      if (fail !== undefined && !existsSync(fail)) {
        throw Object.assign(new Error('no stock', { cause: new Error('the mill stands still') }), { code: 'EMPTY' })
      }
      publish(Taken, { orderId })
    },
  },
})
const printer = processor('printer', { on: Labels, handle: { 'label.print': () => {} } })

const orderDesk = desk('order-desk', {
  on: Orders,
  help: { EMPTY: { text: 'Order more of the article, then release.', url: 'https://wiki.example/empty' } },
})

/** An app with a topic that fails on demand, a topic that it leads to, and a channel. */
export function mill(file: string): App {
  return app({
    name: 'mill',
    broker: sqlite({ file }),
    log: () => {},
    parts: [Orders, Moves, Labels, stock, printer, orderDesk],
  })
}
