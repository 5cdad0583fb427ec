// What changes over the years, on the public surface with a real file: shapes, types that are given up, processors
// that come and go, messages that need not be kept any more.
import assert from 'node:assert/strict'
import test from 'node:test'
import {
  type AppOptions,
  app,
  channel,
  command,
  type Event,
  event,
  type Part,
  processor,
  type Retain,
  sqlite,
  type Topic,
  topic,
} from 'millrace'
import { z } from 'zod'
import { coded, kept, place, rows, started, until } from './support.ts'

function bank(
  file: string,
  parts: Part[],
  options: Pick<AppOptions, 'retainEveryMs' | 'channelRetainMs' | 'deskRetainMs'> = {},
) {
  return app({ name: 'bank', broker: sqlite({ file }), log: () => {}, parts, ...options })
}

/** Runs an app with these parts until all is handled or held, then stops it. */
async function runOnce(file: string, parts: Part[], work: (shop: ReturnType<typeof bank>) => unknown = () => {}) {
  const shop = bank(file, parts)
  await shop.start()
  try {
    await work(shop)
    await shop.idle()
  } finally {
    await shop.stop()
  }
}

// ── shapes ───────────────────────────────────────────────────────────────────────────────────────────────────────

const context = ({ account }: { account: string }) => account
const first = z.object({ account: z.string(), amount: z.number() })
const PaidV1 = event('paid', { schema: first, context })
const PaidV2 = event('paid', {
  version: 2,
  schema: z.object({ account: z.string(), cents: z.number().int() }),
  context,
  upcast: { 1: ({ amount, ...rest }: z.infer<typeof first>) => ({ ...rest, cents: Math.round(amount * 100) }) },
})
const third = z.object({ account: z.string(), cents: z.number().int(), currency: z.enum(['GBP', 'EUR']) })
const PaidV3 = event('paid', {
  version: 3,
  schema: third,
  context,
  upcast: { ...PaidV2.upcasts, 2: (old: object) => ({ ...old, currency: 'GBP' }) },
})

/** A processor on the one type of a topic that remembers what it got. */
function look<E extends Event>(type: E, options: { name?: string; retired?: string[] } = {}) {
  const got: { version: number; data: unknown }[] = []
  const Payments: Topic = topic('payments', [type], { retired: options.retired ?? [] })
  const part = processor(options.name ?? 'look', {
    on: Payments,
    retry: { attempts: 1 },
    handle: {
      [type.name]: ({ version, data }: { version: number; data: unknown }) => void got.push({ version, data }),
    },
  })
  return { got, parts: [Payments, part] }
}

test('data stored by older code come in the shape of today, step by step, beside the new ones', async (t) => {
  const file = place(t)
  const one = look(PaidV1)
  await runOnce(file, one.parts, (shop) => shop.publish(PaidV1, { account: 'a', amount: 1.5 }))
  const two = look(PaidV2)
  await runOnce(file, two.parts, (shop) => shop.publish(PaidV2, { account: 'a', cents: 7 }))
  const three = look(PaidV3, { name: 'new' })
  await runOnce(file, three.parts, (shop) => shop.publish(PaidV3, { account: 'a', cents: 8, currency: 'EUR' }))
  assert.deepEqual(one.got, [{ version: 1, data: { account: 'a', amount: 1.5 } }])
  assert.deepEqual(two.got, [{ version: 2, data: { account: 'a', cents: 7 } }])
  assert.deepEqual(three.got, [
    { version: 1, data: { account: 'a', cents: 150, currency: 'GBP' } },
    { version: 2, data: { account: 'a', cents: 7, currency: 'GBP' } },
    { version: 3, data: { account: 'a', cents: 8, currency: 'EUR' } },
  ])
  assert.deepEqual(
    kept(file, 'payments').map(({ version }) => version),
    [1, 2, 3],
  )
})

