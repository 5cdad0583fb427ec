// `publishMany`: events that are accepted together or not at all, on a real file and through crashes.
import assert from 'node:assert/strict'
import test from 'node:test'
import { app, channel, command, event, type PublishEntry, processor, sqlite, topic } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { coded, kept, place, rows, started } from './support.ts'

const Paid = event('paid', {
  schema: z.object({ account: z.string(), cents: z.number().int(), note: z.string().optional() }),
  context: ({ account }) => account,
})
const Payments = topic('payments', [Paid])
const Book = command('book', { schema: z.object({ cents: z.number() }) })

const ledger = (seen: number[]) =>
  processor('ledger', { on: Payments, handle: { paid: ({ data }) => void seen.push(data.cents) } })
const clerk = processor('clerk', { on: channel('bookings', [Book]), handle: { book: () => {} } })

const bank = (file: string, seen: number[] = [], options: { messageBytesMax?: number } = {}) =>
  app({
    name: 'bank',
    broker: sqlite({ file }),
    log: () => {},
    parts: [Payments, ledger(seen), clerk.on, clerk],
    ...options,
  })

type Entries = PublishEntry<typeof Paid>[]
const entries = (...cents: number[]): Entries => cents.map((n) => ({ data: { account: 'a', cents: n } }))
const named = (...cents: number[]): Entries => entries(...cents).map((entry, n) => ({ ...entry, id: `id-${cents[n]}` }))
const cents = (file: string) => kept(file, 'payments').map(({ data }) => (JSON.parse(data) as { cents: number }).cents)
const upTo = (end: number) => Array.from({ length: end }, (_, n) => n)

test('a list is accepted by one call: a result for each entry, all in order in the log and at the processor', async (t) => {
  const file = place(t)
  const seen: number[] = []
  const shop = await started(t, bank(file, seen))
  const accepted = await shop.publishMany(Paid, [...entries(1, 2), ...named(3), ...entries(4)])
  assert.equal(accepted[2]!.id, 'id-3')
  assert(accepted.every(({ duplicate }) => duplicate === undefined))
  assert.deepEqual(
    kept(file, 'payments').map(({ id }) => id),
    accepted.map(({ id }) => id),
  )
  await shop.idle()
  assert.deepEqual(
    [cents(file), seen],
    [
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ],
  )
  assert.deepEqual(await shop.publishMany(Paid, []), [])
  await shop.publishMany(Paid, entries(...upTo(10_000)))
  assert.equal(cents(file).length, 10_004)
})

