// The app of the page about the command, and whether it runs.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type App, app, processor, sqlite } from 'millrace'
import type { Stage } from '../support/blocks.ts'

const file = `
import { app, channel, command, event, mediator, processor, Refused, schedule, sqlite, topic } from 'millrace'
import { z } from 'zod'

const context = ({ orderId }) => orderId
const schema = z.object({ orderId: z.string(), quantity: z.number().int().optional() })
const OrderPlaced = event('order.placed', { schema, context })
export const Orders = topic('orders', [OrderPlaced])
const ChargeCard = command('card.charge', { schema, context })
const Cards = channel('cards', [ChargeCard])

const NightEnded = event('night.ended', { schema: z.object({}) })
const Nights = topic('nights', [NightEnded])
const nightly = schedule('nightly', { cron: '0 4 * * *', timeZone: 'Europe/London', publishes: NightEnded, data: () => ({}) })

const stock = processor('stock', {
  on: Orders,
  handle: {
    'order.placed': ({ data: { quantity = 1 } }) => {
      if (quantity <= 0) throw new Refused('the quantity must be above zero')
    },
  },
})
const labels = processor('labels', { on: Orders, handle: { 'order.placed': () => {} } })
const till = processor('till', { on: Cards, handle: { 'card.charge': () => {} } })
const fulfilment = mediator('fulfilment', {
  on: Orders,
  startedBy: OrderPlaced,
  sends: [ChargeCard],
  run: async ({ data }, flow) => {
    await flow.ask('approve', { schema: z.object({ yes: z.boolean() }), title: 'Sell?', to: 'sales' })
    await flow.call('pay', ChargeCard, data)
  },
})

const shop = () =>
  app({
    name: 'shop',
    broker: sqlite({ file: './shop.db' }),
    log: () => {},
    parts: [Orders, Cards, Nights, nightly, stock, labels, till, fulfilment],
  })
export default shop()
export const simulation = {
  app: shop,
  workload: (work) => work.publish(OrderPlaced, { orderId: 'o-1' }),
  eventually: { 'nothing is held': ({ held }) => held().length === 0 },
}
`

const lines = (data: readonly object[]) => data.map((one) => `${JSON.stringify(one)}\n`).join('')
const orders = [1, 2, 3].map((n) => ({ orderId: `o-1${n}`, quantity: -n }))

export async function stage(folder: string): Promise<Stage> {
  writeFileSync(join(folder, 'app.ts'), file)
  writeFileSync(join(folder, 'orders.jsonl'), lines(orders))
  writeFileSync(
    join(folder, 'messages.jsonl'),
    lines([{ id: 'o-17', type: 'order.placed', data: { orderId: 'o-17' } }]),
  )
  writeFileSync(join(folder, 'order.json'), JSON.stringify({ ...orders[1], quantity: 2 }))
  mkdirSync(join(folder, 'copies'))
  const { default: shop, Orders } = await import(pathToFileURL(join(folder, 'app.ts')).href)
  const broker = sqlite({ file: join(folder, 'shop.db') })
  // A processor that the app has no longer.
  const labels = processor('old-labels', { on: Orders, handle: {} })
  const before = app({ name: 'shop', broker, log: () => {}, parts: [Orders, labels] })
  await before.start()
  await before.stop()
  let running: App | undefined
  const stop = async () => {
    await running?.stop()
    running = undefined
  }
  return {
    idle: async () => running?.idle(),
    stop,
    steps: {
      'the app runs': async () => {
        running = shop as App
        await running.start({ broker })
        await running.backup(join(folder, 'copies', 'shop-monday.db'))
      },
      'the app is stopped': stop,
    },
  }
}
