import assert from 'node:assert/strict'
import test from 'node:test'
import { channel, command, event, processor, Refused, topic, type Value } from 'millrace'
import { given } from 'millrace/testing'
import { z } from 'zod'
import { coded } from '../../test/support.ts'

const Placed = event('order.placed', {
  schema: z.object({ orderId: z.string(), quantity: z.number().int() }),
  context: (order) => order.orderId,
})
const Cancelled = event('order.cancelled', { schema: z.object({ orderId: z.string() }) })
const Orders = topic('orders', [Placed, Cancelled])
const Moved = event('stock.moved', { schema: z.object({ sku: z.string(), quantity: z.number() }) })
const Take = command('stock.take', {
  schema: z.object({ sku: z.string(), quantity: z.number() }),
  reply: z.object({ left: z.number() }),
  refusal: z.object({ short: z.number() }),
})
const Count = command('stock.count', { schema: z.object({}), reply: z.object({ left: z.number() }) })
const Stock = channel('stock', [Take, Count])
const Print = command('label.print', { schema: z.object({ orderId: z.string() }) })

const stock = processor('stock', {
  on: Stock,
  publishes: [Moved],
  handle: {
    'stock.take': (take, { commit, publish }) =>
      commit(async (tx) => {
        const { sku, quantity } = take.data
        publish(Moved, { sku, quantity: -quantity })
        const [row] = await tx.query<{ left: number }>`update stock set left = left - ${quantity}
          where sku = ${sku} and left >= ${quantity} returning left`
        if (!row) throw new Refused('out of stock', { short: quantity })
        return { left: row.left }
      }),
    'stock.count': async (_count, { read }) => {
      const [row] = await read<{ left: number }>`select sum(left) as left from stock`
      return { left: row?.left ?? 0 }
    },
  },
})
const update = 'update stock set left = left - ? where sku = ? and left >= ? returning left'

type Handle = NonNullable<Parameters<typeof processor<typeof Placed, [typeof Moved], [typeof Print]>>[1]['handle']>
/** A processor of orders with this handler. */
const orders = (handle: Handle['order.placed'], timeoutMs?: number) =>
  processor('orders', { on: Orders, publishes: [Moved], sends: [Print], timeoutMs, handle: { 'order.placed': handle } })
const order = { orderId: 'o-1', quantity: 2 }

/** The error that a comparison fails with. */
async function difference(compared: Promise<unknown>): Promise<Error & { cause?: unknown }> {
  const error = await compared.then(
    () => assert.fail('the comparison went well'),
    (error: unknown) => error,
  )
  assert(error instanceof assert.AssertionError, `an AssertionError, not ${String(error)}`)
  return error
}

test('a handler is given rows, and its publishes, replies and questions are compared', async () => {
  const asked: (readonly Value[])[] = []
  const query = (text: string, values: readonly Value[]) => {
    asked.push(values)
    return text.startsWith('update stock') ? [{ left: 3 }] : []
  }
  const outcome = await given(stock, { query })
    .when(Take, { sku: 'mill', quantity: 2 })
    .then({ published: [[Moved, { sku: 'mill', quantity: -2 }]], reply: { left: 3 }, sent: [], queries: [update] })
  assert.deepEqual(asked, [[2, 'mill', 2]])
  assert.deepEqual(outcome, {
    published: [[Moved, { sku: 'mill', quantity: -2 }]],
    sent: [],
    cancelled: [],
    reply: { left: 3 },
    refused: undefined,
    error: undefined,
    queries: [{ text: update, values: [2, 'mill', 2] }],
    committed: true,
  })
})

test('awaiting a case gives the outcome, and however often it is asked the handler runs once', async () => {
  let runs = 0
  const counting = orders((placed, { send }) => {
    runs++
    send(Print, { orderId: placed.data.orderId })
  })
  const once = given(counting).when(Placed, order)
  assert.equal(runs, 0)
  const { sent, committed, reply, queries } = await once
  assert.deepEqual([sent, committed, reply, queries], [[[Print, { orderId: 'o-1' }]], false, undefined, []])
  await once.then({ sent: [[Print, { orderId: 'o-1' }]] })
  assert.equal(await once.then((outcome) => outcome.sent.length), 1)
  assert.equal(runs, 1)
})

