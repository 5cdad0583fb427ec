// The part that finishes later: it takes the orders of partners, and has each order charged and settled.
import { type App, app, mediator, processor, Refused, sqlite } from 'millrace'
import { Cards, ChargeCard, Office, OrderPlaced, OrderSettled, Orders, Partners, SettleOrder } from './messages.ts'
import { placeOrder, settleOrder, tables } from './orders.ts'

/** Orders of partners come as events. The handler calls what the route calls, in its `commit`. */
const intake = processor('intake', {
  on: Partners,
  publishes: [OrderPlaced],
  handle: {
    'partner.sold': ({ data }, { commit, publish }) =>
      commit(async ({ query }) => {
        await placeOrder({ query, publish }, data)
      }),
  },
})

/** The way of an order, by a request or by an event. */
const sale = mediator('sale', {
  on: Orders,
  startedBy: OrderPlaced,
  sends: [ChargeCard, SettleOrder],
  run: async ({ data: { orderId, cents } }, flow) => {
    let state: 'paid' | 'declined' = 'paid'
    try {
      await flow.call('charge', ChargeCard, { orderId, cents })
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      state = 'declined'
    }
    await flow.call('settle', SettleOrder, { orderId, state })
    return { state }
  },
})

/** In earnest: the service that charges cards, called with `idempotencyKey`. */
const cards = processor('cards', {
  on: Cards,
  handle: {
    'card.charge': ({ data: { cents } }) => {
      if (cents > 100_000) throw new Refused('the card has a limit of 1,000.00')
    },
  },
})

const office = processor('office', {
  on: Office,
  publishes: [OrderSettled],
  handle: {
    'order.settle': ({ data: { orderId, state } }, { commit, publish }) =>
      commit(({ query }) => settleOrder({ query, publish }, orderId, state)),
  },
})

export const shop = (file: string): App =>
  app({
    name: 'hybrid',
    broker: sqlite({ file }),
    log: () => {},
    setup: tables,
    parts: [Partners, Orders, intake, sale, cards, office],
  })

export default shop('./hybrid.db')
