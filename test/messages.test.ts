// Messages on the public surface, with a real file: what is refused, what is kept, who gets it, what belongs together.
import assert from 'node:assert/strict'
import test from 'node:test'
import {
  app,
  channel,
  command,
  type Event,
  event,
  type Message,
  type Part,
  processor,
  Refused,
  sqlite,
  topic,
} from 'millrace'
import * as v from 'valibot'
import { z } from 'zod'
import { coded, kept, place, rows, started } from './support.ts'

const Paid = event('paid', {
  schema: z.object({ account: z.string(), cents: z.number().int(), note: z.string().optional() }),
  context: (payment) => payment.account,
})
const Payments = topic('payments', [Paid])

const setup = (tx: { query: (text: TemplateStringsArray) => Promise<unknown> }) =>
  tx.query`create table if not exists seen (place integer primary key, who text, id text, account text, cents int)`

/** Writes down what it handles, in one transaction with the acknowledgement. */
function recorder(name: string, options: { startAt?: 'now'; onlyWhen?: (cents: number) => void } = {}) {
  const { startAt, onlyWhen } = options
  return processor(name, {
    on: Payments,
    retry: { attempts: 1 },
    ...(startAt === undefined ? {} : { startAt }),
    handle: {
      paid: ({ id, data: { account, cents } }, { commit }) => {
        onlyWhen?.(cents)
        return commit(
          (tx) => tx.query`insert into seen (who, id, account, cents) values (${name}, ${id}, ${account}, ${cents})`,
        )
      },
    },
  })
}

function bank(file: string, parts: Part[], options: { messageBytesMax?: number } = {}) {
  return app({ name: 'bank', broker: sqlite({ file }), log: () => {}, setup, parts: [Payments, ...parts], ...options })
}

const seenBy = (file: string, who: string) =>
  rows<{ cents: number }>(file, 'select cents from seen where who = ? order by place', who).map(({ cents }) => cents)

// ── bad input ────────────────────────────────────────────────────────────────────────────────────────────────────

