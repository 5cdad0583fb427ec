// Enough elements as one event: by number, size, time and condition, per context, each element once. In virtual time.
import assert from 'node:assert/strict'
import test from 'node:test'
import { app, event, type GatherOptions, gather, type Part, processor, sqlite, topic } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { coded, place, rows, started } from './support.ts'

const Placed = event('placed', { schema: z.object({ key: z.string(), n: z.number() }), context: ({ key }) => key })
const Dropped = event('dropped', { schema: z.object({ key: z.string(), n: z.number() }), context: ({ key }) => key })
const Loose = event('loose', { schema: z.object({ n: z.number() }) })
const Orders = topic('orders', [Placed, Dropped, Loose])
const Full = event('full', { schema: z.object({ numbers: z.array(z.number()) }) })
const Batches = topic('batches', [Full])

const minute = 60_000
const hour = 60 * minute

type Options = Partial<
  GatherOptions<
    typeof Placed | typeof Dropped | typeof Loose,
    (typeof Placed | typeof Dropped | typeof Loose)[],
    typeof Full
  >
>
const gathering = (options: Options, name = 'batch') =>
  gather(name, {
    on: Orders,
    of: [Placed],
    publishes: Full,
    data: (items) => ({ numbers: items.map(({ n }) => n) }),
    ...options,
  })

function look(options: Options, parts: readonly Part[] = [Batches]) {
  const sim = simulation({ parts: [...parts, gathering(options)] })
  const batches = () => sim.published(Full).map(({ data }) => data.numbers)
  const put = async (key: string, ...numbers: number[]) => {
    for (const n of numbers) await sim.publish(Placed, { key, n })
    await sim.untilIdle()
  }
  /** Nothing of ours is left but what is told. */
  const left = () => ({
    items: sim.rows('millrace_gathered').length,
    groups: sim.rows('millrace_gathers').length,
    timers: sim.rows('millrace_timers').length,
  })
  return { sim, batches, put, left }
}

const empty = { items: 0, groups: 0, timers: 0 }
const upTo = (count: number, first = 1) => Array.from({ length: count }, (_, n) => first + n)

// ── what makes a batch full ──────────────────────────────────────────────────────────────────────────────────────

test('so many elements of one context become one event, in order; other contexts gather by themselves', async () => {
  const { sim, batches, put, left } = look({ count: 3 })
  await using _ = sim
  await put('a', 1, 2)
  await put('b', 11, 12)
  assert.deepEqual(batches(), [])
  await put('a', 3, 4)
  await put('b', 13)
  assert.deepEqual(batches(), [
    [1, 2, 3],
    [11, 12, 13],
  ])
  await sim.crash({ power: true })
  await sim.restart()
  await put('a', 5, 6)
  assert.deepEqual(batches().at(-1), [4, 5, 6])
  assert.deepEqual(left(), empty)
})

test('the event names its origin: the element that made the batch full', async () => {
  const { sim, put } = look({ count: 2 })
  await using _ = sim
  await put('a', 1, 2)
  const [full] = sim.published(Full)
  const [, second] = sim.published(Placed)
  assert.deepEqual([full!.source, full!.causationId], ['/simulated/batch', second!.id])
})

test('elements of several types of one context are one batch, and those of types that are not gathered are passed over', async () => {
  const { sim, batches } = look({ count: 3, of: [Placed, Dropped] })
  await using _ = sim
  await sim.publish(Placed, { key: 'a', n: 1 })
  await sim.publish(Loose, { n: 7 })
  await sim.publish(Dropped, { key: 'a', n: 2 })
  await sim.publish(Placed, { key: 'a', n: 3 })
  await sim.untilIdle()
  assert.deepEqual(batches(), [[1, 2, 3]])
})

test('elements of types without context are one group', async () => {
  const { sim, batches, left } = look({ count: 40, of: [Loose] })
  await using _ = sim
  await sim.untilIdle()
  await sim.settled(Promise.all(upTo(100).map((n) => sim.app.publish(Loose, { n }))))
  await sim.untilIdle()
  assert.deepEqual(
    batches().map(({ length }) => length),
    [40, 40],
  )
  assert.equal(new Set(batches().flat()).size, 80)
  assert.equal(left().items, 20)
})

test('elements that are together so large are a batch', async () => {
  const size = Buffer.byteLength(JSON.stringify({ key: 'a', n: 1 }))
  const { sim, batches, put } = look({ bytes: 3 * size })
  await using _ = sim
  await put('a', ...upTo(7))
  assert.deepEqual(batches(), [
    [1, 2, 3],
    [4, 5, 6],
  ])
})

