// Type test, compiled and not run: delays, schedules and gathers.
import { type App, channel, command, event, gather, processor, route, schedule, topic } from 'millrace'
import { z } from 'zod'
import { is, type Same } from './is.ts'

const Placed = event('order.placed', { schema: z.object({ orderId: z.string(), cents: z.number() }) })
const Cancelled = event('order.cancelled', { schema: z.object({ orderId: z.string(), reason: z.string() }) })
const Orders = topic('orders', [Placed, Cancelled])
const Digested = event('orders.digested', { schema: z.object({ orderIds: z.array(z.string()) }) })
const Remind = command('remind', { schema: z.object({}) })
const Count = command('count', { schema: z.object({}), reply: z.number() })
const Reminders = channel('reminders', [Remind])
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
    },
  },
})

processor('takes back', {
  on: Orders,
  publishes: [Digested],
  sends: [Remind],
  handle: {
    // What publish gives may be returned.
    'order.placed': (_, { publish }) => publish(Digested, { orderIds: [] }, { id: 'a', delayMs: 5 }),
    'order.cancelled': (_, { publish, send, cancel, commit }) => {
      const id = publish(Digested, { orderIds: [] }, { delayMs: 5 })
      is<Same<typeof id, string>>()
      const sent = send(Remind, {}, { id: 'b' })
      is<Same<typeof sent, string>>()
      const nothing = cancel(Digested, id)
      is<Same<typeof nothing, void>>()
      cancel(Remind, 'b')
      // @ts-expect-error only what it declares
      cancel(Placed, 'a')
      // @ts-expect-error an id is a string
      cancel(Digested, 5)
      // @ts-expect-error there is no such option
      publish(Digested, { orderIds: [] }, { ID: 'a' })
      return commit(() => cancel(Digested, 'c'))
    },
  },
})
processor('declares nothing', {
  on: Orders,
  handle: {
    'order.placed': (_, { cancel }) => {
      // @ts-expect-error nothing is declared in publishes or sends
      cancel(Digested, 'a')
    },
  },
})
// What send gives may be returned where there is no reply.
processor('reminds', {
  on: Reminders,
  sends: [Remind],
  handle: { remind: (_, { send }) => send(Remind, {}, { delayMs: 5 }) },
})
processor('replies', {
  on: channel('counted', [Count]),
  sends: [Remind],
  // @ts-expect-error the reply is a number, not the id of another command
  handle: { count: (_, { send }) => send(Remind, {}) },
})
route('sends later', {
  on: Orders,
  sends: [Remind],
  handle: {
    'order.placed': (_, to) => {
      const id = to.send(Remind, {}, { id: 'a', delayMs: 5 })
      is<Same<typeof id, string>>()
    },
  },
})

export async function late(app: App) {
  await app.publish(Placed, { orderId: 'a', cents: 1 }, { id: 'a', at: 5 })
  const taken = await app.cancel(Placed, 'a')
  is<Same<typeof taken, boolean>>()
  const id = await app.transaction((tx) => tx.publish(Placed, { orderId: 'a', cents: 1 }, { id: 'b', delayMs: 5 }))
  is<Same<typeof id, string>>()
  await app.transaction((tx) => {
    const nothing = tx.cancel(Placed, 'b')
    is<Same<typeof nothing, void>>()
    const sent = tx.send(Remind, {})
    is<Same<typeof sent, string>>()
  })
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