for (const [what, type, code, says] of [
  ['a newer version than the code knows', PaidV1, 'millrace/newer-version', /version 3, this code knows 1/],
  [
    'a version without an upcast',
    event('paid', { version: 4, schema: third, context }),
    'millrace/no-upcast',
    /no upcast from 3/,
  ],
  [
    'an upcast that throws',
    event('paid', {
      version: 4,
      schema: third,
      context,
      upcast: {
        3: () => {
          throw new Error('forgot the currency')
        },
      },
    }),
    'millrace/bad-data',
    /forgot the currency/,
  ],
  [
    'an upcast whose result does not fit',
    event('paid', { version: 4, schema: third, context, upcast: { 3: () => ({ account: 'a' }) } }),
    'millrace/bad-data',
    /cents: /,
  ],
  [
    'a schema that became narrower without a version',
    event('paid', { version: 3, schema: third.extend({ cents: z.number().max(10) }), context }),
    'millrace/bad-data',
    /cents: /,
  ],
] as const) {
  test(`${what} holds the message at the desk, and code that knows it handles it after a release`, async (t) => {
    const file = place(t)
    const Other = event('other', { schema: z.object({}) })
    const Payments = topic('payments', [PaidV3, Other])
    await runOnce(file, [Payments], async (shop) => {
      await shop.publish(PaidV3, { account: 'a', cents: 200, currency: 'EUR' })
      await shop.publish(Other, {})
    })
    let others = 0
    const narrow = processor('look', {
      on: topic('payments', [type as Event, Other]) as Topic<typeof Other>,
      handle: { other: () => void others++, paid: () => assert.fail('cannot be handled') } as { other: () => void },
    })
    const broken = await started(t, bank(file, [narrow]))
    await broken.idle()
    const [held, ...rest] = await broken.desk.list()
    assert.deepEqual(rest, [])
    assert.equal(held!.state, 'held')
    assert.equal(held!.attempts, 1)
    assert.equal(held!.error!.code, code)
    assert.match(held!.error!.message, says)
    assert.equal(others, 1)
    await broken.stop()
    const got: unknown[] = []
    const mended = processor('look', { on: Payments, handle: { paid: ({ data }) => void got.push(data) } })
    const shop = await started(t, bank(file, [mended]))
    await shop.desk.release(held!.id)
    await shop.idle()
    assert.deepEqual(got, [{ account: 'a', cents: 200, currency: 'EUR' }])
    assert.deepEqual(await shop.desk.list(), [])
  })
}

test('stored data that are no longer JSON are held, not a crash', async (t) => {
  const file = place(t)
  const { parts } = look(PaidV1)
  await runOnce(file, [parts[0]!], (shop) => shop.publish(PaidV1, { account: 'a', amount: 1 }))
  const { DatabaseSync } = await import('node:sqlite')
  const db = new DatabaseSync(file)
  db.exec(`update millrace_log_1 set data = '{"account": "a", amou'`)
  db.close()
  const shop = await started(t, bank(file, look(PaidV1).parts))
  await shop.publish(PaidV1, { account: 'b', amount: 2 })
  await shop.idle()
  const [held] = await shop.desk.list()
  assert.equal(held!.error!.code, 'millrace/bad-data')
  assert.match(held!.error!.message, /SyntaxError/)
  assert.equal((await shop.desk.counts()).held, 1)
})

test('a field, a type and a processor are added without touching what is stored', async (t) => {
  const file = place(t)
  const one = look(PaidV1)
  await runOnce(file, one.parts, (shop) => shop.publish(PaidV1, { account: 'a', amount: 1 }))
  const Wider = event('paid', { schema: first.extend({ note: z.string().optional() }), context })
  const two = look(Wider, { name: 'second' })
  await runOnce(file, two.parts, (shop) => shop.publish(Wider, { account: 'a', amount: 2, note: 'x' }))
  assert.deepEqual(
    two.got.map(({ data }) => data),
    [
      { account: 'a', amount: 1 },
      { account: 'a', amount: 2, note: 'x' },
    ],
  )
})

// ── types that are given up ──────────────────────────────────────────────────────────────────────────────────────

