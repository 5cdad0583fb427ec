// A shop with work of every kind under way, whose store moves.
import assert from 'node:assert/strict'
import {
  type App,
  app,
  type Broker,
  channel,
  command,
  event,
  isMillraceError,
  mediator,
  processor,
  schedule,
  topic,
} from 'millrace'
import { z } from 'zod'

const order = z.object({ id: z.string(), n: z.number() })
const Ordered = event('ordered', { schema: order, context: ({ id }) => id })
const Packing = event('packing', { schema: z.object({ id: z.string() }), context: ({ id }) => id })
const Orders = topic('orders', [Ordered, Packing])
const Ring = command('ring', { schema: order, reply: z.object({ rung: z.number() }), context: ({ id }) => id })
const Tills = channel('tills', [Ring])

/** What the shop has done, in order, and what it fails at: both outlive its stores. */
export class Facts {
  readonly done: string[] = []
  readonly broken = new Set<string>()

  do(what: string): void {
    if (this.broken.has(what)) throw new Error(`broken: ${what}`)
    this.done.push(what)
  }
}

export function shopIn(broker: Broker, facts: Facts): App {
  const stock = processor('stock', {
    on: Orders,
    retry: { attempts: 1 },
    handle: { ordered: ({ data: { id, n } }) => facts.do(`${id} ${n}`), packing: () => {} },
  })
  const tills = processor('tills', {
    on: Tills,
    retry: { attempts: 1 },
    handle: {
      ring: ({ data: { id, n } }) => {
        facts.do(`ring ${id} ${n}`)
        return { rung: n }
      },
    },
  })
  const packing = mediator('packing', {
    on: Orders,
    startedBy: Packing,
    sends: [Ring],
    run: async ({ data: { id } }, flow) => {
      await flow.call('first', Ring, { id, n: 1 })
      await flow.ask('ready', { schema: z.object({}), title: 'Ready?' })
      await flow.call('second', Ring, { id, n: 2 })
    },
  })
  const yearly = schedule('yearly', { cron: '0 0 1 1 *', publishes: Ordered, data: () => ({ id: 'yearly', n: 0 }) })
  return app({ name: 'shop', broker, log: () => {}, parts: [Orders, Tills, stock, tills, packing, yearly] })
}

const asked = (shop: App, round: string) =>
  shop.request(Ring, { id: `till ${round}`, n: 0 }, { id: `ring ${round}` }).then(
    ({ rung }) => rung,
    (error: unknown) => {
      assert(isMillraceError(error, 'millrace/request-held'), String(error))
      return 'held'
    },
  )

/** Begins work of every kind, and leaves it in the middle. */
export async function begin(shop: App, facts: Facts, round: string): Promise<void> {
  const id = `lane ${round}`
  facts.broken.add(`${id} 1`)
  facts.broken.add(`ring till ${round} 0`)
  for (const n of [0, 1, 2, 3]) await shop.publish(Ordered, { id, n }, { id: `${round} ${n}` })
  await shop.publish(Ordered, { id: `later ${round}`, n: 0 }, { delayMs: 86_400_000, id: `later ${round}` })
  await shop.publish(Packing, { id: `flow ${round}` })
  assert.equal(await asked(shop, round), 'held')
  await shop.idle()
  assert.deepEqual(
    (await shop.flows.questions()).map(({ context }) => context),
    [`flow ${round}`],
  )
}

/** Ends what was begun: repairs the lane, and answers. `fired` says whether what is delayed has come. */
export async function end(shop: App, facts: Facts, round: string): Promise<void> {
  facts.broken.clear()
  const before = facts.done.length
  // Each own id is known: what is published again adds nothing.
  for (const n of [0, 1, 2, 3]) await shop.publish(Ordered, { id: `lane ${round}`, n }, { id: `${round} ${n}` })
  await shop.publish(Ordered, { id: `later ${round}`, n: 0 }, { id: `later ${round}` })
  for (const item of await shop.desk.list({ states: ['held'] })) await shop.desk.release(item.id)
  for (const { flow, step } of await shop.flows.questions()) await shop.flows.answer(flow, step, {})
  assert.equal(await asked(shop, round), 0)
  await shop.idle()
  const done = facts.done.slice(before)
  assert.deepEqual(
    done.filter((what) => what.startsWith('lane')),
    [1, 2, 3].map((n) => `lane ${round} ${n}`),
  )
  assert.deepEqual(done.filter((what) => !what.startsWith('lane')).sort(), [
    `later ${round} 0`,
    `ring flow ${round} 2`,
    `ring till ${round} 0`,
  ])
  assert.deepEqual(await shop.desk.list({ states: ['held'] }), [])
}
