// The app of the guide for operators, and what happens to it between the commands of the guide.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { app, channel, command, desk, event, mediator, processor, Refused, sqlite, topic } from 'millrace'
import { z } from 'zod'
import type { Stage } from '../support/blocks.ts'

const Placed = event('order.placed', {
  schema: z.object({ orderId: z.string(), customer: z.string(), article: z.string(), quantity: z.number().int() }),
  context: ({ customer }) => customer,
})
const Orders = topic('orders', [Placed])
const supplier = { text: 'Release when the supplier answers again.', url: 'https://wiki.example/supplier' }
const orderDesk = desk('order-desk', { on: Orders, help: { SUPPLIER: supplier } })

const goods = {
  schema: z.object({ returnId: z.string(), customer: z.string(), article: z.string(), euros: z.number() }),
  context: ({ returnId }: { readonly returnId: string }) => returnId,
}
const Announced = event('return.announced', goods)
const Returned = topic('returned', [Announced])
const TakeIn = command('goods.take-in', goods)
const SendOut = command('goods.send-out', goods)
const Refund = command('card.refund', { ...goods, reply: z.object({ receipt: z.string() }) })
const Office = channel('office', [TakeIn, SendOut, Refund])

const returns = mediator('returns', {
  on: Returned,
  startedBy: Announced,
  sends: [TakeIn, SendOut, Refund],
  run: async ({ data }, flow) => {
    await flow.call('take in', TakeIn, data, { undo: () => flow.call('send out', SendOut, data) })
    if (data.euros > 100) {
      const title = `Refund ${data.euros} euros to ${data.customer}?`
      const { yes } = await flow.ask('approve', { schema: z.object({ yes: z.boolean() }), title, to: 'sales' })
      if (!yes) throw new Refused('sales has said no')
    }
    return await flow.call('refund', Refund, data)
  },
})

/** Runs the shop in a folder, with the messages at the desk that the guide begins with. */
export async function stage(folder: string): Promise<Stage> {
  const answersFor = new Set<string>()
  let carrierComes = false
  let bankAnswers = false
  const stock = processor('stock', {
    on: Orders,
    retry: { attempts: 3, firstDelayMs: 1, maxDelayMs: 1 },
    handle: {
      'order.placed': ({ data: { article, customer, quantity } }) => {
        if (quantity <= 0) throw new Refused('the quantity must be above zero', { quantity })
        if (article === 'test') throw new Refused('there is no article "test"')
        if (article === 'flour' && !answersFor.has(customer)) {
          throw Object.assign(new Error('the supplier does not answer'), { code: 'SUPPLIER' })
        }
      },
    },
  })
  const office = processor('office', {
    on: Office,
    retry: { attempts: 3, firstDelayMs: 1, maxDelayMs: 1 },
    probeAfter: 100,
    handle: {
      'goods.take-in': () => {},
      'goods.send-out': () => {
        if (!carrierComes) throw new Refused('the carrier does not come today')
      },
      'card.refund': ({ data: { returnId, customer } }) => {
        if (customer === 'dora') throw new Refused('this card is closed')
        if (customer === 'cleo' && !bankAnswers) throw Object.assign(new Error('no answer'), { code: 'BANK' })
        return { receipt: `refund of ${returnId}` }
      },
    },
  })
  const shop = app({
    name: 'shop',
    broker: sqlite({ file: join(folder, 'shop.db') }),
    log: () => {},
    parts: [Orders, stock, orderDesk, Returned, returns, office],
  })
  await shop.start()
  const orders = [
    { orderId: 'o-1', customer: 'ada', article: 'sieve', quantity: -2 },
    { orderId: 'o-2', customer: 'ada', article: 'millstone', quantity: 1 },
    { orderId: 'o-3', customer: 'ben', article: 'flour', quantity: 5 },
    { orderId: 'o-4', customer: 'cleo', article: 'flour', quantity: 1 },
    { orderId: 'o-5', customer: 'dora', article: 'test', quantity: 1 },
    { orderId: 'o-6', customer: 'emil', article: 'flour', quantity: 2 },
  ]
  for (const order of orders) {
    await shop.publish(Placed, order)
    await shop.idle()
  }
  let running = true
  return {
    idle: async () => {
      if (running) await shop.idle()
    },
    stop: () => shop.stop(),
    steps: {
      'the supplier answers again for cleo': () => answersFor.add('cleo'),
      'the supplier answers again': () => {
        for (const { customer } of orders) answersFor.add(customer)
      },
      'the quantity is corrected': () => {
        const path = join(folder, 'order.json')
        writeFileSync(path, readFileSync(path, 'utf8').replace('-2', '2'))
      },
      'four returns come in': async () => {
        for (const [at, customer] of ['ada', 'ben', 'cleo', 'dora'].entries()) {
          const about = { returnId: `r-${at + 1}`, customer, article: 'sieve', euros: at === 0 ? 250 : 40 }
          await shop.publish(Announced, about)
          await shop.idle()
        }
      },
      'the bank answers again': () => {
        bankAnswers = true
      },
      'the carrier comes': () => {
        carrierComes = true
      },
      'the app is stopped': async () => {
        running = false
        await shop.stop()
      },
      'the app is started': async () => {
        await shop.start()
        running = true
      },
    },
  }
}