test('a retired type is passed over, one that was just left out goes to the desk until it is back', async (t) => {
  const file = place(t)
  const Legacy = event('legacy', { schema: z.object({ n: z.number() }), context: () => 'one' })
  const Forgotten = event('forgotten', { schema: z.object({ n: z.number() }), context: () => 'two' })
  const Payments = topic('payments', [PaidV1, Legacy, Forgotten])
  await runOnce(file, [Payments], async (shop) => {
    await shop.publish(Legacy, { n: 1 })
    await shop.publish(Forgotten, { n: 2 })
    await shop.publish(PaidV1, { account: 'a', amount: 3 })
  })
  const { got, parts } = look(PaidV1, { retired: ['legacy'] })
  const shop = await started(t, bank(file, parts))
  await shop.idle()
  assert.equal(got.length, 1)
  const desk = await shop.desk.list()
  assert.deepEqual(
    desk.map(({ message, error }) => [message.type, error!.code]),
    [['forgotten', 'millrace/unknown-type']],
  )
  assert.match(desk[0]!.error!.message, /"forgotten" is no type of topic "payments"/)
  await shop.stop()
  const back: number[] = []
  const handlesIt = processor('look', { on: Payments, handle: { forgotten: ({ data }) => void back.push(data.n) } })
  const later = await started(t, bank(file, [handlesIt]))
  await later.desk.release(desk[0]!.id)
  await later.idle()
  assert.deepEqual(back, [2])
})

test('a held message of a type that was since retired is passed over when it is released', async (t) => {
  const file = place(t)
  const Legacy = event('legacy', { schema: z.object({ n: z.number() }), context: () => 'one' })
  const All = topic('payments', [PaidV1, Legacy])
  await runOnce(file, [All], async (shop) => {
    await shop.publish(Legacy, { n: 1 })
    await shop.publish(Legacy, { n: 2 })
  })
  await runOnce(file, look(PaidV1).parts, async (shop) => {
    await shop.idle()
    assert.deepEqual(await shop.desk.counts(), { held: 1, snoozed: 0, waiting: 1, discarded: 0 })
  })
  const shop = await started(t, bank(file, look(PaidV1, { retired: ['legacy'] }).parts))
  const [held] = await shop.desk.list()
  await shop.desk.release(held!.id)
  await shop.idle()
  assert.deepEqual(await shop.desk.list(), [])
})

// ── processors that come and go ──────────────────────────────────────────────────────────────────────────────────

const Counted = event('counted', { schema: z.object({ n: z.number() }), context: () => 'all' })
const Counts = topic('counts', [Counted])

function counter(name: string, startAt: 'beginning' | 'now' | Date = 'beginning') {
  const got: number[] = []
  const part = processor(name, { on: Counts, startAt, handle: { counted: ({ data }) => void got.push(data.n) } })
  return { got, part }
}

const publishes = (from: number, to: number) => async (shop: ReturnType<typeof bank>) => {
  for (let n = from; n <= to; n++) await shop.publish(Counted, { n })
}

test('a processor that is added later catches up from the beginning, in order, while the others continue', async (t) => {
  const file = place(t)
  const one = counter('one')
  await runOnce(file, [one.part], publishes(1, 2_000))
  const again = counter('one')
  const late = counter('late')
  await runOnce(file, [again.part, late.part], publishes(2_001, 2_200))
  const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)
  assert.deepEqual(one.got, upTo(1, 2_000))
  assert.deepEqual(again.got, upTo(2_001, 2_200))
  assert.deepEqual(late.got, upTo(1, 2_200))
})

test('startAt now leaves out what was published before its first start, and only that', async (t) => {
  const file = place(t)
  await runOnce(file, [Counts], publishes(1, 3))
  const one = counter('one', 'now')
  await runOnce(file, [one.part], publishes(4, 5))
  await runOnce(file, [Counts], publishes(6, 7))
  const again = counter('one', 'now')
  await runOnce(file, [again.part], publishes(8, 8))
  assert.deepEqual(
    [one.got, again.got],
    [
      [4, 5],
      [6, 7, 8],
    ],
  )
})

test('startAt a date begins with the first event at or after it', async (t) => {
  const file = place(t)
  const times: number[] = []
  await runOnce(file, [Counts], async (shop) => {
    shop.tail(({ time }) => times.push(time))
    for (let n = 1; n <= 9; n++) {
      await shop.publish(Counted, { n })
      const last = Date.now()
      await until('the clock goes on', () => Date.now() > last)
    }
  })
  const from = (ms: number) => Array.from({ length: 9 }, (_, index) => index + 1).filter((n) => times[n - 1]! >= ms)
  for (const [name, ms] of [
    ['long.ago', 0],
    ['at.the.first', times[0]!],
    ['at.the.fourth', times[3]!],
    ['after.the.fourth', times[3]! + 1],
    ['at.the.last', times[8]!],
    ['after.all', times[8]! + 1],
  ] as const) {
    const one = counter(name, new Date(ms))
    await runOnce(file, [one.part])
    assert.deepEqual(one.got, from(ms), name)
  }
})

