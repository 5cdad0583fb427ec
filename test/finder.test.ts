// The finder: messages by their words and their causes, beside the log.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import test, { type TestContext } from 'node:test'
import { type App, type AppOptions, app, channel, command, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { coded, kept, place, rows, started, until } from './support.ts'

const Placed = event('order.placed', {
  schema: z.object({
    order: z.string(),
    note: z.string().optional(),
    card: z.object({ number: z.string() }).optional(),
  }),
  context: (data) => data.order,
  secret: ['/card/number'],
})
const Packed = event('order.packed', { schema: z.object({ order: z.string() }), context: (data) => data.order })
const Label = command('label.print', { schema: z.object({ order: z.string() }) })
const Orders = topic('orders', [Placed])
const Boxes = topic('boxes', [Packed])
const Labels = channel('labels', [Label])
const pack = processor('pack', {
  on: Orders,
  publishes: [Packed],
  handle: { 'order.placed': ({ data: { order } }, { publish }) => publish(Packed, { order }) },
})
const label = processor('label', {
  on: Boxes,
  sends: [Label],
  handle: { 'order.packed': ({ data: { order } }, { send }) => send(Label, { order }) },
})
const printer = processor('printer', { on: Labels, handle: { 'label.print': () => {} } })

function shopAt(file: string, more: Partial<AppOptions> = {}): App {
  const parts = [Orders, Boxes, Labels, pack, label, printer]
  return app({ name: 'shop', broker: sqlite({ file }), parts, log: () => {}, finder: true, ...more })
}

async function shopOf(t: TestContext) {
  const file = place(t)
  return { file, shop: await started(t, shopAt(file)) }
}

interface Found {
  readonly stream: number
  readonly position: number
  readonly id: string
  readonly causation: string | null
}

/** The messages of the index and of the log, by their places. */
function indexed(file: string): Found[] {
  return rows<Found>(`${file}-finder`, 'select stream, position, id, causation from found order by stream, position')
}

function logged(file: string): Found[] {
  return rows<{ id: number; name: string }>(file, 'select id, name from millrace_streams order by id').flatMap(
    ({ id: stream, name }) => {
      if (rows(file, `select 1 from sqlite_schema where name = 'millrace_log_${stream}'`).length === 0) return []
      return kept(file, name).map(({ position, id, causation }) => ({ stream, position, id, causation }))
    },
  )
}

async function untilIndexed(file: string): Promise<void> {
  await until('all is indexed', () => existsSync(`${file}-finder`) && hasAll(file))
}

function hasAll(file: string): boolean {
  try {
    return indexed(file).length === logged(file).length
  } catch {
    // It is being made.
    return false
  }
}

test('messages are found by the words of their data, with other filters, page by page', async (t) => {
  const { file, shop } = await shopOf(t)
  await shop.publish(Placed, { order: 'o-1', note: 'Two grüne sieves, please' })
  await shop.publish(Placed, { order: 'o-2', note: 'A sieve' })
  for (let n = 0; n < 5; n++) await shop.publish(Placed, { order: `p-${n}`, note: 'millstone' })
  await shop.idle()
  await untilIndexed(file)
  const found = async (filter: object) =>
    (await shop.messages.list(filter)).items.map(({ context, type }) => `${context} ${type}`)
  assert.deepEqual(await found({ text: 'GRÜNE two' }), ['o-1 order.placed'])
  assert.deepEqual(await found({ text: 'siev' }), ['o-2 order.placed', 'o-1 order.placed'])
  assert.deepEqual(await found({ text: 'siev', order: 'oldest', context: 'o-2' }), ['o-2 order.placed'])
  assert.deepEqual(await found({ text: 'note' }), [])
  assert.deepEqual(await found({ text: 'o', type: 'order.packed', context: 'o-1' }), ['o-1 order.packed'])
  const first = await shop.messages.list({ text: 'millstone', limit: 3 })
  assert.deepEqual([first.items.map(({ context }) => context), first.complete], [['p-4', 'p-3', 'p-2'], false])
  const rest = await shop.messages.list({ text: 'millstone', limit: 3, after: first.next! })
  assert.deepEqual([rest.items.map(({ context }) => context), rest.complete], [['p-1', 'p-0'], true])
  await assert.rejects(shop.messages.list({ text: '"*' }), coded('millrace/bad-option', /0 words/))
})

test('the value of a secret field is not found, and is nowhere in the index', async (t) => {
  const { file, shop } = await shopOf(t)
  await shop.publish(Placed, { order: 'o-1', note: 'open', card: { number: '4929123456781234' } })
  await shop.idle()
  await untilIndexed(file)
  assert.equal((await shop.messages.list({ text: 'open' })).items.length, 1)
  assert.equal((await shop.messages.list({ text: '4929123456781234' })).items.length, 0)
  for (const ending of ['', '-wal']) assert(!readFileSync(`${file}-finder${ending}`).includes('4929123456781234'))
})

test('a story is read from the index: causes and effects, over topics and channels, page by page', async (t) => {
  const { file, shop } = await shopOf(t)
  const { id } = await shop.publish(Placed, { order: 'a' })
  await shop.publish(Placed, { order: 'b' })
  await shop.idle()
  await untilIndexed(file)
  const story = await shop.messages.story(id)
  assert.deepEqual(
    story.items.map(({ type, context }) => `${type} ${context}`),
    ['order.placed a', 'order.packed a', 'label.print null'],
  )
  assert.deepEqual([story.complete, story.lookedFrom, story.lookedUpTo], [true, null, null])
  const last = story.items[2]!.id
  const first = await shop.messages.story(last, { limit: 2 })
  assert.deepEqual([first.items, first.complete], [story.items.slice(0, 2), false])
  const rest = await shop.messages.story(last, { limit: 2, after: first.next! })
  assert.deepEqual([rest.items, rest.complete], [story.items.slice(2), true])
})

test('without a finder a text is refused, and an index of earlier runs tells its progress', async (t) => {
  const file = place(t)
  const first = await started(t, shopAt(file, { finder: false }))
  await assert.rejects(first.messages.list({ text: 'x' }), coded('millrace/no-finder'))
  await first.stop()
  const second = await started(t, shopAt(file))
  await second.publish(Placed, { order: 'old', note: 'corn' })
  await second.idle()
  await untilIndexed(file)
  await second.stop()
  const stopped = await sqlite({ file }).offline!.read('stopped')
  const found = await stopped.finder.search({ words: ['corn'], order: 'newest', limit: 5 })
  assert.deepEqual([found!.places.length, found!.indexedTo], [1, null])
  await stopped.close()
  const third = await started(t, shopAt(file, { finder: false }))
  await third.publish(Placed, { order: 'new', note: 'corn' })
  const page = await third.messages.list({ text: 'corn' })
  assert.deepEqual([page.items.map(({ context }) => context), page.complete], [['old'], false])
  const [added] = (await third.messages.list({ context: 'new', type: 'order.placed' })).items
  assert.equal(page.lookedBackTo, added!.time)
})

test('an index that is damaged, or of another log, is made anew', async (t) => {
  const { file, shop } = await shopOf(t)
  await shop.publish(Placed, { order: 'a' })
  await shop.idle()
  await untilIndexed(file)
  await shop.stop()
  const old = readFileSync(`${file}-finder`)
  const again = async (content: Buffer) => {
    const other = place(t)
    writeFileSync(`${other}-finder`, content)
    const mill = await started(t, shopAt(other))
    for (const order of ['x', 'y']) await mill.publish(Placed, { order })
    await mill.idle()
    await until('the index is that of the log', () => {
      try {
        return JSON.stringify(indexed(other)) === JSON.stringify(logged(other))
      } catch {
        return false
      }
    })
    await mill.stop()
  }
  await again(old)
  await again(Buffer.from('this is no database, and it is longer than the header of one is. '.repeat(100)))
})

test('messages removed by retention leave the index', async (t) => {
  const file = place(t)
  const Short = topic('orders', [Placed], { retain: { bytes: 2_000 } })
  const short = app({
    name: 'shop',
    broker: sqlite({ file }),
    parts: [Short],
    log: () => {},
    finder: true,
    retainEveryMs: 100,
  } as AppOptions)
  await started(t, short)
  for (let n = 0; n < 50; n++) await short.publish(Placed, { order: `o-${n}`, note: `word${n} ${'x'.repeat(100)}` })
  await until('most is removed', () => kept(file, 'orders').length < 25)
  await until('it is removed from the index too', () => {
    try {
      return JSON.stringify(indexed(file)) === JSON.stringify(logged(file))
    } catch {
      return false
    }
  })
  assert.deepEqual((await short.messages.list({ text: 'word1' })).items, [])
  assert.equal((await short.messages.list({ text: 'word49' })).items.length, 1)
})