test('bad input is refused with its code, nothing of it is stored, and the app continues', async (t) => {
  const file = place(t)
  const any = z.object({ value: z.unknown() })
  const odd = (name: string, schema: typeof any, context?: () => string): Event => event(name, { schema, context })
  const NumberContext = odd('context.number', any, () => 7 as unknown as string)
  const EmptyContext = odd('context.empty', any, () => '')
  const LongContext = odd('context.long', any, () => 'x'.repeat(1_025))
  const HalfContext = odd('context.half', any, () => '\ud800')
  const ThrowingContext = odd('context.throws', any, () => {
    throw new Error('no account')
  })
  const Async = odd(
    'async',
    any.refine(async () => true),
  )
  const Throwing = event('throwing', {
    schema: v.pipe(
      v.object({}),
      v.check(() => {
        throw new Error('broken check')
      }),
    ),
  })
  const Anything = odd('anything', any)
  const Odd = topic('odd', [
    NumberContext,
    EmptyContext,
    LongContext,
    HalfContext,
    ThrowingContext,
    Async,
    Throwing,
    Anything,
  ])
  const shop = await started(t, bank(file, [Odd, recorder('recorder')], { messageBytesMax: 200 }))
  const good = { account: 'a', cents: 1 }
  const wrong = (type: Event, data: unknown, options?: object) => () => shop.publish(type, data, options)
  const circle: Record<string, unknown> = {}
  circle['self'] = circle

  const cases: [() => Promise<unknown>, Parameters<typeof coded>[0], RegExp][] = [
    [wrong(event('payd', { schema: any }), {}), 'millrace/type-without-topic', /"payd".*did you mean "paid"\?/],
    [wrong(event('paid', { schema: any }), {}), 'millrace/type-without-topic', /another type of that name/],
    [wrong(undefined as unknown as Event, good), 'millrace/bad-option', /returned, not undefined$/],
    [wrong('paid' as unknown as Event, good), 'millrace/bad-option', /returned, not "paid"$/],
    [() => shop.send(Paid as never, good as never), 'millrace/wrong-verb', /"paid" is an event: publish it/],
    [wrong(Paid, { account: 'a', cents: 'one' }), 'millrace/bad-data', /event "paid".*cents: /],
    [wrong(Paid, { account: 'a' }), 'millrace/bad-data', /cents: /],
    [wrong(Paid, undefined), 'millrace/bad-data', /event "paid"/],
    [wrong(Paid, null), 'millrace/bad-data', /event "paid"/],
    [wrong(Paid, { ...good, cents: Number.NaN }), 'millrace/bad-data', /cents: /],
    [wrong(Throwing, { value: 1 }), 'millrace/bad-data', /its schema throws: Error: broken check/],
    [wrong(Async, { value: 'x' }), 'millrace/async-schema', /event "async"/],
    [wrong(Paid, { ...good, note: 'x'.repeat(200) }), 'millrace/too-large', /\d+ bytes, but must be at most 200/],
    [wrong(Paid, { ...good, note: '€'.repeat(60) }), 'millrace/too-large', /21\d bytes/],
    [wrong(Anything, { value: 10n }), 'millrace/not-json', /value is bigint/],
    [wrong(Anything, { value: circle }), 'millrace/not-json', /circular/],
    [wrong(Anything, { value: [1, { at: new Date() }] }), 'millrace/not-json', /value\.1\.at is a Date/],
    [wrong(Anything, { value: new Map() }), 'millrace/not-json', /value is a Map/],
    [wrong(Anything, { value: Number.POSITIVE_INFINITY }), 'millrace/not-json', /value is Infinity/],
    [wrong(Anything, { value: [undefined] }), 'millrace/not-json', /value\.0 is undefined/],
    [wrong(Anything, { value: () => 1 }), 'millrace/not-json', /value is function/],
    [wrong(NumberContext, { value: 1 }), 'millrace/bad-context', /is number, not a string/],
    [wrong(EmptyContext, { value: 1 }), 'millrace/bad-context', /of 0 characters/],
    [wrong(LongContext, { value: 1 }), 'millrace/bad-context', /of 1025 characters/],
    [wrong(HalfContext, { value: 1 }), 'millrace/bad-context', /lone surrogate/],
    [wrong(ThrowingContext, { value: 1 }), 'millrace/bad-context', /Error: no account/],
    [wrong(Paid, good, { id: '' }), 'millrace/bad-id', /1 to 255 characters/],
    [wrong(Paid, good, { id: 'x'.repeat(256) }), 'millrace/bad-id', /1 to 255 characters/],
    [wrong(Paid, good, { id: 7 }), 'millrace/bad-id', /not 7/],
    [wrong(Paid, good, { id: '\udc00' }), 'millrace/bad-id', /1 to 255 characters/],
    [wrong(Paid, good, { ids: 'a' }), 'millrace/unknown-option', /"ids"; did you mean "id"\?/],
  ]
  for (const [attempt, code, says] of cases) await assert.rejects(attempt, coded(code, says), String(says))

  assert.deepEqual(kept(file, 'payments'), [])
  assert.deepEqual(kept(file, 'odd'), [])
  assert.deepEqual(rows(file, 'select * from millrace_ids'), [])
  await shop.publish(Paid, good)
  await shop.idle()
  assert.deepEqual(seenBy(file, 'recorder'), [1])
  assert.deepEqual(shop.health(), { status: 'green', reasons: [] })
})

test('before its start and after its stop an app takes nothing, and says so', async (t) => {
  const shop = bank(place(t), [])
  const good = { account: 'a', cents: 1 }
  await assert.rejects(shop.publish(Paid, good), coded('millrace/not-started', /"bank"/))
  await assert.rejects(
    shop.transaction(() => {}),
    coded('millrace/not-started'),
  )
  await started(t, shop)
  await assert.rejects(shop.start(), coded('millrace/already-started'))
  await shop.stop()
  await shop.stop()
  await assert.rejects(shop.publish(Paid, good), coded('millrace/not-started'))
})