test('a processor that is gone is let go of by name, with its reasons when that does not go', async (t) => {
  const file = place(t)
  const held = processor('holds', {
    on: Counts,
    retry: { attempts: 1 },
    handle: {
      counted: () => {
        throw new Error('never')
      },
    },
  })
  await runOnce(file, [counter('one').part, counter('two').part, held], publishes(1, 3))
  const shop = await started(t, bank(file, [counter('one').part]))
  assert.deepEqual((await shop.processors.list()).map(({ name, state, position }) => [name, state, position]).sort(), [
    ['holds', 'gone', 3],
    ['one', 'live', 3],
    ['two', 'gone', 3],
  ])
  await assert.rejects(
    shop.processors.retire('tow'),
    coded('millrace/unknown-processor', /"tow"; did you mean "two"\?/),
  )
  await assert.rejects(shop.processors.retire('one'), coded('millrace/processor-in-use', /"one" is part of the app/))
  await assert.rejects(shop.processors.retire('holds'), coded('millrace/processor-has-held', /holds 1 message/))
  await shop.processors.retire('two')
  await shop.processors.retire('holds', { force: true })
  assert.deepEqual(
    (await shop.processors.list()).map(({ name }) => name),
    ['one'],
  )
  assert.deepEqual(rows(file, 'select * from millrace_desk'), [])
})

// ── what need not be kept ────────────────────────────────────────────────────────────────────────────────────────

const Other = event('other', { schema: z.object({ n: z.number() }) })

/** Topics of which the second is looked at after the first, so that its loss shows that the first had its turn. */
function retained(retain: Retain) {
  const Kept = topic('counts', [Counted], { retain })
  const Others = topic('others', [Other], { retain: { ageMs: 0 } })
  return { Kept, Others }
}

/** Resolves when retention has looked at every topic twice from now on. */
async function swept(file: string, shop: ReturnType<typeof bank>): Promise<void> {
  for (let round = 0; round < 2; round++) {
    // The newest message always stays, so the older of two has to go.
    for (const n of [1, 2]) await shop.publish(Other, { n })
    await until('old messages are gone', () => kept(file, 'others').length === 1)
  }
}

const places = (file: string) => kept(file, 'counts').map(({ position }) => position)

test('retain by age removes what is old and done, never what a processor still needs', async (t) => {
  const file = place(t)
  const { Kept, Others } = retained({ ageMs: 0 })
  const { promise: opened, resolve: open } = Promise.withResolvers<void>()
  const slow = processor('slow', {
    on: Kept,
    handle: {
      counted: async ({ data }) => {
        if (data.n === 4) await opened
      },
    },
  })
  const quick = processor('quick', { on: Kept, handle: { counted: () => {} } })
  const shop = await started(t, bank(file, [Others, slow, quick], { retainEveryMs: 100 }))
  await publishes(1, 8)(shop)
  await until('the first three are gone', () => places(file).length <= 5)
  await swept(file, shop)
  assert.deepEqual(places(file), [4, 5, 6, 7, 8])
  open()
  await shop.idle()
  await until('all but the newest are gone', () => places(file).length === 1)
  assert.deepEqual(places(file), [8])
  await shop.stop()
  await shop.start()
  await publishes(9, 9)(shop)
  await shop.idle()
  assert.equal(places(file).at(-1), 9)
})

test('failures are kept on their topic as long as resolved messages are at the desk', async (t) => {
  const file = place(t)
  const { Kept, Others } = retained({ ageMs: 0 })
  const fails = processor('fails', {
    on: Kept,
    retry: { attempts: 1 },
    handle: {
      counted: () => {
        throw new Error('broken')
      },
    },
  })
  const limits = { retainEveryMs: 100, deskRetainMs: 0 }
  const shop = await started(t, bank(file, [Others, fails], limits))
  await publishes(1, 3)(shop)
  await swept(file, shop)
  await until('all but the newest are gone', () => kept(file, 'failures').length === 1)
  assert.equal((await shop.desk.counts()).held + (await shop.desk.counts()).waiting, 3)
})