test('elements become a batch so long after the first one, not before, also when the app was down', async () => {
  const { sim, batches, put, left } = look({ afterMs: hour })
  await using _ = sim
  await put('a', 1)
  await sim.advance(30 * minute)
  await put('a', 2)
  await sim.advance(29 * minute)
  assert.deepEqual(batches(), [])
  await sim.advance(2 * minute)
  await sim.untilIdle()
  assert.deepEqual(batches(), [[1, 2]])
  await put('a', 3)
  await sim.crash()
  await sim.advance(3 * hour)
  await sim.restart()
  await sim.untilIdle()
  assert.deepEqual(batches(), [[1, 2], [3]])
  assert.deepEqual(left(), empty)
})

test('a batch that was full in time takes its timer along, and the next one has all of its own time', async () => {
  const { sim, batches, put, left } = look({ count: 2, afterMs: hour })
  await using _ = sim
  await put('a', 1)
  assert.equal(left().timers, 1)
  await sim.advance(50 * minute)
  await put('a', 2)
  assert.equal(left().timers, 0)
  await put('a', 3)
  await sim.advance(55 * minute)
  assert.deepEqual(batches(), [[1, 2]])
  await sim.advance(10 * minute)
  await sim.untilIdle()
  assert.deepEqual(batches(), [[1, 2], [3]])
})

test('a command that ends the time of a batch that is gone by then is passed over', async () => {
  const { sim, batches, put } = look({ count: 2, afterMs: hour })
  await using _ = sim
  await put('a', 1)
  const due = sim.app.parts.find((part) => part.kind === 'gather')!.processors[1]!.on.types[0]!
  await sim.send(due as never, { context: 'a' } as never)
  await sim.send(due as never, { context: 'none' } as never)
  await sim.untilIdle()
  assert.deepEqual([batches(), sim.held()], [[], []])
  await put('a', 2)
  assert.deepEqual(batches(), [[1, 2]])
})

// ── conditions ───────────────────────────────────────────────────────────────────────────────────────────────────

const latest = (items: readonly { n: number }[]) => items.at(-1)!.n

test('a value that crosses its bound is an event once, until it was back', async () => {
  const { sim, batches, put, left } = look({ when: { value: latest, above: 30 } })
  await using _ = sim
  await put('a', 20, 30, 31, 35, 32, 30, 31, 29)
  await put('b', 40)
  await put('c', 25)
  assert.deepEqual(batches(), [[31], [31], [40]])
  assert.deepEqual(left(), { items: 2, groups: 3, timers: 0 })
})

test('with rearm it fires again only once the value was back that far, also across a crash', async () => {
  const { sim, batches, put } = look({ when: { value: latest, below: 10, rearm: 20 } })
  await using _ = sim
  await put('a', 15, 9, 12, 9)
  await sim.crash({ power: true })
  await sim.restart()
  await put('a', 19, 8, 20, 9.5)
  assert.deepEqual(batches(), [[9], [9.5]])
})

test('a condition that is alone looks at the newest elements, and the older ones are let go of', async () => {
  const average = (items: readonly { n: number }[]) => items.reduce((sum, { n }) => sum + n, 0) / items.length
  const { sim, batches, put, left } = look({ when: { value: average, above: 10 }, window: 3 })
  await using _ = sim
  await put('a', 1, 2, 3, 4, 5)
  assert.equal(left().items, 3)
  await put('a', 6, 30, 5)
  assert.deepEqual(batches(), [[5, 6, 30]])
})

test('a condition on all elements of a batch begins anew with each batch', async () => {
  const sum = (items: readonly { n: number }[]) => items.reduce((all, { n }) => all + n, 0)
  const { sim, batches, put } = look({ when: { value: sum, above: 100 }, count: 4 })
  await using _ = sim
  await put('a', 60, 50, 101, 1, 2, 3, 4, 1)
  assert.deepEqual(batches(), [[60, 50], [101], [1, 2, 3, 4]])
})

// ── what fails ───────────────────────────────────────────────────────────────────────────────────────────────────

test('data that throws fails the message that made the batch full: it is tried again, then held, and released', async () => {
  let broken = true
  const { sim, batches, put } = look({
    count: 2,
    data: (items) => {
      if (broken) throw new Error('no way')
      return { numbers: items.map(({ n }) => n) }
    },
  })
  await using _ = sim
  await put('a', 1, 2, 3)
  await put('b', 11)
  const [held, ...more] = sim.held()
  assert.deepEqual([more, held!.processor, held!.error!.message, held!.attempts], [[], 'batch', 'no way', 5])
  broken = false
  await sim.release(held!.id)
  await put('a', 4)
  await put('b', 12)
  assert.deepEqual(batches().toSorted(), [
    [1, 2],
    [11, 12],
    [3, 4],
  ])
})

