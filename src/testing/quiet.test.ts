import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { type App, app, event, processor, sqlite, topic } from 'millrace'
import { nextOf, quiet } from 'millrace/testing'
import { z } from 'zod'
import { coded, place, started } from '../../test/support.ts'

const Placed = event('order.placed', { schema: z.object({ id: z.string() }), context: (order) => order.id })
const Taken = event('stock.taken', { schema: z.object({ id: z.string(), left: z.number() }) })
const Unused = event('order.unused', { schema: z.object({}) })
const Orders = topic('orders', [Placed, Unused])
const Moves = topic('stock-moves', [Taken])

/** What `taking` does before it publishes. */
type Before = (id: string) => unknown

async function shop(t: TestContext, before: Before = () => {}): Promise<App> {
  const taking = processor('taking', {
    on: Orders,
    publishes: [Taken],
    retry: { attempts: 1 },
    handle: {
      'order.placed': async ({ data: { id } }, { publish }) => {
        await before(id)
        publish(Taken, { id, left: 3 })
      },
    },
  })
  const log = () => {}
  return started(t, app({ name: 'shop', broker: sqlite({ file: place(t) }), parts: [Orders, Moves, taking], log }))
}

/** A handler waits at it until it is opened. */
function gate(t: TestContext) {
  const { promise, resolve } = Promise.withResolvers<void>()
  t.after(() => resolve())
  return { open: resolve, passed: promise }
}

test('quiet waits until everything is handled', async (t) => {
  const { open, passed } = gate(t)
  const running = await shop(t, () => passed)
  await quiet(running)
  await running.publish(Placed, { id: 'a' })
  let isQuiet = false
  const waiting = quiet(running).then(() => {
    isQuiet = true
  })
  await running.read`select 1`
  assert(!isQuiet)
  open()
  await waiting
  assert.deepEqual(await running.processors.list().then(([row]) => row?.lag), 0)
})

test('a held message counts as quiet', async (t) => {
  const running = await shop(t, () => Promise.reject(new Error('no')))
  await running.publish(Placed, { id: 'a' })
  await quiet(running)
  assert.equal((await running.desk.counts()).held, 1)
})

test('quiet names what still runs and lags when its time is over', async (t) => {
  const { passed } = gate(t)
  const running = await shop(t, () => passed)
  for (const id of ['a', 'b', 'b']) await running.publish(Placed, { id })
  const says = /^app "shop" is not quiet after 20 ms: processor "taking" runs 2 and has 3 of "orders" not done$/
  await assert.rejects(quiet(running, { timeoutMs: 20 }), coded('millrace/not-quiet', says))
})

test('quiet fails on an app that is not started, and on unknown options', async (t) => {
  const running = await shop(t)
  await running.stop()
  await assert.rejects(quiet(running), coded('millrace/not-started'))
  await assert.rejects(quiet(running, { timeoutMS: 1 } as never), coded('millrace/unknown-option', /"timeoutMs"\?$/))
  for (const timeoutMs of [0, 1.5, Number.NaN, 86_400_001]) {
    await assert.rejects(quiet(running, { timeoutMs }), coded('millrace/bad-option', /^quiet: timeoutMs is/))
  }
})

test('the next message of a type is given as handlers get it', async (t) => {
  const running = await shop(t)
  await running.publish(Placed, { id: 'before' })
  await quiet(running)
  const { id, time, ...rest } = await nextOf(running, Taken, {
    during: () => running.publish(Placed, { id: 'a' }, { id: 'm-1' }),
  })
  assert.match(id, /^[0-9a-f-]{36}$/)
  assert.equal(typeof time, 'number')
  assert(Object.isFrozen(rest.data))
  assert.deepEqual(rest, {
    type: 'stock.taken',
    source: '/shop/taking',
    context: undefined,
    correlationId: 'm-1',
    causationId: 'm-1',
    version: 1,
    data: { id: 'a', left: 3 },
  })
})

test('without during the message may be waited for first and caused later', async (t) => {
  const running = await shop(t)
  const next = nextOf(running, Taken)
  await quiet(running)
  await running.publish(Placed, { id: 'a' })
  assert.equal((await next).data.id, 'a')
  const own = nextOf(running, Placed)
  await running.publish(Placed, { id: 'b' })
  assert.equal((await own).data.id, 'b')
})