test('retain by bytes keeps the newest messages of that size', async (t) => {
  const file = place(t)
  const data = JSON.stringify({ n: 10 })
  const { Kept, Others } = retained({ bytes: 3 * data.length })
  const shop = await started(t, bank(file, [Kept, Others], { retainEveryMs: 100 }))
  await publishes(10, 30)(shop)
  await swept(file, shop)
  assert.deepEqual(places(file), [19, 20, 21])
})

test('retain by age and bytes keeps what either wants, and without it a topic keeps everything', async (t) => {
  const file = place(t)
  const { Kept, Others } = retained({ bytes: 0, ageMs: 3_600_000 })
  const All = topic('all', [event('any', { schema: z.object({}) })])
  const shop = await started(t, bank(file, [Kept, All, Others], { retainEveryMs: 100 }))
  await publishes(1, 5)(shop)
  await shop.publish(All.types[0]!, {})
  await swept(file, shop)
  assert.equal(places(file).length, 5)
  assert.equal(kept(file, 'all').length, 1)
})

test('nothing is removed for a processor that is gone until it is retired', async (t) => {
  const file = place(t)
  const { Kept, Others } = retained({ ageMs: 0 })
  const { promise: never } = Promise.withResolvers<void>()
  const gone = processor('gone', {
    on: Kept,
    handle: { counted: ({ data }) => (data.n === 3 ? never : undefined) },
  })
  const first = bank(file, [Others, gone])
  await first.start()
  await publishes(1, 6)(first)
  await first.stop({ graceMs: 0 })
  const shop = await started(t, bank(file, [Kept, Others], { retainEveryMs: 100 }))
  await swept(file, shop)
  assert.deepEqual(places(file).slice(-4), [3, 4, 5, 6])
  await shop.processors.retire('gone')
  await until('all but the newest are gone', () => places(file).length === 1)
})

test('a processor that moved to another topic lets go of the one before when it is retired there', async (t) => {
  const file = place(t)
  const { Kept, Others } = retained({ ageMs: 0 })
  const Elsewhere = topic('elsewhere', [event('moved', { schema: z.object({}) })])
  const { promise: never } = Promise.withResolvers<void>()
  const before = processor('settler', {
    on: Kept,
    handle: { counted: ({ data }) => (data.n === 3 ? never : undefined) },
  })
  const first = bank(file, [Others, before])
  await first.start()
  await publishes(1, 6)(first)
  await first.stop({ graceMs: 0 })
  const settled = processor('settler', { on: Elsewhere, handle: {} })
  const shop = await started(t, bank(file, [Kept, Others, settled], { retainEveryMs: 100 }))
  assert.deepEqual(
    (await shop.processors.list()).map(({ name, on, state }) => [name, on, state]),
    [
      ['settler', 'elsewhere', 'live'],
      ['settler', Kept.name, 'gone'],
    ],
  )
  await shop.processors.retire('settler')
  await until('all but the newest are gone', () => places(file).length === 1)
  assert.deepEqual(
    (await shop.processors.list()).map(({ name, on }) => [name, on]),
    [['settler', 'elsewhere']],
  )
  await assert.rejects(shop.processors.retire('settler'), coded('millrace/processor-in-use', /part of the app/))
})

test('a message held at the desk can be released after the topic has removed it', async (t) => {
  const file = place(t)
  const { Kept, Others } = retained({ ageMs: 0 })
  let mended = false
  const got: number[] = []
  const fails = processor('fails', {
    on: Kept,
    retry: { attempts: 1 },
    handle: {
      counted: ({ data }) => {
        if (!mended) throw new Error('not yet')
        got.push(data.n)
      },
    },
  })
  const shop = await started(t, bank(file, [Others, fails], { retainEveryMs: 100 }))
  await publishes(1, 4)(shop)
  await shop.idle()
  await until('all but the newest are gone', () => places(file).length === 1)
  mended = true
  const [held] = await shop.desk.list({ states: ['held'] })
  await shop.desk.release(held!.id)
  await shop.idle()
  assert.deepEqual(got, [1, 2, 3, 4])
})

