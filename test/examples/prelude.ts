// The shop that the examples of the doc comments speak of. An example may use each of these names without declaring it;
// `shop` is that app, started, with two messages held at its desk and one flow that asks a person.
import {
  type App,
  app,
  channel,
  command,
  type Event,
  event,
  mediator,
  processor,
  Refused,
  sqlite,
  type Topic,
  topic,
} from 'millrace'
import { deliver } from 'millrace/http'
import { z } from 'zod'

const perOrder = ({ orderId }: { readonly orderId: string }) => orderId

export const OrderPlaced = event('order.placed', {
  schema: z.object({ orderId: z.string(), customer: z.string(), sku: z.string(), quantity: z.number().int() }),
  context: perOrder,
})
export const OrderPaid = event('order.paid', {
  schema: z.object({ orderId: z.string(), pence: z.number().int() }),
  context: perOrder,
})
export const OrderShipped = event('order.shipped', { schema: z.object({ orderId: z.string() }), context: perOrder })
export const DayEnded = event('day.ended', { schema: z.object({ day: z.string() }) })
export const OrdersDigested = event('orders.digested', { schema: z.object({ orderIds: z.array(z.string()) }) })
export const Orders = topic('orders', [OrderPlaced, OrderPaid])
export const Deliveries = topic('deliveries', [OrderShipped])
export const Reports: Topic<Event> = topic('reports', [DayEnded, OrdersDigested])

export const TakeStock = command('stock.take', {
  schema: z.object({ orderId: z.string(), sku: z.string(), quantity: z.number().int() }),
  context: ({ sku }) => sku,
  reply: z.object({ left: z.number() }),
  refusal: z.object({ left: z.number() }),
})
export const GiveBackStock = command('stock.give-back', {
  schema: z.object({ orderId: z.string(), sku: z.string(), quantity: z.number().int() }),
  context: ({ sku }) => sku,
})
export const ChargeCard = command('card.charge', {
  schema: z.object({ orderId: z.string(), pence: z.number().int() }),
  context: perOrder,
  reply: z.object({ receipt: z.string() }),
})
export const SendReminder = command('reminder.send', { schema: z.object({ orderId: z.string() }), context: perOrder })
export const Warehouse = channel('warehouse', [TakeStock, GiveBackStock])
export const Payments = channel('payments', [ChargeCard])
export const Letters = channel('letters', [SendReminder])

export const warehouse = processor('warehouse', {
  on: Warehouse,
  handle: {
    'stock.take': ({ data: { quantity } }) => {
      if (quantity > 1_000) throw new Refused('too few in stock', { left: 1_000 })
      return { left: 1_000 - quantity }
    },
    'stock.give-back': () => {},
  },
})
export const till = processor('till', {
  on: Payments,
  handle: { 'card.charge': ({ data: { orderId } }) => ({ receipt: `receipt of ${orderId}` }) },
})
export const letters = processor('letters', { on: Letters, handle: { 'reminder.send': () => {} } })
export const labels = processor('labels', {
  on: Orders,
  trial: true,
  handle: {
    'order.placed': ({ data: { sku } }) => {
      if (sku === 'unknown') throw new Refused(`there is no article "${sku}"`)
    },
  },
})
export const delivery = mediator('delivery', {
  startedBy: OrderShipped,
  run: ({ data: { orderId } }) => ({ parcel: `parcel of ${orderId}` }),
})
export const fulfilment = mediator('fulfilment', {
  on: Orders,
  startedBy: OrderPlaced,
  sends: [TakeStock, GiveBackStock, ChargeCard],
  run: async ({ data: order }, flow) => {
    if (order.quantity > 100) {
      await flow.ask('approve', {
        schema: z.object({ yes: z.boolean() }),
        title: `Sell ${order.quantity}?`,
        to: 'sales',
      })
    }
    await flow.call('take stock', TakeStock, order, { undo: () => flow.call('give back', GiveBackStock, order) })
    return await flow.call('charge', ChargeCard, { orderId: order.orderId, pence: 995 })
  },
})

export const declared = [Orders, Deliveries, Reports, Warehouse, Payments, Letters]
export const served = [warehouse, till, letters]

/** What every app of the examples has as `setup`. */
export async function tables(tx: Parameters<NonNullable<Parameters<typeof app>[0]['setup']>>[0]): Promise<void> {
  await tx.query`create table if not exists stock (sku text primary key, left integer not null)`
  await tx.query`create table if not exists orders (id text primary key, sku text not null, quantity integer not null)`
  await tx.query`insert or ignore into stock values ('sieve', 1000)`
}

export const order = { orderId: 'o-3', customer: 'cleo', sku: 'sieve', quantity: 500 }
/** Whoever the examples let decide. */
export const ada = { by: 'ada', reason: 'as sales has said' }

/** Nothing is sent: the address is not public. */
const outgoing = deliver('billing', { on: Reports, url: 'https://10.0.0.1/' })

/** The app, started in the working folder, with something at its desk and a flow that asks. */
export async function startedShop(): Promise<App> {
  const shop = app({
    name: 'shop',
    broker: sqlite({ file: 'shop-of-examples.db' }),
    log: () => {},
    setup: tables,
    parts: [...declared, ...served, labels, delivery, fulfilment, outgoing],
  })
  await shop.start()
  await shop.publish(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'unknown', quantity: 1 }, { id: 'o-1' })
  await shop.publish(OrderPlaced, { orderId: 'o-2', customer: 'ben', sku: 'unknown', quantity: 2 }, { id: 'o-2' })
  await shop.publish(OrderPlaced, order, { id: 'o-3' })
  await shop.idle()
  return shop
}
