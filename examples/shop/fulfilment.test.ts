import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Simulation, simulation } from 'millrace/testing'
import shop from './app.ts'
import { approve } from './approval.ts'
import { type InvoiceLine, InvoiceReceived } from './messages.ts'
import { booksOf } from './reckoning.ts'

const mug: Omit<InvoiceLine, 'lineNo'> = { stockCode: '10001', description: 'MUG', quantity: 6, unitPrice: '2.55' }
const postage = { stockCode: 'POST', description: 'POSTAGE', quantity: 1, unitPrice: '18' }

function invoice(invoiceNo: string, ...lines: Partial<InvoiceLine>[]) {
  const numbered = lines.map((line, index) => ({ lineNo: index + 1, ...mug, ...line }))
  return { invoiceNo, customerId: '17850', country: 'France', at: '2010-12-01T08:26:00.000Z', lines: numbered }
}

const nothing = { taken: {}, charged: {}, packed: [] }
const news = (sim: Simulation) => sim.query<{ news: string }>`select news from notices`.map((row) => row.news)

/** Publishes an invoice, and gives what has become of it when all is quiet. */
async function send(sim: Simulation, ...[invoiceNo, ...lines]: Parameters<typeof invoice>) {
  await sim.publish(InvoiceReceived, invoice(invoiceNo, ...lines))
  await sim.untilIdle()
  return became(sim)
}

async function became(sim: Simulation) {
  const states = (await sim.flows.list()).map(({ state }) => state)
  return { books: booksOf(sim.rows), news: news(sim), states }
}

/** Answers what is asked, and gives what has become of it. */
async function answer(sim: Simulation, yes: boolean) {
  const [question] = sim.questions()
  await sim.flows.answer(question!.flow, 'approve', yes, { by: 'ann' })
  await sim.untilIdle()
  return became(sim)
}

test('an invoice that is booked is fulfilled: its goods are taken, all of it is charged, packed and told', async () => {
  await using sim = simulation({ app: shop })
  const sent = await send(sim, '1', {}, { quantity: 4 }, { stockCode: '10002B' }, postage)
  assert.deepEqual(sent, {
    books: { taken: { '10001': 10, '10002B': 6 }, charged: { 1: 58_800 }, packed: ['1'] },
    news: ['shipped'],
    states: ['completed'],
  })
})

test('where charging is refused, reserved stock is given back, and the customer is told', async () => {
  await using sim = simulation({ app: shop })
  const declined = { books: nothing, news: ['declined'], states: ['compensated'] }
  assert.deepEqual(await send(sim, '2999', {}, {}, { stockCode: '10002' }), declined)
  const [flow] = await sim.flows.list()
  assert.match(flow!.error!.message, /the card for invoice 2999 was declined/)
})

test('over 1,000 pounds a person is asked before anything is taken; exactly that much is not over it', async () => {
  await using sim = simulation({ app: shop })
  const asked = await send(sim, '1', { quantity: 1, unitPrice: '1000.000001' })
  assert.deepEqual(asked, { books: nothing, news: [], states: ['running'] })
  assert.equal(sim.questions()[0]!.title, 'Ship invoice 1 over £1000.00?')
  await send(sim, '2', { quantity: 1_000, unitPrice: '1' })
  assert.equal(sim.questions().length, 1)
})

test('a no of the person is a decline, and nothing was taken', async () => {
  await using sim = simulation({ app: shop })
  await send(sim, '1', { unitPrice: '200' })
  assert.deepEqual(await answer(sim, false), { books: nothing, news: ['declined'], states: ['failed'] })
})

test('a yes resumes the flow: to the customer, or to a refused charge', async () => {
  await using sim = simulation({ app: shop })
  await send(sim, '1', { unitPrice: '200' })
  const books = { taken: { '10001': 6 }, charged: { 1: 1_200_000 }, packed: ['1'] }
  assert.deepEqual(await answer(sim, true), { books, news: ['shipped'], states: ['completed'] })
  await send(sim, '9992', { unitPrice: '200', quantity: 7 }, {})
  assert.deepEqual((await answer(sim, true)).books, books)
  assert.deepEqual(news(sim), ['shipped', 'declined'])
})

test('a question of a flow that a person has paused is left to them', async () => {
  await using sim = simulation({ app: shop })
  for (const invoiceNo of ['1', '2']) await send(sim, invoiceNo, { unitPrice: '200' })
  const [first] = await sim.flows.list()
  await sim.flows.pause(first!.id, { by: 'ann' })
  assert.equal(await sim.settled(approve(sim.flows)), true)
  assert.equal(await sim.settled(approve(sim.flows)), false)
  await sim.untilIdle()
  assert.deepEqual((await became(sim)).states, ['paused', 'completed'])
})

test('a cancellation starts no flow: it is only told', async () => {
  await using sim = simulation({ app: shop })
  assert.deepEqual(await send(sim, 'C1', { quantity: -6 }), { books: nothing, news: ['cancelled'], states: [] })
})

test('an article that is out of stock declines the invoice, and the other lines are given back', async () => {
  await using sim = simulation({ app: shop })
  await send(sim, '1', { unitPrice: '0', quantity: 999_990 })
  const books = { taken: { '10001': 999_990 }, charged: {}, packed: ['1'] }
  const short = await send(sim, '2', { stockCode: '10002' }, { quantity: 11 }, { stockCode: '10003' })
  assert.deepEqual(short, { books, news: ['shipped', 'declined'], states: ['completed', 'compensated'] })
  const [, flow] = await sim.flows.list()
  assert.equal(flow!.error!.message, '10001 is out of stock')
})

/** Lets an invoice come as far as a processor that stands still. */
async function sendUpTo(sim: Simulation, at: 'payments' | 'notices') {
  await sim.processors.pause(at)
  await sim.publish(InvoiceReceived, invoice('1', {}, {}))
  await sim.advance(1_000)
  const [flow] = await sim.flows.list()
  return flow!.id
}

test('an invoice that a person cancels on its way leaves nothing', async () => {
  await using sim = simulation({ app: shop })
  const flow = await sendUpTo(sim, 'payments')
  assert.deepEqual(booksOf(sim.rows).taken, { '10001': 12 })
  await sim.flows.cancel(flow, { by: 'ann' })
  await sim.processors.resume('payments')
  await sim.untilIdle()
  assert.deepEqual(await became(sim), { books: nothing, news: [], states: ['compensated'] })
})

test('and so does one that is paid for already: it is refunded', async () => {
  await using sim = simulation({ app: shop })
  const flow = await sendUpTo(sim, 'payments')
  await sim.processors.pause('warehouse')
  await sim.processors.resume('payments')
  await sim.advance(1_000)
  assert.deepEqual(booksOf(sim.rows), { taken: { '10001': 12 }, charged: { 1: 30_600 }, packed: [] })
  await sim.flows.cancel(flow, { by: 'ann' })
  await sim.processors.resume('warehouse')
  await sim.untilIdle()
  assert.deepEqual(await became(sim), { books: nothing, news: [], states: ['compensated'] })
})

test('once the customer is being told there is no way back', async () => {
  await using sim = simulation({ app: shop })
  const flow = await sendUpTo(sim, 'notices')
  await assert.rejects(sim.flows.cancel(flow, { by: 'ann' }), { code: 'millrace/past-no-return' })
  await sim.processors.resume('notices')
  await sim.untilIdle()
  assert.deepEqual((await became(sim)).news, ['shipped'])
})