test('an id is forgotten with its message, and then counts as new', async (t) => {
  const file = place(t)
  const { Kept, Others } = retained({ ageMs: 0 })
  const shop = await started(t, bank(file, [Kept, Others], { retainEveryMs: 100 }))
  await shop.publish(Counted, { n: 1 }, { id: 'one' })
  assert.deepEqual(await shop.publish(Counted, { n: 1 }, { id: 'one' }), { id: 'one', duplicate: true })
  await shop.publish(Counted, { n: 2 })
  await until('the first is gone', () => places(file).length === 1)
  assert.deepEqual(rows(file, 'select * from millrace_ids'), [])
  assert.deepEqual(await shop.publish(Counted, { n: 3 }, { id: 'one' }), { id: 'one' })
})

test('an id that older code published is a duplicate with the same data in the shape of today, and a conflict with other', async (t) => {
  const file = place(t)
  const old = event('price.set', { schema: z.object({ sku: z.string(), price: z.number() }) })
  const prices = (type: typeof old) => topic('prices', [type])
  const later = { delayMs: 3_600_000 }
  const bank = (type: typeof old) => app({ name: 'bank', broker: sqlite({ file }), parts: [prices(type)] })
  const first = await started(t, bank(old))
  await first.publish(old, { sku: 'a', price: 5 }, { id: 'now' })
  await first.publish(old, { sku: 'a', price: 5 }, { id: 'later', ...later })
  await first.stop()

  const raised = event('price.set', {
    version: 2,
    schema: z.object({ sku: z.string(), cents: z.number() }),
    upcast: { 1: ({ price, ...rest }) => ({ ...rest, old: price, cents: price * 100 }) },
  })
  const second = await started(t, bank(raised as never))
  for (const options of [{ id: 'now' }, { id: 'later' }]) {
    const publish = (cents: number) => second.publish(raised as never, { sku: 'a', cents } as never, options)
    assert.deepEqual(await publish(500), { ...options, duplicate: true })
    await assert.rejects(publish(600), coded('millrace/id-conflict'))
  }
  await second.publish(raised as never, { sku: 'a', cents: 500 } as never, { id: 'of today' })
  await second.stop()

  // What this code cannot bring to one shape is not taken for equal.
  const none = event('price.set', { version: 2, schema: z.object({ sku: z.string(), cents: z.number() }) })
  const third = await started(t, bank(none as never))
  await assert.rejects(
    third.publish(none as never, { sku: 'a', cents: 500 } as never, { id: 'now' }),
    coded('millrace/id-conflict'),
  )
  await third.stop()
  const fourth = await started(t, bank(old))
  await assert.rejects(fourth.publish(old, { sku: 'a', price: 5 }, { id: 'of today' }), coded('millrace/id-conflict'))
  assert.deepEqual(await fourth.publish(old, { price: 5, sku: 'a' }, { id: 'now' }), { id: 'now', duplicate: true })
})

test('handled commands are removed after channelRetainMs, unhandled ones are not', async (t) => {
  const file = place(t)
  const Do = command('do', { schema: z.object({ n: z.number() }), context: () => 'one' })
  const { promise: opened, resolve: open } = Promise.withResolvers<void>()
  const works = processor('works', {
    on: channel('work', [Do]),
    handle: {
      do: async ({ data }) => {
        if (data.n === 3) await opened
      },
    },
  })
  const { Others } = retained({})
  const shop = await started(t, bank(file, [works, Others], { retainEveryMs: 100, channelRetainMs: 0 }))
  for (const n of [1, 2, 3, 4]) await shop.send(Do, { n })
  await until('the handled are gone', () => kept(file, 'work').length === 2)
  await swept(file, shop)
  assert.deepEqual(
    kept(file, 'work').map(({ position }) => position),
    [3, 4],
  )
  open()
  await shop.idle()
})

test('nothing is removed for a processor that was left out from the first start on', async (t) => {
  const file = place(t)
  const { Kept, Others } = retained({ ageMs: 0 })
  const got: number[] = []
  const runs = processor('runs', { on: Kept, handle: { counted: () => {} } })
  const off = processor('off', { on: Kept, handle: { counted: ({ data }) => void got.push(data.n) } })
  const shop = bank(file, [Others, runs, off], { retainEveryMs: 100 })
  t.after(() => shop.stop())
  await shop.start({ only: ['runs'] })
  await publishes(1, 5)(shop)
  await shop.idle()
  await swept(file, shop)
  assert.equal(places(file).length, 5)
  await shop.stop()
  await shop.start()
  await shop.idle()
  assert.deepEqual(got, [1, 2, 3, 4, 5])
})
