// Messages that another system has made: their identity and their attributes, wherever they are kept.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { app, channel, command, desk, event, hold, type Message, type Part, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { cloudEvent } from '../src/cli/commands/tail.ts'
import { takeIn } from '../src/operate/edge.ts'
import { lastOf } from '../src/operate/last.ts'
import { coded, kept, place, rows, started, until } from './support.ts'

const schema = z.object({ account: z.string(), n: z.number() })
const Moved = event('moved', { schema, context: ({ account }) => account })
const Moves = topic('moves', [Moved])
const Move = command('move', { schema, reply: z.object({ done: z.number() }) })
const Orders = channel('orders', [Move])

const data = { account: 'a', n: 1 }
const one = '//one.example/app'
const two = '//two.example/app'
const attributes = { subject: 'account a', tracestate: 'v=1', sequence: 7, sampled: true, time: '2020-01-01T00:00:00Z' }
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

async function bank(t: TestContext, file: string, parts: readonly Part[] = []) {
  return started(
    t,
    app({ name: 'bank', broker: sqlite({ file }), log: () => {}, parts: [Moves, Orders, served, ...parts] }),
  )
}

const served = processor('served', { on: Orders, handle: { move: ({ data: { n } }) => ({ done: n }) } })

test('a message from elsewhere is known by its source and its id together, across a restart', async (t) => {
  const file = place(t)
  const first = await bank(t, file)
  const from = { source: one, id: 'x' }
  assert.deepEqual(await takeIn(first, Moved, data, from), { id: 'x' })
  assert.deepEqual(await takeIn(first, Moved, data, from), { id: 'x', duplicate: true })
  assert.deepEqual(await takeIn(first, Moved, data, { ...from, source: two }), { id: 'x' })
  assert.deepEqual(await first.publish(Moved, data, { id: 'x' }), { id: 'x' })
  await first.stop()
  const again = await bank(t, file)
  const conflict = coded('millrace/id-conflict')
  await assert.rejects(takeIn(again, Moved, { account: 'a', n: 2 }, from), conflict)
  await assert.rejects(again.publish(Moved, { account: 'a', n: 2 }, { id: 'x' }), conflict)
  for (const source of [one, two]) {
    assert.deepEqual(await takeIn(again, Moved, data, { source, id: 'x' }), { id: 'x', duplicate: true })
  }
  assert.deepEqual(await again.publish(Moved, data, { id: 'x' }), { id: 'x', duplicate: true })
  assert.equal(kept(file, 'moves').length, 3)
})

test('an id that one part of the app has published is the same for every other part', async (t) => {
  const file = place(t)
  const Said = event('said', { schema })
  const says = (name: string) =>
    processor(name, {
      on: Moves,
      publishes: [Said],
      handle: { moved: (message, { publish }) => void publish(Said, message.data, { id: 'said' }) },
    })
  const shop = await bank(t, file, [topic('sayings', [Said]), says('left'), says('right')])
  await shop.publish(Moved, data)
  await shop.idle()
  assert.deepEqual(await shop.publish(Said, data, { id: 'said' }), { id: 'said', duplicate: true })
  assert.equal(kept(file, 'sayings').length, 1)
})

test('a handler gets source and attributes as they came, from memory and from disk; own messages have none', async (t) => {
  const file = place(t)
  const seen: Message[] = []
  const sees = (name: string) => processor(name, { on: Moves, handle: { moved: (message) => void seen.push(message) } })
  const shop = await bank(t, file, [sees('live')])
  await takeIn(shop, Moved, data, { source: one, id: 'x', attributes, traceparent })
  await takeIn(shop, Moved, data, { source: one, id: 'bare' })
  await shop.publish(Moved, data, { id: 'own' })
  await shop.idle()
  await shop.stop()
  const later = await bank(t, file, [sees('late')])
  await later.idle()
  const [live, bare, own, ...late] = seen
  assert.deepEqual(late, [live, bare, own])
  assert.deepEqual([live?.source, live?.attributes], [one, attributes])
  assert(Object.isFrozen(live?.attributes) && Object.isFrozen(late[0]?.attributes))
  assert.notEqual(live?.time, Date.parse(attributes.time))
  assert.deepEqual([bare?.source, bare?.attributes], [one, undefined])
  assert.deepEqual([own?.source, own?.attributes], ['/bank', undefined])
})

test('a message held and corrected at the desk keeps its attributes and its source, and its rule sees them', async (t) => {
  const file = place(t)
  const seen: Message[] = []
  const strict = processor('strict', {
    on: Moves,
    retry: { attempts: 1 },
    handle: {
      moved: (message) => {
        if (message.data.n < 0) throw new Error('too little')
        seen.push(message)
      },
    },
  })
  const ruled: unknown[] = []
  const rule = desk('rule', {
    on: Moves,
    decide: {
      moved: ({ message }) => {
        ruled.push(message.attributes)
        return hold('look')
      },
    },
  })
  const first = await bank(t, file, [strict, rule])
  await takeIn(first, Moved, { account: 'a', n: -1 }, { source: one, id: 'x', attributes })
  await until('it is held', async () => (await first.desk.list({ states: ['held'] })).length === 1)
  await first.stop()
  const shop = await bank(t, file, [strict, rule])
  const [item] = await shop.desk.list()
  assert.deepEqual([item?.message.source, item?.message.attributes], [one, attributes])
  await shop.desk.resubmit(item!.id, { account: 'a', n: 1 }, { by: 'ann', reason: 'sign' })
  await shop.idle()
  assert.deepEqual(
    seen.map(({ source, attributes: given, data: { n } }) => [source, given, n]),
    [[one, attributes, 1]],
  )
  assert.deepEqual(ruled, [attributes])
})