test('a handler that publishes bad or undeclared data fails, nothing of it leaves, and its message is held', async (t) => {
  const file = place(t)
  const Booked = event('booked', { schema: z.object({ cents: z.number() }) })
  const Bookings = topic('bookings', [Booked])
  const clerk = processor('clerk', {
    on: Payments,
    publishes: [Booked],
    retry: { attempts: 1 },
    handle: {
      paid: ({ data: { cents } }, { publish, commit }) => {
        publish(Booked, { cents })
        return commit(() => {
          if (cents === 1) publish(Booked, { cents: 'one' } as unknown as { cents: number })
          if (cents === 2) publish(Paid as never, { account: 'x', cents: 9 } as never)
          publish(Booked, { cents: cents + 100 })
        })
      },
    },
  })
  const shop = await started(t, bank(file, [Bookings, clerk]))
  for (const cents of [1, 2, 3]) await shop.publish(Paid, { account: `account ${cents}`, cents })
  await shop.idle()
  assert.deepEqual(
    kept(file, 'bookings').map(({ data }) => JSON.parse(data).cents),
    [3, 103],
  )
  assert.deepEqual(
    (await shop.desk.list()).map(({ error, message }) => [message.context, error!.code]),
    [
      ['account 1', 'millrace/bad-data'],
      ['account 2', 'millrace/undeclared'],
    ],
  )
})

// ── ids ──────────────────────────────────────────────────────────────────────────────────────────────────────────

test('publishing again with the same id and data adds nothing, at once, in one batch and after a restart', async (t) => {
  const file = place(t)
  const shop = await started(t, bank(file, [recorder('recorder')]))
  assert.deepEqual(await shop.publish(Paid, { account: 'a', cents: 1, note: 'x' }, { id: 'one' }), { id: 'one' })
  const again = { id: 'one', duplicate: true }
  assert.deepEqual(await shop.publish(Paid, { account: 'a', cents: 1, note: 'x' }, { id: 'one' }), again)
  assert.deepEqual(await shop.publish(Paid, { note: 'x', cents: 1, account: 'a' }, { id: 'one' }), again)
  const together = await Promise.all(
    Array.from({ length: 20 }, () => shop.publish(Paid, { account: 'b', cents: 2 }, { id: 'two' })),
  )
  assert.equal(together.filter(({ duplicate }) => duplicate === undefined).length, 1)
  await shop.stop()
  await shop.start()
  assert.deepEqual(await shop.publish(Paid, { account: 'a', cents: 1, note: 'x' }, { id: 'one' }), again)
  await shop.idle()
  assert.deepEqual(seenBy(file, 'recorder'), [1, 2])
  assert.deepEqual(
    kept(file, 'payments').map(({ id }) => id),
    ['one', 'two'],
  )
})

test('the same id with other data is a conflict, and the first stays', async (t) => {
  const file = place(t)
  const shop = await started(t, bank(file, [recorder('recorder')]))
  await shop.publish(Paid, { account: 'a', cents: 1 }, { id: 'one' })
  const other = () => shop.publish(Paid, { account: 'a', cents: 2 }, { id: 'one' })
  await assert.rejects(other, coded('millrace/id-conflict', /"one" of "paid"/))
  const both = await Promise.allSettled([
    shop.publish(Paid, { account: 'b', cents: 3 }, { id: 'two' }),
    shop.publish(Paid, { account: 'b', cents: 4 }, { id: 'two' }),
  ])
  assert.deepEqual(
    both.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  )
  await shop.stop()
  await shop.start()
  await assert.rejects(other, coded('millrace/id-conflict'))
  await shop.idle()
  assert.deepEqual(seenBy(file, 'recorder'), [1, 3])
})

test('an id is unique per type, and up to 255 characters of any kind', async (t) => {
  const file = place(t)
  const Closed = event('closed', { schema: z.object({ account: z.string() }) })
  const shop = await started(t, bank(file, [topic('closings', [Closed])]))
  const ids = ['x', 'x'.repeat(255), 'ünïcödé 🚀', "it's; drop table seen --", 'a\nb', '0']
  for (const id of ids) {
    assert.deepEqual(await shop.publish(Paid, { account: 'a', cents: 1 }, { id }), { id })
    assert.deepEqual(await shop.publish(Closed, { account: 'a' }, { id }), { id })
    assert.deepEqual(await shop.publish(Closed, { account: 'a' }, { id }), { id, duplicate: true })
  }
  assert.deepEqual(
    kept(file, 'closings').map(({ id }) => id),
    ids,
  )
})

