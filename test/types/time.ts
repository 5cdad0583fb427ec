// Type test, compiled and not run: delays, schedules and gathers.
import { type App, event, gather, processor, schedule, topic } from 'millrace'
import { z } from 'zod'
import { is, type Same } from './is.ts'

const Placed = event('order.placed', { schema: z.object({ orderId: z.string(), cents: z.number() }) })
const Cancelled = event('order.cancelled', { schema: z.object({ orderId: z.string(), reason: z.string() }) })
const Orders = topic('orders', [Placed, Cancelled])
const Digested = event('orders.digested', { schema: z.object({ orderIds: z.array(z.string()) }) })
const Elsewhere = event('elsewhere', { schema: z.object({}) })

// ── delays ───────────────────────────────────────────────────────────────────────────────────────────────────────

processor('late', {
  on: Orders,
  publishes: [Digested],
  handle: {
    'order.placed': (_, { publish }) => {
      publish(Digested, { orderIds: [] }, { delayMs: 5 })
      publish(Digested, { orderIds: [] }, { at: new Date(0) })
      // @ts-expect-error neither a date nor a number
      publish(Digested, { orderIds: [] }, { at: '2026-01-01' })
      // @ts-expect-error a handler's messages have no id of their own
      publish(Digested, { orderIds: [] }, { id: 'a', delayMs: 5 })
    },
  },
})

export async function late(app: App) {
  await app.publish(Placed, { orderId: 'a', cents: 1 }, { id: 'a', at: 5 })
  const taken = await app.cancel(Placed, 'a')
  is<Same<typeof taken, boolean>>()
  await app.transaction((tx) => tx.publish(Placed, { orderId: 'a', cents: 1 }, { delayMs: 5 }))
  // @ts-expect-error there is no such option
  await app.publish(Placed, { orderId: 'a', cents: 1 }, { delay: 5 })
}

// ── schedules ────────────────────────────────────────────────────────────────────────────────────────────────────

schedule('value', { cron: '@daily', publishes: Digested, data: { orderIds: [] } })
schedule('function', {
  cron: '@daily',
  missed: 'once',
  publishes: Digested,
  data: (slot) => {
    is<Same<typeof slot.at, Date>>()
    return { orderIds: [slot.at.toISOString()] }
  },
})
// @ts-expect-error the value does not fit the schema
schedule('wrong value', { cron: '@daily', publishes: Digested, data: { orderIds: [5] } })
// @ts-expect-error what the function gives does not either
schedule('wrong function', { cron: '@daily', publishes: Digested, data: ({ at }) => ({ orderIds: at }) })
// @ts-expect-error no such policy
schedule('wrong policy', { cron: '@daily', missed: 'none', publishes: Digested, data: { orderIds: [] } })
// @ts-expect-error a topic is no event
schedule('wrong event', { cron: '@daily', publishes: Orders, data: {} })

// ── gathers ──────────────────────────────────────────────────────────────────────────────────────────────────────

gather('one type', {
  on: Orders,
  of: [Placed],
  publishes: Digested,
  count: 5,
  when: {
    value: (items) => {
      is<Same<(typeof items)[number], { orderId: string; cents: number }>>()
      return items.reduce((sum, { cents }) => sum + cents, 0)
    },
    above: 100,
  },
  data: (items) => {
    is<Same<(typeof items)[number], { orderId: string; cents: number }>>()
    return { orderIds: items.map(({ orderId }) => orderId) }
  },
})
gather('both types', {
  on: Orders,
  of: [Placed, Cancelled],
  publishes: Digested,
  count: 5,
  data: (items) => {
    is<Same<(typeof items)[number], { orderId: string; cents: number } | { orderId: string; reason: string }>>()
    return { orderIds: items.map(({ orderId }) => orderId) }
  },
})
gather('wrong data', {
  on: Orders,
  of: [Placed],
  publishes: Digested,
  count: 5,
  // @ts-expect-error the event has other data
  data: (items) => ({ orderIds: items }),
})
// @ts-expect-error the type is not on the topic
gather('wrong type', { on: Orders, of: [Elsewhere], publishes: Digested, count: 5, data: () => ({ orderIds: [] }) })
