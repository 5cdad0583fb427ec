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
  schedule,
  sqlite,
  topic,
} from 'millrace'
import { z } from 'zod'
import { coded, place } from './support.ts'

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
/** Another part under another name, or the same under a new one. */
type Is = { readonly startAt?: 'beginning'; readonly renamedFrom?: string }
const cards = (name: string, is: Is = {}) => processor(name, { on: Cards, ...is, handle: { charge: () => {} } })
const flow = (name: string, is: Is = {}) =>
  mediator(name, {
    on: Orders,
    ...is,
    startedBy: Placed,
    sends: [Charge],
    run: ({ data }, flow) => flow.call('c', Charge, data),
  })
const chooses = (name: string, is: Is = {}) => route(name, { on: Orders, ...is, handle: { placed: () => {} } })
const digest = (name: string, is: Is = {}) =>
  gather(name, { on: Orders, ...is, of: [Placed], publishes: Digested, count: 100, data: () => ({ n: 0 }) })

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
  `a part that was renamed needs renamedFrom {"messages":${messages}}`
const isGone = (name: string, on: string, messages = 0) =>
  `warn: part "${name}" is gone from ${on}; the messages that it needs are kept until it is retired {"messages":${messages}}`

test('a file that is new has no part that is new, and nothing is said while the parts stay the same', async (t) => {
  const run = runs(t)
  const parts = [onOrders('bill'), flow('order'), digest('digest'), cards('cards')]
  assert.deepEqual(await run(parts, 3), [])
  assert.deepEqual(await run(parts), [])
})

test('a part of any kind that takes the place of another is said to be new, with its messages, and the other gone', async (t) => {
  const run = runs(t)
  await run([onOrders('bill'), flow('order'), digest('digest'), chooses('chooses'), cards('cards')], 3)
  const is = { startAt: 'beginning' } as const
  const others = [
    onOrders('billing'),
    flow('ordering', is),
    digest('digests', is),
    chooses('chose', is),
    cards('card', is),
  ]
  const topic = 'topic "orders"'
  const said = await run(others)
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
  assert.equal((await run(others)).filter((line) => line.includes('is new')).length, 0, 'it is said once')
})

test('a part of any kind that was renamed is said once to take over, and nothing is new or gone', async (t) => {
  const run = runs(t)
  const nightly = (name: string, renamedFrom?: string) =>
    schedule(name, { cron: '@yearly', renamedFrom, publishes: Digested, data: { n: 0 } })
  const waits = (name: string, renamedFrom?: string) =>
    mediator(name, { startedBy: Placed, renamedFrom, run: (_, flow) => flow.sleep('long', 3_600_000) })
  const starts = (mediator: ReturnType<typeof waits>) =>
    route('starts', { on: Orders, starts: [mediator], handle: { placed: ({ data }, to) => to.start(mediator, data) } })
  const wait = waits('wait')
  await run(
    [flow('order'), digest('digest'), chooses('chooses'), cards('cards'), nightly('night'), wait, starts(wait)],
    3,
  )
  const waited = waits('waited', 'wait')
  const renamed = [
    flow('ordering', { renamedFrom: 'order' }),
    digest('digests', { renamedFrom: 'digest' }),
    chooses('chose', { renamedFrom: 'chooses' }),
    cards('card', { renamedFrom: 'cards' }),
    nightly('nightly', 'night'),
    waited,
    starts(waited),
  ]
  const takesOver = (part: string, earlier: string) => `info: ${part} takes over what "${earlier}" had {}`
  assert.deepEqual(
    (await run(renamed)).sort(),
    [
      takesOver('gather "digests"', 'digest'),
      takesOver('mediator "ordering"', 'order'),
      takesOver('mediator "waited"', 'wait'),
      takesOver('processor "card"', 'cards'),
      takesOver('route "chose"', 'chooses'),
      takesOver('schedule "nightly"', 'night'),
    ].sort(),
  )
  assert.deepEqual(await run(renamed), [])
})

test('a start with only renames the parts that it leaves out, and asks about them', async (t) => {
  const run = runs(t)
  await run([onOrders('bill'), flow('order'), cards('cards')], 2)
  const asked = run([onOrders('bill'), flow('ordering'), cards('cards')], 0, { only: ['bill'] })
  await assert.rejects(asked, coded('millrace/renamed-or-new', /^mediator "ordering" is new on topic "orders"/))
  const renamed = [onOrders('bill'), flow('ordering', { renamedFrom: 'order' }), cards('cards')]
  assert.deepEqual(await run(renamed, 0, { only: ['bill'] }), [
    'info: mediator "ordering" takes over what "order" had {}',
  ])
  assert.deepEqual(await run(renamed), [])
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
