// Type test, compiled and not run: what handlers get, and what they may give, publish and send.
import {
  type App,
  type AppTx,
  channel,
  command,
  type DataFor,
  event,
  list,
  type Message,
  processor,
  type RefusalOf,
  Refused,
  type ReplyOf,
  type SqliteClient,
  type Stored,
  sql,
  type sqlite,
  type Tx,
  topic,
} from 'millrace'
import * as v from 'valibot'
import { z } from 'zod'
import { is, type Same } from './is.ts'

const Placed = event('order.placed', { schema: z.object({ orderId: z.string(), quantity: z.number() }) })
const Cancelled = event('order.cancelled', {
  schema: v.object({ orderId: v.string(), reason: v.optional(v.string()) }),
})
const Orders = topic('orders', [Placed, Cancelled])
const Taken = event('stock.taken', { schema: z.object({ orderId: z.string() }) })
const Short = event('stock.short', { schema: z.object({ orderId: z.string(), missing: z.number() }) })
const Take = command('stock.take', {
  schema: z.object({ sku: z.string() }),
  reply: z.object({ left: z.number() }),
  refusal: z.object({ short: z.number() }),
})
const Return = command('stock.return', { schema: z.object({ sku: z.string() }) })
const Stock = channel('stock', [Take, Return])

// ── what handlers get ────────────────────────────────────────────────────────────────────────────────────────────

processor('typed', {
  on: Orders,
  handle: {
    'order.placed': (message, context) => {
      is<Same<typeof message.data, { orderId: string; quantity: number }>>()
      is<Same<typeof message.type, 'order.placed'>>()
      is<Same<typeof message.context, string | undefined>>()
      is<Same<typeof context.idempotencyKey, string>>()
      is<Same<typeof context.attempt, number>>()
      is<Same<ReturnType<typeof context.now>, number>>()
      // @ts-expect-error the data has no such property
      message.data.quantty
      // @ts-expect-error nothing is declared in publishes
      context.publish(Taken, { orderId: message.data.orderId })
      // @ts-expect-error nothing is declared in sends
      context.send(Take, { sku: 'a' })
    },
    'order.cancelled': async ({ data }) => {
      is<Same<typeof data.reason, string | undefined>>()
    },
  },
})
processor('none of them', { on: Orders, handle: {} })
processor('rows', {
  on: Orders,
  handle: {
    'order.placed': async (_, { commit, read }) => {
      const rows = await read<{ left: number }>`select left from stock`
      is<Same<typeof rows, { left: number }[]>>()
      return commit(async (tx) => {
        const plain = await tx.query`select 1 as one`
        is<Same<typeof plain, Record<string, unknown>[]>>()
        is<Same<typeof tx.client, unknown>>()
        // @ts-expect-error a Date cannot be bound
        await tx.query`select ${new Date()}`
        // @ts-expect-error neither can an object
        await tx.query`select ${{ a: 1 }}`
        // @ts-expect-error nor undefined
        await read`select ${undefined}`
        // @ts-expect-error an array goes in by list
        await tx.query`select 1 where 1 in ${[1, 2]}`
        const some = sql`id in ${list(new Set(['a', 1, 2n, null]))} and ${sql`true`}`
        const chosen = await tx.query<{ id: string }>`select id from stock where ${some}`
        is<Same<typeof chosen, { id: string }[]>>()
        // @ts-expect-error lists do not nest
        list([[1]])
        // @ts-expect-error a Date cannot be bound in a fragment either
        sql`select ${new Date()}`
        // @ts-expect-error a fragment is made by a tag
        sql('select 1')
        is<Same<ReturnType<typeof sqlite.client>, SqliteClient>>()
      })
    },
  },
})

// ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────