test('the tail and the log give a message from elsewhere out again as the CloudEvent that it was', async (t) => {
  const file = place(t)
  const shop = await bank(t, file)
  const tailed: unknown[] = []
  shop.tail(({ attributes: given }) => tailed.push(given))
  const more = { ...attributes, dataschema: 'https://one.example/move.json', datacontenttype: 'application/vnd.x+json' }
  await takeIn(shop, Moved, data, { source: one, id: 'x', attributes: more, traceparent })
  await shop.publish(Moved, data, { id: 'own' })
  assert.deepEqual(tailed, [more, null])
  const events: Record<string, unknown>[] = []
  const reader = () => sqlite({ file }).offline!.read('running')
  for await (const row of lastOf(reader, 2, {})) events.push(JSON.parse(cloudEvent(row)))
  const [foreign, own] = events
  assert.deepEqual(
    { ...more, source: one, id: 'x', type: 'moved', traceparent, data },
    Object.fromEntries(
      Object.keys({ ...more, source: 1, id: 1, type: 1, traceparent, data }).map((k) => [k, foreign![k]]),
    ),
  )
  assert.deepEqual([own!['source'], own!['dataschema'], 'subject' in own!], ['/bank', 'urn:millrace:moved:1', false])
})

test('cancel and requests apply to the app’s own messages, with any ids from elsewhere', async (t) => {
  const file = place(t)
  const shop = await bank(t, file)
  await takeIn(shop, Move, data, { source: one, id: 'r' })
  assert.deepEqual(await shop.request(Move, { account: 'a', n: 5 }, { id: 'r' }), { done: 5 })
  await shop.publish(Moved, data, { id: 'later', delayMs: 3_600_000 })
  await takeIn(shop, Moved, data, { source: one, id: 'later' })
  assert.equal(await shop.cancel(Moved, 'later'), true)
  assert.equal(await shop.cancel(Moved, 'later'), false)
  assert.deepEqual(await takeIn(shop, Moved, data, { source: one, id: 'later' }), { id: 'later', duplicate: true })
})

test('effects of two messages that have one id have keys of their own', async (t) => {
  const keys: string[] = []
  const keyed = processor('keyed', {
    on: Moves,
    handle: { moved: (_, { idempotencyKey }) => void keys.push(idempotencyKey) },
  })
  const shop = await bank(t, place(t), [keyed])
  for (const source of [one, two]) await takeIn(shop, Moved, data, { source, id: 'x' })
  await shop.publish(Moved, data, { id: 'x' })
  await shop.idle()
  assert.equal(new Set(keys).size, 3)
})

test('an id from elsewhere is free again once the log does not keep its message', async (t) => {
  const file = place(t)
  const Brief = topic('brief', [event('brief', { schema })], { retain: { bytes: 0 } })
  const [type] = Brief.types
  const shop = await started(
    t,
    app({ name: 'bank', broker: sqlite({ file }), log: () => {}, retainEveryMs: 100, parts: [Brief] }),
  )
  for (const source of [one, two]) await takeIn(shop, type!, data, { source, id: 'x' })
  await shop.publish(type!, data, { id: 'last' })
  await until('both are gone', () => kept(file, 'brief').length === 1)
  const taken = rows<{ id: string }>(file, 'select id from millrace_ids').map(({ id }) => id)
  assert.deepEqual(taken, ['last'])
  assert.deepEqual(await takeIn(shop, type!, data, { source: one, id: 'x' }), { id: 'x' })
})

test('many sources are no weight in memory: they share one kind', async (t) => {
  const file = place(t)
  const shop = await bank(t, file)
  await Promise.all(
    Array.from({ length: 50 }, (_, n) => takeIn(shop, Moved, data, { source: `//${n}.example`, id: 'x' })),
  )
  assert.equal(rows(file, 'select * from millrace_kinds').length, 1)
})

test('taking in is refused without an app, an origin or a running app', async (t) => {
  const shop = await bank(t, place(t))
  await assert.rejects(takeIn({}, Moved, data, { source: one, id: 'x' }), coded('millrace/bad-option'))
  await assert.rejects(takeIn(shop, Moved, data, { source: '', id: 'x' }), coded('millrace/bad-attributes'))
  await shop.stop()
  await assert.rejects(takeIn(shop, Moved, data, { source: one, id: 'x' }), coded('millrace/not-started'))
})