test('only a message that fits is given', async (t) => {
  const running = await shop(t)
  const { data } = await nextOf(running, Taken, {
    where: (taken) => taken.data.id === 'c',
    during: async () => {
      for (const id of ['a', 'b', 'c', 'd']) await running.publish(Placed, { id })
    },
  })
  assert.equal(data.id, 'c')
})

test('it fails once the app is quiet without the message, and names the messages that came and those held', async (t) => {
  const running = await shop(t, (id) => (id === 'bad' ? Promise.reject(new Error('no such mill')) : undefined))
  const publish = async () => {
    for (const id of ['a', 'bad', 'b']) await running.publish(Placed, { id })
  }
  await assert.rejects(
    nextOf(running, Unused, { during: publish }),
    coded(
      'millrace/not-seen',
      /^no event "order\.unused" came before app "shop" was quiet; what came instead: (3 "order\.placed", 2 "stock\.taken"|2 "stock\.taken", 3 "order\.placed"); at the desk 1 held: "order\.placed" by "taking": no such mill$/,
    ),
  )
  const where = () => false
  await assert.rejects(
    nextOf(running, Taken, { where, during: () => running.publish(Placed, { id: 'c' }) }),
    coded(
      'millrace/not-seen',
      /^no event "stock\.taken" that fits came .*; what came instead: 1 "order\.placed", 1 "stock\.taken" that did not fit \(\{"id":"c","left":3\}\)/,
    ),
  )
  const next = nextOf(running, Unused)
  await running.publish(Placed, { id: 'd' })
  await assert.rejects(next, coded('millrace/not-seen', /1 "order\.placed", 1 "stock\.taken"/))
})

test('with during that leads to nothing it fails at once, without it only after its time', async (t) => {
  const running = await shop(t)
  await assert.rejects(
    nextOf(running, Taken, { during: () => {} }),
    coded('millrace/not-seen', /was quiet; nothing was accepted since the call$/),
  )
  await assert.rejects(
    nextOf(running, Taken, { timeoutMs: 20 }),
    coded('millrace/not-seen', /^no event "stock\.taken" came within 20 ms; nothing was accepted since the call$/),
  )
})

test('quietness while during runs does not count', async (t) => {
  const running = await shop(t)
  const { data } = await nextOf(running, Taken, {
    where: (taken) => taken.data.id === 'b',
    during: async () => {
      await running.publish(Placed, { id: 'a' })
      await quiet(running)
      await running.publish(Placed, { id: 'b' })
    },
  })
  assert.equal(data.id, 'b')
})

test('errors of during and where come through', async (t) => {
  const running = await shop(t)
  const broken = new Error('broken')
  const throws = () => {
    throw broken
  }
  await assert.rejects(nextOf(running, Taken, { during: throws }), broken)
  await assert.rejects(nextOf(running, Taken, { during: () => Promise.reject(broken) }), broken)
  const during = () => running.publish(Placed, { id: 'a' })
  await assert.rejects(nextOf(running, Taken, { where: throws, during }), broken)
  await quiet(running)
})

test('its time is over also while during hangs', async (t) => {
  const running = await shop(t)
  const hanging = nextOf(running, Taken, { timeoutMs: 20, during: () => new Promise(() => {}) })
  await assert.rejects(hanging, coded('millrace/not-seen', /came within 20 ms/))
})

test('a type that is not of the app, a stopped app and wrong options are refused', async (t) => {
  const running = await shop(t)
  const Other = event('stock.takn', { schema: z.object({}) })
  await assert.rejects(nextOf(running, Other), coded('millrace/type-without-topic', /did you mean "stock\.taken"\?$/))
  await assert.rejects(nextOf(running, Taken, { were: 1 } as never), coded('millrace/unknown-option', /"where"\?$/))
  await assert.rejects(nextOf(running, Taken, { where: 1 } as never), coded('millrace/bad-option', /where must be/))
  await running.stop()
  await assert.rejects(nextOf(running, Taken, { during: () => {} }), coded('millrace/not-started'))
})