// ── who gets what ────────────────────────────────────────────────────────────────────────────────────────────────

test('every processor of a topic gets each event, and one that holds does not stop the others', async (t) => {
  const file = place(t)
  const fails = recorder('fails', {
    onlyWhen: (cents) => {
      if (cents === 3) throw new Refused('not three')
    },
  })
  const shop = await started(t, bank(file, [recorder('one'), recorder('two'), fails]))
  for (let cents = 1; cents <= 10; cents++) await shop.publish(Paid, { account: 'a', cents })
  await shop.idle()
  const all = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
  assert.deepEqual(seenBy(file, 'one'), all)
  assert.deepEqual(seenBy(file, 'two'), all)
  assert.deepEqual(seenBy(file, 'fails'), [1, 2])
  assert.deepEqual(
    (await shop.desk.list({ states: ['held'] })).map(({ processor, waiting }) => [processor, waiting]),
    [['fails', 7]],
  )
})

test('handlers get the same frozen message, from memory and from disk', async (t) => {
  const file = place(t)
  const got: Message<typeof Paid>[] = []
  const look = (name: string) =>
    processor(name, { on: Payments, handle: { paid: (message) => void got.push(message as Message<typeof Paid>) } })
  const shop = await started(t, bank(file, [look('one'), look('two')]))
  const { id } = await shop.publish(Paid, { account: 'a', cents: 1, note: 'ü' })
  await shop.idle()
  await shop.stop()
  const later = await started(t, bank(file, [look('one'), look('two'), look('three')]))
  await later.idle()
  assert.equal(got.length, 3)
  const [first, second, third] = got
  assert.equal(first, second)
  assert.notEqual(first, third)
  assert.deepEqual(first, third)
  const { time, ...rest } = first!
  assert(Math.abs(time - Date.now()) < 60_000)
  assert.deepEqual(rest, {
    id,
    type: 'paid',
    source: '/bank',
    context: 'a',
    correlationId: id,
    causationId: undefined,
    version: 1,
    data: { account: 'a', cents: 1, note: 'ü' },
  })
  for (const message of [first!, third!]) {
    assert.throws(() => Object.assign(message, { id: 'other' }), TypeError)
    assert.throws(() => Object.assign(message.data, { cents: 2 }), TypeError)
  }
})

test('fields that the schema strips are not stored, and handlers get its result', async (t) => {
  const file = place(t)
  const Named = event('named', { schema: z.object({ name: z.string().trim().toLowerCase() }) })
  const Names = topic('names', [Named])
  const names: string[] = []
  const look = processor('look', { on: Names, handle: { named: ({ data }) => void names.push(JSON.stringify(data)) } })
  const shop = await started(t, bank(file, [look]))
  await shop.publish(Named, { name: '  ADA ', more: 1 } as { name: string })
  await shop.idle()
  assert.deepEqual(names, ['{"name":"ada"}'])
  assert.equal(kept(file, 'names')[0]!.data, '{"name":"ada"}')
})

test('a topic without processors keeps its events for the processor that comes later', async (t) => {
  const file = place(t)
  const shop = await started(t, bank(file, []))
  for (let cents = 1; cents <= 5; cents++) await shop.publish(Paid, { account: 'a', cents })
  await shop.idle()
  await shop.stop()
  assert.equal(kept(file, 'payments').length, 5)
  const later = await started(t, bank(file, [recorder('late')]))
  await later.idle()
  assert.deepEqual(seenBy(file, 'late'), [1, 2, 3, 4, 5])
})