processor('typo', {
  on: Orders,
  handle: {
    // @ts-expect-error a name that is not on the topic
    'order.plcaed': () => {},
  },
})
processor('elsewhere', {
  on: Orders,
  handle: {
    // @ts-expect-error a type of another topic
    'stock.taken': () => {},
  },
})
// @ts-expect-error no such option
processor('option', { on: Orders, concurency: 3, handle: {} })
// @ts-expect-error no such option of the retry policy
processor('retry', { on: Orders, retry: { attmpts: 3 }, handle: {} })
// @ts-expect-error no such place to start at
processor('start', { on: Orders, startAt: 'end', handle: {} })
// @ts-expect-error a type is no topic
processor('on a type', { on: Placed, handle: {} })
// @ts-expect-error commands go to channels
topic('wrong', [Take])
// @ts-expect-error events go to topics
channel('wrong', [Placed])
// @ts-expect-error no such option
topic('options', [Placed], { retire: ['old'] })
// @ts-expect-error commands are sent
processor('publishes', { on: Orders, publishes: [Take], handle: {} })
// @ts-expect-error events are published
processor('sends', { on: Orders, sends: [Taken], handle: {} })

// ── what they publish ────────────────────────────────────────────────────────────────────────────────────────────

processor('publisher', {
  on: Orders,
  publishes: [Taken, Short],
  sends: [Take],
  handle: {
    'order.placed': ({ data }, { publish, send, commit }) => {
      publish(Taken, { orderId: data.orderId })
      publish(Short, { orderId: data.orderId, missing: 1 })
      const type = data.quantity > 1 ? Taken : Short
      publish(type, { orderId: data.orderId, missing: 1 })
      send(Take, { sku: 'a' })
      // @ts-expect-error data of the wrong branch: Short needs `missing`
      publish(type, { orderId: data.orderId })
      // @ts-expect-error the same, the type chosen in place
      publish(data.quantity > 1 ? Taken : Short, { orderId: data.orderId })
      // @ts-expect-error wrong data
      publish(Taken, { orderId: 1 })
      // @ts-expect-error missing data
      publish(Short, { orderId: data.orderId })
      // @ts-expect-error no data
      publish(Taken)
      // @ts-expect-error a property too many
      publish(Taken, { orderId: data.orderId, left: 3 })
      // @ts-expect-error not declared in publishes
      publish(Cancelled, { orderId: data.orderId })
      // @ts-expect-error not declared in sends
      send(Return, { sku: 'a' })
      // @ts-expect-error wrong data of a command
      send(Take, { sku: 1 })
      // @ts-expect-error events are published, not sent
      send(Taken, { orderId: data.orderId })
      // @ts-expect-error commands are sent, not published
      publish(Take, { sku: 'a' })
      return commit(async () => {
        publish(Taken, { orderId: data.orderId })
        // @ts-expect-error wrong data within the commit
        publish(Taken, { order: data.orderId })
      })
    },
  },
})
is<Same<DataFor<typeof Taken | typeof Short>, { orderId: string } & { orderId: string; missing: number }>>()

// ── what they return ─────────────────────────────────────────────────────────────────────────────────────────────

processor('returns', {
  on: Orders,
  handle: {
    // @ts-expect-error an event has no reply
    'order.placed': () => 3,
    // @ts-expect-error also not through a promise
    'order.cancelled': async () => ({ done: true }),
  },
})
processor('committed', {
  on: Orders,
  handle: {
    'order.placed': (_, { commit }) => commit(() => 'whatever'),
    'order.cancelled': async (_, { commit }) => commit(async () => ({ any: 'value' })),
  },
})
processor('awaits', {
  on: Orders,
  handle: {
    'order.placed': async (_, { commit }) => {
      const result = commit(() => 3)
      // @ts-expect-error there is nothing to wait for
      result.then(() => {})
      return result
    },
  },
})
processor('replies', {
  on: Stock,
  handle: {
    'stock.take': async ({ data }, { commit }) => {
      is<Same<typeof data, { sku: string }>>()
      return commit(async (tx) => {
        const [row] = await tx.query<{ left: number }>`update stock set left = left - 1 returning left`
        if (row === undefined) throw new Refused('out of stock', { short: 1 })
        const tried = tx.attempt((inner) => {
          is<Same<typeof inner, Tx>>()
          // @ts-expect-error what publishes is the handler's, not the transaction's
          inner.publish
          return row.left
        })
        is<Same<typeof tried, Promise<number>>>()
        // @ts-expect-error it takes a function
        tx.attempt(7)
        return { left: await tried }
      })
    },
    'stock.return': () => {},
  },
})
processor('reply without commit', {
  on: Stock,
  handle: { 'stock.take': () => ({ left: 1 }), 'stock.return': () => {} },
})
processor('wrong reply', {
  on: Stock,
  handle: {
    // @ts-expect-error the reply has `left`
    'stock.take': () => ({ lft: 1 }),
    // @ts-expect-error it has no reply
    'stock.return': () => 1,
  },
})
processor('wrong reply out of commit', {
  on: Stock,
  handle: {
    // @ts-expect-error the reply has `left`, out of a transaction too
    'stock.take': async (_, { commit }) => commit(async () => ({ lft: 1 })),
    'stock.return': () => {},
  },
})
processor('no reply', {
  on: Stock,
  handle: {
    // @ts-expect-error a reply is due
    'stock.take': async () => {},
    'stock.return': () => {},
  },
})
// @ts-expect-error a channel needs a handler for each command
processor('missing', { on: Stock, handle: { 'stock.take': () => ({ left: 1 }) } })
// @ts-expect-error also when it has none
processor('missing', { on: Stock, handle: {} })

