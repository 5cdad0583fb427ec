import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Invoice } from './messages.ts'
import { publishAll } from './publish.ts'

const invoice = (n: number): Invoice => ({ invoiceNo: String(n), customerId: null, country: '', at: '', lines: [] })

/** Counts to `end`; `taken` is how many were asked for, `closed` whether the reader was let go. */
function source(end: number) {
  const state = { taken: 0, closed: false }
  async function* invoices() {
    try {
      while (state.taken < end) yield invoice(++state.taken)
    } finally {
      state.closed = true
    }
  }
  return { state, invoices: invoices() }
}

/** A shop that takes an invoice when it is told to. */
function slowShop() {
  const pending: { resolve: () => void; reject: (error: Error) => void }[] = []
  const order: string[] = []
  const publish = ({ invoiceNo }: Invoice) => {
    order.push(invoiceNo)
    return new Promise<void>((resolve, reject) => pending.push({ resolve, reject }))
  }
  return { pending, order, publish }
}

/** Lets everything happen that waits for nothing from outside. */
const turns = () => new Promise((resolve) => setImmediate(resolve))

test('invoices are published in order, at most 256 at a time, and all are waited for', async () => {
  const { invoices, state } = source(1_000)
  const shop = slowShop()
  let done = false
  const all = publishAll(invoices, shop).then(() => {
    done = true
  })
  await turns()
  assert.equal(shop.pending.length, 256)
  while (state.taken < 1_000 || shop.pending.length > 1) {
    shop.pending.shift()?.resolve()
    await turns()
    assert.ok(shop.pending.length <= 256)
  }
  assert.equal(done, false)
  shop.pending.shift()!.resolve()
  await all
  assert.deepEqual(
    shop.order,
    Array.from({ length: 1_000 }, (_, n) => String(n + 1)),
  )
})

test('reading stops after the requested number of invoices', async () => {
  for (const pauseAt of [0, 1, 7]) {
    const { invoices, state } = source(1_000)
    const order: string[] = []
    await publishAll(invoices, { publish: async (one) => order.push(one.invoiceNo), pauseAt })
    assert.equal(order.length, pauseAt)
    assert.equal(state.taken, pauseAt)
  }
})

test('the first error of publishing stops the reading, and comes when the others are through', async () => {
  const { invoices, state } = source(100_000)
  const shop = slowShop()
  let settled = false
  const all = assert.rejects(publishAll(invoices, shop), /disk full/).then(() => {
    settled = true
  })
  await turns()
  shop.pending.shift()!.reject(new Error('disk full'))
  await turns()
  assert.ok(state.closed)
  assert.equal(settled, false)
  for (const { resolve } of shop.pending) resolve()
  await all
  assert.equal(shop.order.length, 256)
})

test('an error of reading comes when what was begun is through', async () => {
  async function* invoices() {
    yield invoice(1)
    throw new Error('bad line')
  }
  const shop = slowShop()
  const all = assert.rejects(publishAll(invoices(), shop), /bad line/)
  await turns()
  shop.pending[0]!.resolve()
  await all
})

test('a signal stops the reading without an error, also while it keeps to a rate', async () => {
  const { invoices, state } = source(100_000)
  const stop = new AbortController()
  const order: string[] = []
  const publish = async (one: Invoice) => {
    order.push(one.invoiceNo)
    if (order.length === 1) queueMicrotask(() => stop.abort())
  }
  await publishAll(invoices, { publish, rate: 0.001, signal: stop.signal })
  assert.deepEqual(order, ['1'])
  assert.ok(state.closed)
})

test('a rate is kept to, also by a timer that ends too early', async () => {
  const { invoices } = source(21)
  let nowMs = 0
  const sleep = async (ms: number) => {
    nowMs += Math.max(1, ms - 1)
  }
  const clock = { nowMs: () => nowMs, sleep }
  const times: number[] = []
  await publishAll(invoices, { publish: async () => times.push(nowMs), rate: 200, clock })
  assert.deepEqual(
    times,
    Array.from({ length: 21 }, (_, n) => n * 5),
  )
})
