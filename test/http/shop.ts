// The app of the tests of the edge.
import type { TestContext } from 'node:test'
import { type App, type AppOptions, app, channel, command, event, processor, Refused, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { client } from '../support/http-client.ts'
import { place, started } from '../support.ts'

export const Placed = event('order.placed', {
  schema: z.object({ orderId: z.string(), quantity: z.number().int() }),
  context: (order) => order.orderId,
})
/** Takes any data, as other systems send them. */
export const Said = event('said', { schema: z.json() })
export const Orders = topic('orders', [Placed])
export const Talk = topic('talk', [Said])
export const Take = command('stock.take', {
  schema: z.object({ sku: z.string(), quantity: z.number().int() }),
  context: (take) => take.sku,
  reply: z.object({ left: z.number() }),
  refusal: z.object({ left: z.number() }),
})
export const Note = command('stock.note', { schema: z.object({ sku: z.string() }) })
export const Stock = channel('stock', [Take, Note])

/** Resolves what `stock` waits for. */
export interface Gate {
  open: Promise<unknown>
}

export interface ShopOptions extends Partial<AppOptions> {
  readonly gate?: Gate
  readonly file: string
}

export function shopOn({ gate, file, parts = [], ...options }: ShopOptions): App {
  const stock = processor('stock', {
    on: Stock,
    retry: { attempts: 1 },
    handle: {
      'stock.take': async ({ data: { sku, quantity } }) => {
        await gate?.open
        if (sku === 'broken') throw new Error('the shelf is broken')
        if (quantity > 10) throw new Refused('too few in stock', { left: 10 })
        return { left: 10 - quantity }
      },
      'stock.note': () => {},
    },
  })
  return app({
    name: 'shop',
    broker: sqlite({ file }),
    parts: [Orders, Talk, stock, ...parts],
    log: () => {},
    ...options,
  })
}

/** The app, started and served, with a client of its table of routes. */
export async function served(t: TestContext, options: Partial<ShopOptions> = {}) {
  const file = options.file ?? place(t)
  const shop = await started(t, shopOn({ ...options, file }))
  const { url } = await shop.serve({ port: 0, access: { open: true, hosts: ['example.com'] } })
  return { shop, url, file, ...client(url) }
}
