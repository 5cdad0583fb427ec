// `app.messages`: lists, one message with what became of it, its story.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { app, channel, command, event, type MessagePage, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { coded, place, started, until } from './support.ts'

const order = z.object({ order: z.string(), note: z.string().optional() })
const Placed = event('order.placed', { schema: order, context: (data) => data.order })
const Packed = event('order.packed', { schema: order, context: (data) => data.order })
const Label = command('label.print', { schema: order, context: (data) => data.order })
const Orders = topic('orders', [Placed, Packed])
const Labels = channel('labels', [Label])
const Ticked = event('ticked', { schema: z.object({ n: z.number() }) })
const Ticks = topic('ticks', [Ticked])

const pack = processor('pack', {
  on: Orders,
  publishes: [Packed],
  sends: [Label],
  retry: { attempts: 1 },
  handle: {
    'order.placed': ({ data }, { publish, send }) => {
      if (data.note === 'broken') throw new Error('no box fits')
      publish(Packed, { order: data.order })
      send(Label, { order: data.order })
    },
  },
})
const printer = processor('printer', { on: Labels, handle: { 'label.print': () => {} } })

async function shopOf(t: TestContext) {
  const file = place(t)
  const made = () =>
    app({ name: 'shop', broker: sqlite({ file }), parts: [Orders, Labels, Ticks, pack, printer], log: () => {} })
  return { file, made, shop: await started(t, made()) }
}

/** Reads a list to its end. */
async function all(read: (after: string | undefined) => Promise<MessagePage>) {
  const items = []
  for (let after: string | undefined; ; ) {
    const page = await read(after)
    items.push(...page.items)
    assert.equal(page.complete, page.next === null)
    if (page.next === null) return items
    after = page.next
  }
}

test('a hundred thousand messages are paged without a gap or a repeat while others are appended', async (t) => {
  const { shop } = await shopOf(t)
  const count = 100_000
  for (let n = 0; n < count; n += 10_000) {
    await shop.publishMany(
      Ticked,
      Array.from({ length: 10_000 }, (_, at) => ({ data: { n: n + at } })),
    )
  }
  let more = 0
  const newest = await all(async (after) => {
    await shop.publish(Ticked, { n: -1 })
    more++
    return shop.messages.list({ destination: 'ticks', after, limit: 200 })
  })
  // The first page shows the one that was published before it.
  assert.deepEqual(
    newest.map(({ position }) => position),
    Array.from({ length: count + 1 }, (_, at) => count + 1 - at),
  )
  const oldest = await all((after) => shop.messages.list({ order: 'oldest', type: 'ticked', after, limit: 200 }))
  assert.deepEqual(
    oldest.map(({ position }) => position),
    Array.from({ length: count + more }, (_, at) => at + 1),
  )
})

test('a list merges topics and channels by time, and filters by each field', async (t) => {
  const { shop } = await shopOf(t)
  const before = Date.now()
  for (const name of ['a', 'b', 'c']) await shop.publish(Placed, { order: name }, { id: name })
  await shop.idle()
  const typesOf = async (filter: object) => (await shop.messages.list(filter)).items.map(({ type }) => type)
  const { items, next, complete, lookedBackTo } = await shop.messages.list()
  assert.deepEqual(
    { next, complete, lookedBackTo, count: items.length },
    {
      next: null,
      complete: true,
      lookedBackTo: null,
      count: 9,
    },
  )
  for (const name of ['orders', 'labels']) {
    const positions = items.filter(({ destination }) => destination === name).map(({ position }) => position)
    assert.deepEqual(
      positions,
      positions.toSorted((a, b) => b - a),
    )
  }
  assert.deepEqual(await typesOf({ destination: 'labels' }), Array(3).fill('label.print'))
  assert.deepEqual((await typesOf({ context: 'b', order: 'oldest' })).toSorted(), [
    'label.print',
    'order.packed',
    'order.placed',
  ])
  assert.deepEqual(await typesOf({ type: 'order.packed', correlation: 'c' }), ['order.packed'])
  assert.deepEqual(await typesOf({ until: before }), [])
  assert.equal((await typesOf({ since: before })).length, 9)
  const paged = await all((after) => shop.messages.list({ after, limit: 2 }))
  assert.deepEqual(paged, items)
  await assert.rejects(shop.messages.list({ destination: 'order' }), coded('millrace/unknown-name', /"orders"/))
  await assert.rejects(shop.messages.list({ limit: 201 }), coded('millrace/bad-option', /at most 200/))
  await assert.rejects(shop.messages.list({ after: 'x-1' }), coded('millrace/bad-option', /"next" of a page/))
  await assert.rejects(shop.messages.list({ topic: 'x' } as never), coded('millrace/unknown-option', /topic/))
})