test('a command on a channel goes to its one processor, once, with its reply checked', async (t) => {
  const file = place(t)
  const Pay = command('pay', {
    schema: z.object({ account: z.string(), cents: z.number() }),
    reply: z.object({ left: z.number() }),
    context: (order) => order.account,
  })
  const Till = channel('till', [Pay])
  const till = processor('till', {
    on: Till,
    retry: { attempts: 1 },
    handle: {
      pay: ({ id, data: { account, cents } }, { commit }) =>
        commit(async (tx) => {
          await tx.query`insert into seen (who, id, account, cents) values ('till', ${id}, ${account}, ${cents})`
          return cents === 2 ? ({ lft: 1 } as unknown as { left: number }) : { left: 1 }
        }),
    },
  })
  const shop = await started(t, bank(file, [till]))
  for (const cents of [1, 2, 3]) await shop.send(Pay, { account: `account ${cents}`, cents }, { id: `pay ${cents}` })
  assert.deepEqual(await shop.send(Pay, { account: 'account 1', cents: 1 }, { id: 'pay 1' }), {
    id: 'pay 1',
    duplicate: true,
  })
  await shop.idle()
  assert.deepEqual(seenBy(file, 'till').sort(), [1, 3])
  const [held] = await shop.desk.list()
  assert.equal(held!.message.id, 'pay 2')
  assert.equal(held!.error!.code, 'millrace/bad-data')
  assert.match(held!.error!.message, /reply to command "pay".*left: /)
})

// ── chains ───────────────────────────────────────────────────────────────────────────────────────────────────────

test('a chain carries the id of its first event on, each step names its cause, and all is kept', async (t) => {
  const file = place(t)
  const Booked = event('booked', { schema: z.object({ cents: z.number() }) })
  const Bookings = topic('bookings', [Booked])
  const Print = command('print', { schema: z.object({ cents: z.number() }) })
  const Printer = channel('printer', [Print])
  const Printed = event('printed', { schema: z.object({ cents: z.number() }) })
  const Done = topic('done', [Printed])
  const book = processor('book', {
    on: Payments,
    publishes: [Booked],
    handle: { paid: ({ data: { cents } }, { publish }) => publish(Booked, { cents }) },
  })
  const order = processor('order', {
    on: Bookings,
    sends: [Print],
    handle: { booked: ({ data }, { commit, send }) => commit(() => send(Print, data)) },
  })
  const print = processor('print', {
    on: Printer,
    publishes: [Printed],
    handle: {
      print: async ({ data }, { publish }) => {
        publish(Printed, data)
        publish(Printed, { cents: data.cents + 1 })
      },
    },
  })
  const shop = await started(t, bank(file, [Done, book, order, print]))
  const { id } = await shop.publish(Paid, { account: 'a', cents: 5 }, { id: 'first' })
  await shop.idle()
  const [paid] = kept(file, 'payments')
  const [booked] = kept(file, 'bookings')
  const [ordered] = kept(file, 'printer')
  const printed = kept(file, 'done')
  assert.equal(paid!.id, id)
  assert.deepEqual([paid!.source, paid!.correlation, paid!.causation], ['/bank', null, null])
  assert.deepEqual([booked!.source, booked!.correlation, booked!.causation], ['/bank/book', id, id])
  assert.deepEqual([ordered!.source, ordered!.correlation, ordered!.causation], ['/bank/order', id, booked!.id])
  assert.deepEqual(
    printed.map(({ source, correlation, causation, data }) => [source, correlation, causation, data]),
    [
      ['/bank/print', id, ordered!.id, '{"cents":5}'],
      ['/bank/print', id, ordered!.id, '{"cents":6}'],
    ],
  )
})

test('a message published before its handler fails leaves only with the attempt that succeeds', async (t) => {
  const file = place(t)
  const Booked = event('booked', { schema: z.object({ attempt: z.number() }) })
  const Bookings = topic('bookings', [Booked])
  let attempt = 0
  const keys = new Set<string>()
  const book = processor('book', {
    on: Payments,
    publishes: [Booked],
    retry: { attempts: 4, firstDelayMs: 1 },
    handle: {
      paid: async (_, { publish, commit, idempotencyKey }) => {
        keys.add(idempotencyKey)
        attempt++
        publish(Booked, { attempt })
        if (attempt === 1) throw new Error('before commit')
        return commit(async (tx) => {
          await tx.query`insert into seen (who, cents) values ('book', ${attempt})`
          publish(Booked, { attempt: attempt + 10 })
          if (attempt === 2) throw new Error('in commit')
        })
      },
    },
  })
  const shop = await started(t, bank(file, [Bookings, book]))
  await shop.publish(Paid, { account: 'a', cents: 5 })
  await shop.idle()
  assert.deepEqual(
    kept(file, 'bookings').map(({ data }) => JSON.parse(data).attempt),
    [3, 13],
  )
  assert.deepEqual(seenBy(file, 'book'), [3])
  assert.equal(keys.size, 1)
})