test('data that does not fit, and a value that is no number, fail it too', async () => {
  const wrong = look({ count: 1, data: () => ({ numbers: ['one'] }) as never })
  await using _ = wrong.sim
  await wrong.put('a', 1)
  assert.equal(wrong.sim.held()[0]!.error!.code, 'millrace/bad-data')
  const late = look({ count: 1, data: (async () => ({ numbers: [] })) as never })
  await using _late = late.sim
  await late.put('a', 1)
  assert.equal(late.sim.held()[0]!.error!.code, 'millrace/bad-data')
  const odd = look({ when: { value: () => Number.NaN, above: 1 } })
  await using _odd = odd.sim
  await odd.put('a', 1)
  assert.match(odd.sim.held()[0]!.error!.message, /gather "batch": when.value gave NaN, not a number/)
})

test('user code may not write what is gathered', async () => {
  const meddles = processor('meddles', {
    on: Orders,
    retry: { attempts: 1 },
    handle: { placed: (_, { commit }) => commit((tx) => tx.query`delete from millrace_gathered`) },
  })
  const { sim, put, left } = look({ count: 5 }, [Batches, meddles])
  await using _ = sim
  await put('a', 1, 2)
  assert.equal(sim.held()[0]!.error!.code, 'millrace/denied')
  assert.equal(left().items, 2)
})

// ── as a part ────────────────────────────────────────────────────────────────────────────────────────────────────

test('it is listed with its processors, runs with only by its name, and lets go of its elements when it is retired', async (t) => {
  const file = place(t)
  const bank = (...parts: Part[]) => app({ name: 'bank', broker: sqlite({ file }), log: () => {}, parts })
  const first = bank(Batches, gathering({ count: 5, afterMs: hour }))
  t.after(() => first.stop())
  await first.start({ only: ['batch'] })
  await first.publish(Placed, { key: 'a', n: 1 })
  await first.idle()
  assert.deepEqual(
    (await first.processors.list()).map(({ name, on, state }) => [name, on, state]),
    [
      ['batch', 'orders', 'live'],
      ['batch.due', 'batch.due', 'live'],
    ],
  )
  await first.stop()
  const without = await started(t, bank(Batches, Orders))
  assert.equal(rows(file, 'select * from millrace_gathered').length, 1)
  await without.processors.retire('batch')
  await without.processors.retire('batch.due')
  assert.deepEqual(rows(file, 'select gather from millrace_gathered union all select gather from millrace_gathers'), [])
})

test('an element is read in the shape of today', async (t) => {
  const file = place(t)
  const bank = (...parts: Part[]) => app({ name: 'bank', broker: sqlite({ file }), parts })
  const before = await started(t, bank(Batches, gathering({ count: 2 })))
  await before.publish(Placed, { key: 'a', n: 1 })
  await before.idle()
  await before.stop()
  const V2 = event('placed', {
    version: 2,
    schema: z.object({ key: z.string(), units: z.number() }),
    context: ({ key }) => key,
    upcast: { 1: ({ n, ...rest }) => ({ ...rest, units: n * 10 }) },
  })
  const newer = gather('batch', {
    on: topic('orders', [V2, Dropped, Loose]),
    of: [V2],
    publishes: Full,
    count: 2,
    data: (items) => ({ numbers: items.map(({ units }) => units) }),
  })
  const after = await started(t, bank(Batches, newer))
  await after.publish(V2, { key: 'a', units: 5 })
  await after.idle()
  const [full] = rows<{ data: string }>(
    file,
    'select data from millrace_log_1 union select data from millrace_log_2',
  ).filter(({ data }) => data.includes('numbers'))
  assert.equal(full!.data, '{"numbers":[10,5]}')
})

