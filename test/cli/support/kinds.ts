import {
  type App,
  app,
  channel,
  command,
  event,
  failures,
  gather,
  mediator,
  processor,
  route,
  schedule,
  sqlite,
  topic,
} from 'millrace'
import { z } from 'zod'

const schema = z.object({ n: z.number() })
export const Placed = event('placed', { schema, context: ({ n }) => String(n) })
const Paid = event('paid', { schema, context: ({ n }) => String(n) })
const Digested = event('digested', { schema })
const Charge = command('charge', { schema })
const Orders = topic('orders', [Placed])
const Payments = topic('payments', [Paid])
const Digests = topic('digests', [Digested])
const Cards = channel('cards', [Charge])

/** An app with every kind of part that keeps progress; `charged` is called for each command. */
export function kinds(file: string, charged = () => {}): App {
  const order = mediator('order', {
    on: Orders,
    startedBy: Placed,
    sends: [Charge],
    waits: [Paid],
    run: ({ data }, flow) => flow.call('charge', Charge, data),
  })
  return app({
    name: 'kinds',
    broker: sqlite({ file }),
    log: () => {},
    parts: [
      Orders,
      Payments,
      Digests,
      processor('cards', { on: Cards, handle: { charge: () => charged() } }),
      order,
      route('chooses', { on: Orders, handle: { placed: () => {} } }),
      gather('digest', { on: Orders, of: [Placed], publishes: Digested, count: 2, data: () => ({ n: 0 }) }),
      processor('watch', { on: failures, handle: {} }),
      schedule('nightly', { cron: '0 2 * * *', publishes: Digested, data: { n: 0 } }),
    ],
  })
}