// ── transactions and reading ─────────────────────────────────────────────────────────────────────────────────────

test('app.transaction keeps rows and events together and gives its value', async (t) => {
  const file = place(t)
  const shop = await started(t, bank(file, [recorder('recorder')]))
  const value = await shop.transaction(async (tx) => {
    await tx.query`insert into seen (who, cents) values ('caller', 1)`
    tx.publish(Paid, { account: 'a', cents: 2 })
    const [row] = await tx.query<{ n: number }>`select count(*) as n from seen`
    return { n: row!.n }
  })
  assert.deepEqual(value, { n: 1 })
  await shop.idle()
  assert.deepEqual([seenBy(file, 'caller'), seenBy(file, 'recorder')], [[1], [2]])
  assert.equal(await shop.transaction(() => 'no promise'), 'no promise')
})

test('app.transaction keeps nothing when it throws, for any thrown value, and the caller gets that', async (t) => {
  const file = place(t)
  const shop = await started(t, bank(file, [recorder('recorder')]))
  const error = new Error('changed my mind')
  const failing = shop.transaction(async (tx) => {
    await tx.query`insert into seen (who, cents) values ('caller', 1)`
    tx.publish(Paid, { account: 'a', cents: 2 })
    throw error
  })
  await assert.rejects(failing, (thrown) => thrown === error)
  const bad = shop.transaction(async (tx) => {
    await tx.query`insert into seen (who, cents) values ('caller', 1)`
    tx.publish(Paid, { account: 'a' } as { account: string; cents: number })
  })
  await assert.rejects(bad, coded('millrace/bad-data'))
  const unknown = shop.transaction((tx) => tx.publish(event('other', { schema: z.object({}) }), {}))
  await assert.rejects(unknown, coded('millrace/type-without-topic'))
  const refused = shop.transaction(() => {
    throw new Refused('no', { why: 1 })
  })
  await assert.rejects(refused, (thrown) => thrown instanceof Refused)
  await assert.rejects(
    shop.transaction((tx) => tx.query`insert into nowhere values (1)`),
    /no such table/,
  )
  await shop.idle()
  assert.deepEqual(kept(file, 'payments'), [])
  assert.deepEqual(rows(file, 'select * from seen'), [])
  await shop.transaction((tx) => tx.publish(Paid, { account: 'a', cents: 3 }))
  await shop.idle()
  assert.deepEqual(seenBy(file, 'recorder'), [3])
})

test('tx of app.transaction says no once its function has ended', async (t) => {
  const file = place(t)
  const shop = await started(t, bank(file, []))
  const tx = await shop.transaction((tx) => ({ query: tx.query, publish: tx.publish }))
  await assert.rejects(tx.query`insert into seen (who) values ('late')`, coded('millrace/tx-closed'))
  assert.throws(() => tx.publish(Paid, { account: 'a', cents: 1 }), coded('millrace/tx-closed'))
  await shop.publish(Paid, { account: 'a', cents: 2 })
  assert.equal(kept(file, 'payments').length, 1)
  assert.deepEqual(rows(file, 'select * from seen'), [])
})

test('app.read reads rows, binds its values, and writes nothing', async (t) => {
  const file = place(t)
  const shop = await started(t, bank(file, []))
  await shop.transaction((tx) => tx.query`insert into seen (who, account, cents) values ('a', ${"it's"}, 1)`)
  assert.deepEqual(await shop.read`select who, cents from seen where account = ${"it's"}`, [{ who: 'a', cents: 1 }])
  assert.deepEqual(await shop.read`select who from seen where account = ${'b'}`, [])
  await assert.rejects(shop.read`insert into seen (who) values ('b')`)
  await assert.rejects(shop.read`delete from seen`)
  await assert.rejects(
    shop.read`select ${new Date() as unknown as string}`,
    coded('millrace/bad-value', /value 1 of the statement is a Date/),
  )
  await assert.rejects(
    (shop.read as unknown as (text: string) => Promise<unknown>)('select 1'),
    coded('millrace/bad-value'),
  )
  assert.deepEqual(
    rows(file, 'select who from seen').map((row) => row['who']),
    ['a'],
  )
})