test('a wrong gather is refused when it is declared', () => {
  const value = () => 1
  for (const [options, says] of [
    [{}, /gather "batch": say when a batch is full: count, bytes, afterMs or when/],
    [{ window: 2 }, /say when a batch is full/],
    [{ count: 0 }, /count is 0, but must be a whole number from 1 to 100000/],
    [{ count: 100_001 }, /count is 100001/],
    [{ bytes: -1 }, /bytes is -1/],
    [{ afterMs: 0 }, /afterMs is 0/],
    [{ count: 5, window: 2 }, /window needs a when without count, bytes and afterMs/],
    [{ when: { value, above: 1 }, afterMs: 5, window: 2 }, /window needs a when without count, bytes and afterMs/],
    [{ when: { value, above: 1 }, window: 1_001 }, /window is 1001/],
    [{ when: { value, above: 1 }, count: 1_001 }, /count is 1001, but must be at most 1000 with when/],
    [{ when: { value } }, /when: give either above or below/],
    [{ when: { value, above: 1, below: 0 } }, /when: give either above or below/],
    [{ when: { value: 5, above: 1 } }, /when: value must be a function/],
    [{ when: { value, above: Number.NaN } }, /when: above is NaN/],
    [{ when: { value, above: 5, rearm: 6 } }, /when: rearm is 6, where the value is still above 5/],
    [{ when: { value, below: 5, rearm: 4 } }, /when: rearm is 4, where the value is still below 5/],
    [{ count: 1, of: [] }, /of must be a list of events, at least one/],
    [{ count: 1, of: [Full] }, /of has "full", which is not on topic "orders"/],
    [{ count: 1, on: topic('all', [Placed, Full]), of: [Full] }, /must not gather "full", which it publishes/],
    [{ count: 1, on: undefined }, /on must be a topic/],
    [{ count: 1, publishes: Batches }, /publishes must be an event/],
    [{ count: 1, data: 5 }, /data must be a function/],
    [{ count: 1, startAt: 'soon' }, /startAt must be/],
  ] as const) {
    assert.throws(() => gathering(options as Options), coded('millrace/bad-option', says))
  }
  assert.throws(() => gathering({ cuont: 5 } as Options), coded('millrace/unknown-option', /did you mean "count"/))
  assert.throws(
    () => gathering({ when: { value, above: 1, re: 1 } } as Options),
    coded('millrace/unknown-option', /gather "batch": when: unknown option "re"/),
  )
  assert.throws(() => gathering({ count: 1 }, 'x'.repeat(97)), coded('millrace/bad-name', /97 characters, at most 96/))
  assert.throws(() => gathering({ count: 1 }, '7'), coded('millrace/bad-name'))
})

test('a gather has a name of its own among what runs, and its event is on a topic', async () => {
  const start = (...parts: Part[]) => app({ name: 'bank', broker: sqlite({ file: 'none.db' }), parts }).start()
  const batch = processor('batch', { on: Orders, handle: {} })
  await assert.rejects(
    start(Batches, batch, gathering({ count: 1 })),
    coded('millrace/duplicate-name', /app "bank": a processor and a gather are called "batch"/),
  )
  await assert.rejects(
    start(Batches, processor('batch.due', { on: Orders, handle: {} }), gathering({ count: 1 })),
    coded('millrace/duplicate-name', /two processors are called "batch.due"/),
  )
  await assert.rejects(start(gathering({ count: 1 })), coded('millrace/type-without-topic', /"full" is on no topic/))
})

// ── other bounds ─────────────────────────────────────────────────────────────────────────────────────────────────

/** A gather whose options are what `now` says when its process starts. */
function changing(now: { options: Options }) {
  const make = () =>
    app({ name: 'bank', broker: sqlite({ file: 'none.db' }), parts: [Batches, gathering(now.options)] })
  const sim = simulation({ app: make })
  const batches = () => sim.published(Full).map(({ data }) => data.numbers)
  const put = async (...numbers: number[]) => {
    for (const n of numbers) await sim.publish(Placed, { key: 'a', n })
    await sim.untilIdle()
  }
  const deploy = async (options: Options) => {
    await sim.crash()
    now.options = options
    await sim.restart()
  }
  return { sim, batches, put, deploy }
}

const newest = (items: readonly { n: number }[]) => items.at(-1)!.n

test('a condition that has fired is armed anew when its bounds change, and stays as it is when they do not', async () => {
  for (const [changed, expected] of [
    [{ value: newest, above: 200 }, [[150], [250]]],
    [{ value: newest, above: 100, rearm: 50 }, [[150], [250]]],
    [{ value: newest, above: 100 }, [[150]]],
  ] as const) {
    const now: { options: Options } = { options: { when: { value: newest, above: 100 } } }
    const { sim, batches, put, deploy } = changing(now)
    await using _ = sim
    await put(150)
    await deploy({ when: changed })
    await put(250, 260)
    assert.deepEqual(batches(), expected)
  }
})

test('changed bounds of a gather apply to the present batch from its next element on', async () => {
  const now: { options: Options } = { options: { count: 100, afterMs: hour } }
  const { sim, batches, put, deploy } = changing(now)
  await using _ = sim
  await put(1, 2, 3)
  await deploy({ count: 3 })
  assert.deepEqual(batches(), [])
  await put(4)
  assert.deepEqual(batches(), [[1, 2, 3, 4]])
  await put(5)
  await deploy({ count: 100, afterMs: hour })
  await put(6)
  await sim.advance(hour)
  await sim.untilIdle()
  assert.deepEqual(batches().at(-1), [5, 6])
})

test('the time of a batch is the one that it began with', async () => {
  const now: { options: Options } = { options: { afterMs: 2 * hour } }
  const { sim, batches, put, deploy } = changing(now)
  await using _ = sim
  await put(1)
  await deploy({ afterMs: hour })
  await sim.advance(1.5 * hour)
  await sim.untilIdle()
  assert.deepEqual(batches(), [])
  await sim.advance(hour)
  await sim.untilIdle()
  assert.deepEqual(batches(), [[1]])
})
