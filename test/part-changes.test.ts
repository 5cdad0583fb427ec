// What a start says about parts that are new where there are messages already, and about those that are gone.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import {
  app,
  channel,
  command,
  event,
  gather,
  mediator,
  type Part,
  processor,
  route,
  type StartOptions,
  sqlite,
  topic,
} from 'millrace'
import { z } from 'zod'
import { place } from './support.ts'

const schema = z.object({ n: z.number() })
const Placed = event('placed', { schema })
const Paid = event('paid', { schema })
const Digested = event('digested', { schema })
const Charge = command('charge', { schema })
const Orders = topic('orders', [Placed])
const Payments = topic('payments', [Paid])
const Digests = topic('digests', [Digested])
const Cards = channel('cards', [Charge])

const onOrders = (name: string, startAt: 'beginning' | 'now' | Date = 'beginning') =>
  processor(name, { on: Orders, startAt, handle: { placed: () => {} } })
const onPayments = (name: string) => processor(name, { on: Payments, handle: { paid: () => {} } })
const cards = (name: string) => processor(name, { on: Cards, handle: { charge: () => {} } })
const flow = (name: string) =>
  mediator(name, {
    on: Orders,
    startedBy: Placed,
    sends: [Charge],
    run: ({ data }, flow) => flow.call('c', Charge, data),
  })
const digest = (name: string) =>
  gather(name, { on: Orders, of: [Placed], publishes: Digested, count: 100, data: () => ({ n: 0 }) })

/** Runs apps one after the other on one file; gives the lines that each start has logged. */
function runs(t: TestContext) {
  const file = place(t)
  return async (parts: readonly Part[], publish = 0, options: StartOptions = {}) => {
    const lines: string[] = []
    const log = (level: string, text: string, fields = {}) =>
      void lines.push(`${level}: ${text} ${JSON.stringify(fields)}`)
    const one = app({ name: 'shop', broker: sqlite({ file }), parts: [Orders, Payments, Digests, ...parts], log })
    t.after(() => one.stop({ graceMs: 0 }))
    await one.start(options)
    const said = lines.splice(0)
    for (let n = 0; n < publish; n++) {
      await one.publish(Placed, { n })
      await one.publish(Paid, { n })
    }
    await one.idle()
    await one.stop()
    assert.deepEqual(lines, [], 'nothing but the start says anything')
    return said
  }
}

const isNew = (name: string, on: string, messages: number) =>
  `warn: part "${name}" is new on ${on} and handles ${messages === 1 ? 'the message that is' : `the ${messages} messages that are`} there; ` +
  `a part that was renamed handles all of them again {"messages":${messages}}`
const isGone = (name: string, on: string, messages = 0) =>
  `warn: part "${name}" is gone from ${on}; the messages that it needs are kept until it is retired {"messages":${messages}}`

test('a file that is new has no part that is new, and nothing is said while the parts stay the same', async (t) => {
  const run = runs(t)
  const parts = [onOrders('bill'), flow('order'), digest('digest'), cards('cards')]
  assert.deepEqual(await run(parts, 3), [])
  assert.deepEqual(await run(parts), [])
})

test('a part of any kind that was renamed is said to be new, with the messages that it handles again, and gone', async (t) => {
  const run = runs(t)
  const chooses = (name: string) => route(name, { on: Orders, handle: { placed: () => {} } })
  await run([onOrders('bill'), flow('order'), digest('digest'), chooses('chooses'), cards('cards')], 3)
  const renamed = [onOrders('billing'), flow('ordering'), digest('digests'), chooses('chose'), cards('card')]
  const topic = 'topic "orders"'
  const said = await run(renamed)
  assert.deepEqual(
    said.sort(),
    [
      isGone('bill', topic),
      isGone('cards', 'channel "cards"'),
      isGone('chooses', topic),
      isGone('digest', topic),
      isGone('digest.due', 'channel "digest.due"'),
      isGone('order', topic),
      isNew('billing', topic, 3),
      isNew('card', 'channel "cards"', 3),
      isNew('chose', topic, 3),
      isNew('digests', topic, 3),
      isNew('ordering', topic, 3),
    ].sort(),
  )
  assert.equal((await run(renamed)).filter((line) => line.includes('is new')).length, 0, 'it is said once')
})

test('a part that moves to another topic is new there and gone from where it was', async (t) => {
  const run = runs(t)
  await run([onOrders('books')], 1)
  assert.deepEqual(await run([onPayments('books')]), [
    isNew('books', 'topic "payments"', 1),
    isGone('books', 'topic "orders"'),
  ])
})

test('a part that finds nothing to handle is not said to be new: its topic is empty, or it begins now', async (t) => {
  const run = runs(t)
  await run([onOrders('first')], 2)
  const later = new Date(Date.now() + 86_400_000)
  const empty = processor('empty', { on: Digests, handle: {} })
  assert.deepEqual(await run([onOrders('first'), onOrders('now', 'now'), onOrders('later', later), empty]), [])
  const early = onOrders('early', new Date(0))
  assert.deepEqual(await run([onOrders('first'), onOrders('now'), onOrders('later'), empty, early]), [
    isNew('early', 'topic "orders"', 2),
  ])
})

test('a part that is gone is said to be so at each start until it is retired, with the messages that it has missed', async (t) => {
  const run = runs(t)
  await run([onOrders('stays'), onOrders('goes')], 1)
  assert.deepEqual(await run([onOrders('stays')], 2), [isGone('goes', 'topic "orders"', 0)])
  assert.deepEqual(await run([onOrders('stays')]), [isGone('goes', 'topic "orders"', 2)])
})

test('with only nothing is said: the parts that are left out are not gone', async (t) => {
  const run = runs(t)
  await run([onOrders('bill')], 1)
  assert.deepEqual(await run([onOrders('billing'), onOrders('other')], 0, { only: ['billing'] }), [])
})

test('a mediator that is gone is said to have flows under way, also one that only routes start', async (t) => {
  const run = runs(t)
  const waits = mediator('waits', { startedBy: Placed, run: (_, flow) => flow.sleep('long', 3_600_000) })
  const chooses = route('chooses', {
    on: Orders,
    starts: [waits],
    handle: { placed: ({ data }, to) => to.start(waits, data) },
  })
  const plain = route('chooses', { on: Orders, handle: { placed: () => {} } })
  assert.deepEqual(await run([chooses, waits], 2), [])
  assert.deepEqual(await run([plain]), [
    'warn: mediator "waits" is gone; its pending flows wait until it is back {"flows":2}',
  ])
})

test('a mediator that no topic starts may be named in only', async (t) => {
  const run = runs(t)
  const waits = mediator('waits', { startedBy: Placed, run: () => {} })
  assert.deepEqual(await run([onOrders('bill'), waits], 0, { only: ['waits'] }), [])
})