test('a list in which nothing matches says how far it looked, and looks further', async (t) => {
  const { shop } = await shopOf(t)
  const count = 150_000
  await shop.publish(Ticked, { n: -1 }, { id: 'first' })
  for (let n = 0; n < count; n += 10_000) {
    await shop.publishMany(
      Ticked,
      Array.from({ length: 10_000 }, (_, at) => ({ data: { n: n + at } })),
    )
  }
  const first = await shop.messages.list({ destination: 'ticks', correlation: 'first' })
  assert.deepEqual([first.items.length, first.complete], [0, false])
  const since = first.lookedBackTo!
  const [far] = (await shop.messages.list({ destination: 'ticks', order: 'oldest', since, limit: 1 })).items
  assert(far !== undefined && far.position <= count - 100_000 + 2, 'it looked at 100,000 messages')
  const rest = await shop.messages.list({ destination: 'ticks', correlation: 'first', after: first.next! })
  assert.deepEqual([rest.items.map(({ id }) => id), rest.complete], [['first'], true])
})

test('a message is shown with its data as stored and with its outcome at each processor', async (t) => {
  const { shop } = await shopOf(t)
  const note = 'x'.repeat(100_000)
  await shop.publish(Placed, { order: 'large', note }, { id: 'large' })
  await shop.publish(Placed, { order: 'o', note: 'broken' }, { id: 'broken' })
  await shop.publish(Placed, { order: 'o' }, { id: 'behind' })
  const { id } = await shop.publish(Placed, { order: 'plain' })
  await shop.idle()
  const one = async (of: string) => {
    const { items, complete } = await shop.messages.show(of)
    assert.deepEqual([items.length, complete], [1, true])
    return items[0]!
  }
  assert.equal((await one('large')).json, JSON.stringify({ order: 'large', note }))
  const [listed] = (await shop.messages.list({ context: 'large', type: 'order.placed' })).items
  assert.deepEqual([listed!.json, listed!.bytes], [null, JSON.stringify({ order: 'large', note }).length])
  const [held] = await shop.desk.list({ states: ['held'] })
  const [line] = await shop.desk.list({ states: ['line'] })
  assert.deepEqual((await one('broken')).outcomes, [{ processor: 'pack', state: 'held', item: held!.id }])
  assert.deepEqual((await one('behind')).outcomes, [{ processor: 'pack', state: 'line', item: line!.id }])
  assert.deepEqual((await one(id)).outcomes, [{ processor: 'pack', state: 'done', item: null }])
  await shop.processors.pause('pack')
  await shop.publish(Placed, { order: 'later' }, { id: 'later' })
  assert.deepEqual((await one('later')).outcomes, [{ processor: 'pack', state: 'waiting', item: null }])
  await shop.desk.discard(held!.id, { by: 'ann', reason: 'lost' })
  await until('it is discarded', async () => (await one('broken')).outcomes[0]!.state === 'discarded')
  assert.deepEqual(await shop.messages.show('none'), { items: [], complete: true, lookedUpTo: null })
})

test('a processor that does not take the type of a message is not said to wait for it', async (t) => {
  const { shop } = await shopOf(t)
  await shop.publish(Placed, { order: 'a', note: 'broken' }, { id: 'first' })
  await shop.idle()
  // The held one keeps the position of the processor below all that follows.
  await shop.publish(Packed, { order: 'b' }, { id: 'second' })
  await shop.idle()
  const outcomes = async (id: string) => (await shop.messages.show(id)).items[0]!.outcomes.map(({ state }) => state)
  assert.deepEqual([await outcomes('first'), await outcomes('second')], [['held'], []])
})

test('the story of any message of a flow has its causes and effects, the oldest first', async (t) => {
  const { shop } = await shopOf(t)
  const { id } = await shop.publish(Placed, { order: 'a' })
  await shop.publish(Placed, { order: 'b' }, { id: 'b' })
  await shop.idle()
  const story = await shop.messages.story(id)
  assert.deepEqual([story.correlationId, story.complete, story.next], [id, true, null])
  assert.deepEqual(story.items.map(({ type, causationId }) => [type, causationId]).toSorted(), [
    ['label.print', id],
    ['order.packed', id],
    ['order.placed', null],
  ])
  const effect = story.items.find(({ type }) => type === 'label.print')!
  assert.deepEqual((await shop.messages.story(effect.id)).items, story.items)
  const first = await shop.messages.story('b', { limit: 1 })
  assert.deepEqual([first.items.map(({ id }) => id), first.complete], [['b'], false])
  const rest = await shop.messages.story('b', { after: first.next! })
  assert.deepEqual([rest.items.length, rest.complete], [2, true])
  assert.equal((await shop.messages.story('none')).correlationId, null)
})
