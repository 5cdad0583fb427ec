import { app, event, processor, Refused, sqlite, topic } from 'millrace'
import { z } from 'zod'

// An event: a fact that has happened. Its context is what keeps its order: here, the orders of one article.
export const OrderPlaced = event('order.placed', {
  schema: z.object({ sku: z.string(), quantity: z.number().int() }),
  context: (order) => order.sku,
})

export const Orders = topic('orders', [OrderPlaced])

// A processor: its row and the acknowledgement of the event are one transaction.
export const sales = processor('sales', {
  on: Orders,
  handle: {
    'order.placed': ({ data }, { commit }) =>
      commit(async (tx) => {
        if (data.quantity < 1) throw new Refused('nothing was ordered')
        await tx.query`insert into sales values (${data.sku}, ${data.quantity})
          on conflict (sku) do update set sold = sold + excluded.sold`
      }),
  },
})

export default app({
  name: 'shop',
  broker: sqlite({ file: './shop.db' }),
  setup: (tx) => tx.query`create table if not exists sales (sku text primary key, sold integer not null)`,
  parts: [Orders, sales],
})