test('only what is named is compared', async () => {
  await given(stock, { query: () => [{ left: 1 }] })
    .when(Take, { sku: 'mill', quantity: 1 })
    .then({})
  await given(stock, { query: async () => [{ left: 7 }] })
    .when(Count, {})
    .then({ reply: { left: 7 } })
  await given(stock)
    .when(Count, {})
    .then({ reply: { left: 0 } })
})

test('a difference shows its subject, the expected and the actual value', async () => {
  const taken = given(stock, { query: () => [{ left: 3 }] }).when(Take, { sku: 'mill', quantity: 2 })
  const published = await difference(taken.then({ published: [[Moved, { sku: 'mill', quantity: 2 }]] }))
  for (const says of [/published/, /stock\.moved/, /quantity: -2/, /quantity: 2/]) assert.match(published.message, says)
  assert.match((await difference(taken.then({ published: [] }))).message, /stock\.moved/)
  assert.match((await difference(taken.then({ reply: { left: 4 } }))).message, /left: 3[\s\S]*left: 4/)
  assert.match((await difference(taken.then({ queries: [/^insert/] }))).message, /update stock[\s\S]*\/\^insert\//)
  await taken.then({ queries: [/^UPDATE stock/i] })
  await taken.then({ queries: [`update stock set left = left - ?\n where sku = ? and left >= ? returning left`] })
})

test('a refusal takes back what was collected, and is expected by its data, its reason or at all', async () => {
  const short = given(stock).when(Take, { sku: 'mill', quantity: 2 })
  await short.then({ refused: true, published: [] })
  await short.then({ refused: { short: 2 } })
  await short.then({ refused: /out of/, queries: [update] })
  const { refused, published, committed } = await short
  assert.deepEqual([refused?.message, published, committed], ['out of stock', [], false])
  const other = await difference(short.then({ refused: { short: 1 } }))
  assert.equal(other.cause, refused)
  assert.match((await difference(short.then({ refused: /sold/ }))).message, /out of stock/)
})

test('an unexpected failure or refusal fails the comparison, with its error as cause', async () => {
  const refused = await difference(given(stock).when(Take, { sku: 'mill', quantity: 2 }).then({ published: [] }))
  assert.equal(refused.message, 'processor "stock" refused command "stock.take": out of stock')
  assert(refused.cause instanceof Refused)
  const broken = new TypeError('broken')
  const failing = given(
    orders(() => {
      throw broken
    }),
  ).when(Placed, order)
  const failed = await difference(failing.then({}))
  assert.equal(failed.message, 'processor "orders" failed at event "order.placed": broken')
  assert.equal(failed.cause, broken)
  assert.equal((await difference(failing.then({ refused: true }))).cause, broken)
  await failing.then({ fails: /brok/, published: [], sent: [] })
  await failing.then({ fails: 'TypeError' })
  assert.match((await difference(failing.then({ fails: /other/ }))).message, /broken/)
})

test('a handled message where a failure or refusal is expected fails the comparison', async () => {
  const fine = given(orders(() => {})).when(Placed, order)
  const failed = /^processor "orders" handled event "order\.placed", but it should have failed$/
  assert.match((await difference(fine.then({ fails: /x/ }))).message, failed)
  assert.match((await difference(fine.then({ refused: true }))).message, /should have refused it$/)
})

test('anything that is thrown is a failure, undefined too', async () => {
  for (const thrown of [undefined, null, 'no', 0]) {
    const failing = orders(() => Promise.reject(thrown))
    await given(failing)
      .when(Placed, order)
      .then({ fails: new RegExp(`thrown: .*${thrown}`) })
  }
})

test('the message and the context are as in real life', async () => {
  let seen: unknown
  const looking = orders((placed, { idempotencyKey, attempt, now, signal, log }) => {
    log.info('seen', { order: placed.data.orderId })
    assert(Object.isFrozen(placed) && Object.isFrozen(placed.data))
    seen = { ...placed, idempotencyKey, attempt, now: now(), aborted: signal.aborted }
  })
  await given(looking, { now: new Date(5_000) })
    .when(Placed, order, { id: 'm-1' })
    .then({})
  assert.deepEqual(seen, {
    id: 'm-1',
    type: 'order.placed',
    source: '/given',
    time: 5_000,
    context: 'o-1',
    correlationId: 'm-1',
    causationId: undefined,
    version: 1,
    data: order,
    idempotencyKey: 'orders/order.placed/m-1/0',
    attempt: 1,
    now: 5_000,
    aborted: false,
  })
  await given(looking, { now: 7_000 }).when(Placed, order, { time: 6_000, correlationId: 'flow' })
  const { time, now, correlationId } = seen as { time: number; now: number; correlationId: string }
  assert.deepEqual([time, now, correlationId], [6_000, 7_000, 'flow'])
})

test('the handler gets the number of the attempt that the test names', async () => {
  const patient = orders((_, { attempt }) => {
    if (attempt < 3) throw new Error(`attempt ${attempt}`)
  })
  await given(patient)
    .when(Placed, order)
    .then({ fails: /attempt 1/ })
  await given(patient)
    .when(Placed, order, { attempt: 2 })
    .then({ fails: /attempt 2/ })
  await given(patient).when(Placed, order, { attempt: 3 }).then({})
  for (const attempt of [0, 1.5, -1, '2' as never]) {
    assert.throws(() => given(patient).when(Placed, order, { attempt }), { code: 'millrace/bad-option' })
  }
})

test('a published message is seen as its receivers get it: by its schema, decoded and frozen', async () => {
  const data = { sku: 'mill', quantity: 1, more: 'than the schema knows' }
  const { published } = await given(orders((_placed, { publish }) => publish(Moved, data))).when(Placed, order)
  assert.deepEqual(published, [[Moved, { sku: 'mill', quantity: 1 }]])
  assert(Object.isFrozen(published[0]![1]))
})

test('a delayed message is compared with its delay, and a value that is no time fails', async () => {
  const moved = { sku: 'a', quantity: 1 }
  const delays = orders((_, { publish, send }) => {
    publish(Moved, moved, { delayMs: 5_000 })
    send(Print, { orderId: 'o-1' })
  })
  const late = given(delays).when(Placed, order)
  await late.then({ published: [[Moved, moved, { delayMs: 5_000 }]], sent: [[Print, { orderId: 'o-1' }]] })
  const error = await difference(late.then({ published: [[Moved, moved]] }))
  assert.match(error.message, /delayMs/)
  const seconds = orders((_, { publish }) => publish(Moved, moved, { at: 1_767_225_600 }))
  await given(seconds).when(Placed, order).then({ fails: 'millrace/bad-time' })
})

test('the rules of the engine hold', async () => {
  // biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
  const fails = (code: string, handle: (message: any, context: any) => unknown) =>
    given(orders(handle as Handle['order.placed']))
      .when(Placed, order)
      .then({ fails: code, published: [], sent: [] })
  await fails('millrace/undeclared', (_placed, { publish }) => publish(Cancelled, { orderId: 'o-1' }))
  await fails('millrace/bad-data', (_placed, { publish }) => publish(Moved, { sku: 1 }))
  await fails('millrace/wrong-verb', (_placed, { send }) => send(Moved, { sku: 'mill', quantity: 1 }))
  await fails('millrace/returned-value', () => 7)
  await fails('millrace/commit-not-returned', (_placed, { commit }) => void commit(() => {}))
  await fails('millrace/commit-twice', (_placed, { commit }) => commit(commit(() => {}) && (() => {})))
  await fails('millrace/bad-option', (_placed, { commit }) => commit(7))
  await fails('millrace/bad-value', (_placed, { commit }) =>
    commit((tx: { query: (...text: unknown[]) => unknown }) => tx.query('select 1')),
  )
  await fails('millrace/bad-value', (_placed, { read }) => read`select ${new Date()}`)
  await fails('millrace/commit-waited', (_placed, { commit }) => commit(() => new Promise(() => {})))
  await given(
    processor('bad', {
      on: Stock,
      handle: { 'stock.take': () => ({ left: '3' as never }), 'stock.count': () => ({ left: 1, right: 2 }) },
    }),
  )
    .when(Take, { sku: 'mill', quantity: 1 })
    .then({ fails: 'millrace/bad-data' })
})

test('a reply is given as its schema gives it', async () => {
  const part = processor('counter', {
    on: channel('counts', [Count]),
    handle: { 'stock.count': () => ({ left: 1, right: 2 }) },
  })
  await given(part)
    .when(Count, {})
    .then({ reply: { left: 1 } })
})

test('a commit function that fails takes back what the handler published before', async () => {
  const failing = orders((_placed, { commit, publish }) => {
    publish(Moved, { sku: 'mill', quantity: 1 })
    return commit((tx) => tx.query`insert into stock values (1)`)
  })
  const query = () => {
    throw new Error('UNIQUE constraint failed')
  }
  await given(failing, { query })
    .when(Placed, order)
    .then({ fails: /UNIQUE/, published: [], queries: [/^insert/] })
})

test('a statement that failed fails the commit function though it caught the error, awaited or not', async () => {
  const query = (text: string) => {
    if (text.startsWith('insert')) throw new Error('UNIQUE constraint failed')
    return []
  }
  const later = async (text: string) => query(text)
  for (const answer of [query, later]) {
    const catching = orders((_placed, { commit, publish }) =>
      commit(async (tx) => {
        publish(Moved, { sku: 'mill', quantity: 1 })
        await tx.query`insert into stock values (1)`.catch(() => {})
        await tx.query`select 1`.catch(() => {})
      }),
    )
    const caught = given(catching, { query: answer }).when(Placed, order)
    await caught.then({ fails: 'millrace/statement-failed', published: [], queries: [/^insert/] })
    const forgetting = orders((_placed, { commit }) => commit((tx) => void tx.query`insert into stock values (1)`))
    await given(forgetting, { query: answer })
      .when(Placed, order)
      .then({ fails: /^the commit function fails, whatever it returned.*: UNIQUE constraint failed$/ })
  }
})

test('an attempt in a commit function may fail: its messages are dropped, the rest leaves', async () => {
  const attempting = orders((_placed, { commit, publish, cancel }) =>
    commit(async (tx) => {
      publish(Moved, { sku: 'before', quantity: 1 })
      const failed = tx.attempt(async (inner) => {
        publish(Moved, { sku: 'inside', quantity: 1 })
        cancel(Moved, 'm-1')
        await inner.query`insert into stock values (1)`
      })
      await assert.rejects(failed, /UNIQUE/)
      await tx.attempt((inner) => inner.query`update stock set left = 1`)
      publish(Moved, { sku: 'after', quantity: 1 })
    }),
  )
  const query = (text: string) => {
    if (text.startsWith('insert')) throw new Error('UNIQUE constraint failed')
    return []
  }
  const { published, cancelled, queries, committed } = await given(attempting, { query }).when(Placed, order)
  assert.deepEqual(
    published.map(([, data]) => (data as { sku: string }).sku),
    ['before', 'after'],
  )
  assert.deepEqual([cancelled, queries.length, committed], [[], 2, true])
})

test('tx is closed after its function, and has no client', async () => {
  let late: (() => Promise<unknown>) | undefined
  const keeping = orders((_placed, { commit }) =>
    commit((tx) => {
      late = () => tx.query`select 1`
      return tx.query`select 2`
    }),
  )
  await given(keeping)
    .when(Placed, order)
    .then({ queries: ['select 2'] })
  await assert.rejects(late!(), coded('millrace/tx-closed'))
  await given(orders((_placed, { commit }) => commit((tx) => void tx.client)))
    .when(Placed, order)
    .then({ fails: /^given has no tx\.client/ })
})

test('an answer that waits in a commit function is told apart from a function that does', async () => {
  const asking = orders((_placed, { commit }) => commit((tx) => tx.query`select 1`))
  await given(asking, { query: () => new Promise<object[]>(() => {}) })
    .when(Placed, order)
    .then({ fails: /^given: the answer to `select 1` waited for something outside/ })
  const waiting = orders((_placed, { commit }) => commit((tx) => tx.query`select 1`.then(() => new Promise(() => {}))))
  await given(waiting).when(Placed, order).then({ fails: 'millrace/commit-waited' })
})

test('a commit function without an end is stopped', async () => {
  const endless = orders((_placed, { commit }) =>
    commit(async (tx) => {
      for (;;) await tx.query`select 1`
    }),
  )
  const { error, queries } = await given(endless).when(Placed, order)
  assert(coded('millrace/too-many-queries')(error))
  assert.equal(queries.length, 100_000)
})

test('a handler that outlives its time has failed, and its signal is aborted', async () => {
  let aborted = false
  const hanging = orders((_placed, { signal, publish }) => {
    publish(Moved, { sku: 'mill', quantity: 1 })
    signal.addEventListener('abort', () => {
      aborted = true
    })
    return new Promise<void>(() => {})
  }, 20)
  await given(hanging).when(Placed, order).then({ fails: 'millrace/timed-out', published: [] })
  assert(aborted)
})

test('rows that are no rows are refused', async () => {
  const reading = orders(async (_placed, { read }) => void (await read`select 1`))
  await given(reading, { query: (() => undefined) as never })
    .when(Placed, order)
    .then({ fails: /^given: query gave undefined for `select 1`, but must give rows$/ })
})

test('only a processor is taken, and only messages that it handles', () => {
  const wrong = given as (part: unknown, circumstances?: unknown) => ReturnType<typeof given>
  assert.throws(
    () => wrong(Orders),
    coded('millrace/bad-option', /^given takes a processor, a desk, a mediator or a type, not topic "orders"$/),
  )
  assert.throws(() => wrong(undefined), coded('millrace/bad-option', /not undefined$/))
  assert.throws(() => wrong(stock, { querry: () => [] }), coded('millrace/unknown-option', /did you mean "query"\?$/))
  assert.throws(() => wrong(stock, { query: [] }), coded('millrace/bad-option', /query must be a function/))
  for (const now of ['today', Number.NaN, new Date(Number.NaN)]) {
    assert.throws(() => wrong(stock, { now }), coded('millrace/bad-option', /^given: now is/))
  }
  assert.throws(
    () => given(stock).when(Placed, order),
    coded('millrace/bad-option', /^given processor "stock": "order\.placed" is not on channel "stock"$/),
  )
  const Twin = command('stock.count', { schema: z.object({}) })
  assert.throws(() => given(stock).when(Twin, {}), coded('millrace/bad-option', /import the one that is listed$/))
  const part = orders(() => {})
  assert.throws(
    () => given(part).when(Cancelled, { orderId: 'o-1' }),
    coded('millrace/missing-handler', /has no handler for "order\.cancelled" and passes it over$/),
  )
  // @ts-expect-error: the data of another type
  assert.throws(() => given(part).when(Placed, { orderId: 'o-1' }), coded('millrace/bad-data', /quantity/))
  assert.throws(() => given(part).when(Placed, { ...order, orderId: '' }), coded('millrace/bad-context'))
  assert.throws(() => given(part).when(Placed, order, { idd: 'x' } as never), coded('millrace/unknown-option'))
})

test('wrong expectations are refused with a clear error', async () => {
  const fine = given(orders(() => {})).when(Placed, order)
  const refuses = (expected: object, code: Parameters<typeof coded>[0], says: RegExp) =>
    assert.rejects(fine.then(expected as never), coded(code, says))
  await refuses(
    { publishd: [] },
    'millrace/unknown-option',
    /then: unknown option "publishd"; did you mean "published"/,
  )
  // @ts-expect-error: the same for the compiler
  await assert.rejects(fine.then({ publishd: [] }), coded('millrace/unknown-option'))
  await refuses({ published: {} }, 'millrace/bad-option', /published must be a list$/)
  await refuses({ published: [Moved] }, 'millrace/bad-option', /entry 0 of published must be a list of event and data$/)
  await refuses({ sent: [[Moved, {}]] }, 'millrace/bad-option', /entry 0 of sent must be a list of command and data$/)
  await refuses({ published: [[Cancelled, {}]] }, 'millrace/undeclared', /not in the publishes of processor "orders"$/)
  await refuses({ fails: 7 }, 'millrace/bad-option', /fails must be a pattern for the message or a code$/)
  await refuses({ fails: /a/, refused: true }, 'millrace/bad-option', /name one of them$/)
})