// ── replies and refusals ─────────────────────────────────────────────────────────────────────────────────────────

is<Same<ReplyOf<typeof Take>, { left: number }>>()
is<Same<ReplyOf<typeof Return>, void>>()
is<Same<RefusalOf<typeof Take>, { short: number }>>()
const caught: unknown = undefined
if (Refused.by(Take, caught)) {
  is<Same<typeof caught.data, { short: number }>>()
  is<Same<typeof caught.message, string>>()
  // @ts-expect-error a refusal has the data of its schema
  caught.data.shrt
}
// @ts-expect-error events are not refused to anybody
Refused.by(Placed, caught)
// @ts-expect-error not narrowed, not known
caught.data

// ── the app ──────────────────────────────────────────────────────────────────────────────────────────────────────

declare const shop: App
export async function outside(): Promise<void> {
  const accepted = await shop.publish(Placed, { orderId: 'a', quantity: 1 }, { id: 'a' })
  is<Same<typeof accepted.id, string>>()
  is<Same<typeof accepted.duplicate, true | undefined>>()
  await shop.send(Take, { sku: 'a' })
  // @ts-expect-error wrong data
  await shop.publish(Placed, { orderId: 'a' })
  // @ts-expect-error the data of another type
  await shop.publish(Placed, { orderId: 'a', missing: 1 })
  // @ts-expect-error commands are sent
  await shop.publish(Take, { sku: 'a' })
  // @ts-expect-error events are published
  await shop.send(Placed, { orderId: 'a', quantity: 1 })
  // @ts-expect-error a name is no type
  await shop.publish('order.placed', { orderId: 'a', quantity: 1 })
  // @ts-expect-error no such option
  await shop.publish(Placed, { orderId: 'a', quantity: 1 }, { ids: 'a' })
  // @ts-expect-error data of the wrong branch
  await shop.publish(accepted.duplicate ? Taken : Short, { orderId: 'a' })
  const value = await shop.transaction(async (tx) => {
    tx.publish(Placed, { orderId: 'a', quantity: 1 })
    tx.send(Return, { sku: 'a' })
    // @ts-expect-error wrong data
    tx.publish(Placed, { orderId: 'a' })
    // @ts-expect-error commands are sent
    tx.publish(Return, { sku: 'a' })
    const tried = await tx.attempt(async (inner) => {
      is<Same<typeof inner, AppTx>>()
      inner.publish(Placed, { orderId: 'a', quantity: 1 })
      // @ts-expect-error wrong data
      inner.publish(Placed, { orderId: 'a' })
      return { left: 1 }
    })
    is<Same<typeof tried, { left: number }>>()
    return 3
  })
  is<Same<typeof value, number>>()
  shop.tail((message) => is<Same<typeof message, Stored>>())
}

// A message of a union of types narrows by its type.
export function narrows(message: Message<typeof Placed> | Message<typeof Cancelled>): number {
  if (message.type === 'order.placed') return message.data.quantity
  // @ts-expect-error the other type has no quantity
  return message.data.quantity
}