test('calls keep their order, of publish and publishMany together', async (t) => {
  const file = place(t)
  const shop = await started(t, bank(file))
  const one = (n: number, options?: { id: string }) => shop.publish(Paid, { account: 'a', cents: n }, options)
  await Promise.all([
    one(1),
    shop.publishMany(Paid, named(2, 3)),
    shop.publishMany(Paid, entries(4)),
    one(5, { id: 'five' }),
    one(6),
    shop.publishMany(Paid, entries(7, 8)),
    one(9),
  ])
  assert.deepEqual(cents(file), [1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('an id that was published before, or comes twice in the list, is a duplicate; the others are new', async (t) => {
  const file = place(t)
  const shop = await started(t, bank(file))
  await shop.publish(Paid, { account: 'a', cents: 2 }, { id: 'id-2' })
  const list = [...named(1, 2, 3, 1), ...entries(4)]
  const duplicates = async () => (await shop.publishMany(Paid, list)).map(({ duplicate }) => duplicate === true)
  assert.deepEqual(await duplicates(), [false, true, false, true, false])
  assert.deepEqual(await duplicates(), [true, true, true, true, false])
  assert.deepEqual(cents(file), [2, 1, 3, 4, 4])
})

test('one entry that conflicts refuses all, by its index, and concurrent calls are accepted', async (t) => {
  const file = place(t)
  const shop = await started(t, bank(file))
  await shop.publish(Paid, { account: 'a', cents: 7 }, { id: 'id-3' })
  const conflict = (entry: number, says: RegExp) => (error: { data?: unknown }) => {
    assert.deepEqual(error.data, { id: 'id-3', type: 'paid', entry })
    return coded('millrace/id-conflict', says)(error)
  }
  await Promise.all([
    shop.publish(Paid, { account: 'a', cents: 8 }),
    assert.rejects(shop.publishMany(Paid, named(1, 2, 3)), conflict(2, /^entry 2: id "id-3" of "paid" was published/)),
    shop.publishMany(Paid, entries(9)),
    shop.publish(Paid, { account: 'a', cents: 10 }),
    shop.transaction((tx) => void tx.publish(Paid, { account: 'a', cents: 11 })),
  ])
  const twice = [...named(3), { data: { account: 'b', cents: 3 }, id: 'id-3' }]
  await assert.rejects(shop.publishMany(Paid, twice), conflict(1, /^entry 1: id "id-3" of "paid" is in entry 0 too/))
  assert.deepEqual(new Set(cents(file)), new Set([7, 8, 9, 10, 11]))
  assert.equal(rows(file, 'select * from millrace_ids').length, 1)
})

test('a list that is wrong is refused before anything is kept, with the index of the entry', async (t) => {
  const file = place(t)
  const shop = bank(file, [], { messageBytesMax: 10_000_000 })
  await assert.rejects(shop.publishMany(Paid, entries(1)), coded('millrace/not-started'))
  await started(t, shop)
  const good = entries(1)[0]!
  const large = { data: { account: 'a', cents: 1, note: 'x'.repeat(9_000_000) } }
  const cases: [unknown, Parameters<typeof coded>[0], RegExp][] = [
    [undefined, 'millrace/bad-option', /^publishMany takes a list of entries, each \{ data, id\? \}, not undefined$/],
    [good, 'millrace/bad-option', /, not object$/],
    [Array(10_001).fill(good), 'millrace/bad-option', /^publishMany takes at most 10000 entries, not 10001$/],
    [[good, good.data], 'millrace/bad-option', /^entry 1: an entry is \{ data, id\? \}, and has no "account"$/],
    [[null], 'millrace/bad-option', /^entry 0: an entry is \{ data, id\? \}, not null$/],
    [[good, [good]], 'millrace/bad-option', /^entry 1: /],
    [[{ id: 'x' }], 'millrace/bad-option', /^entry 0: .* has no data$/],
    [[good, { data: { account: 'a', cents: 'one' } }], 'millrace/bad-data', /^entry 1: data of event "paid".*cents/],
    [[good, { data: good.data, id: '' }], 'millrace/bad-id', /^entry 1: /],
    [[good, { data: good.data, id: 'flow/1' }], 'millrace/bad-id', /^entry 1: .*reserved/],
    [[good, large, large], 'millrace/too-large', /^entry 2: .* more than 16777216 bytes$/],
  ]
  for (const [list, code, says] of cases) {
    await assert.rejects(shop.publishMany(Paid, list as Entries), coded(code, says), String(says))
  }
  const delayed = (delay: object) => shop.publishMany(Paid, [good], delay)
  await assert.rejects(delayed({ id: 'x' }), coded('millrace/unknown-option', /"id"/))
  await assert.rejects(delayed({ delayMs: -1 }), coded('millrace/bad-time'))
  await assert.rejects(shop.publishMany(Book as never, [{ data: { cents: 1 } }] as never), coded('millrace/wrong-verb'))
  const unknown = event('unknown', { schema: z.object({}) })
  await assert.rejects(shop.publishMany(unknown, []), coded('millrace/type-without-topic'))
  assert.deepEqual([cents(file), rows(file, 'select * from millrace_ids')], [[], []])
})

test('delayed entries are due together, come in order, and are taken back one by one', async () => {
  const seen: number[] = []
  await using sim = simulation({ app: () => bank('bank.db', seen) })
  await sim.publishMany(Paid, named(3, 1, 2), { delayMs: 60_000 })
  assert(await sim.cancel(Paid, 'id-1'))
  await sim.advance(59_000)
  assert.deepEqual(seen, [])
  await sim.advance(2_000)
  await sim.untilIdle()
  assert.deepEqual(seen, [3, 2])
})

test('at any power cut, all of a list is in the log or none of it', async () => {
  let [all, none] = [0, 0]
  for (const afterMs of upTo(30).map((n) => n / 5)) {
    await using sim = simulation({ app: () => bank('bank.db') })
    await sim.untilIdle()
    sim.app.publishMany(Paid, entries(...upTo(100))).catch(() => {})
    await sim.advance(afterMs)
    await sim.crash({ power: true })
    await sim.restart()
    const { length } = sim.published(Paid)
    assert(length === 0 || length === 100, `${length} of 100 after ${afterMs} ms`)
    if (length === 0) none++
    else all++
  }
  assert(all > 0 && none > 0, `all ${all} times, none ${none} times`)
})
