import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeskRow } from 'millrace'
import { type Simulation, simulate, simulation, type View } from 'millrace/testing'
import shop from './app.ts'
import { readInvoices } from './invoices.ts'
import { customerOrInvoice, type Invoice, InvoiceReceived } from './messages.ts'
import { sampleFile } from './options.ts'
import { booksOf, realDays, realFile, reckon, reckonBooks } from './reckoning.ts'
import { summarize } from './summary.ts'

async function invoicesOf(file: string): Promise<Invoice[]> {
  const invoices: Invoice[] = []
  for await (const invoice of readInvoices(file)) invoices.push(invoice)
  return invoices
}

/** The summary as `npm start` makes it, of what a simulated process has committed. */
const summaryOf = ({ query, held, questions }: View) =>
  summarize({
    read: (async (text, ...values) => query(text, ...values)) as typeof shop.read,
    desk: { counts: async () => countsOf(held()) } as typeof shop.desk,
    flows: { questions: async () => questions() },
  })

const countsOf = (held: readonly DeskRow[]) => ({
  held: held.length,
  waiting: held.reduce((sum, { waiting }) => sum + waiting, 0),
  discarded: 0,
})

test('the summary of the sample is the same for every seed, despite any crash or failure', async () => {
  const invoices = await invoicesOf(sampleFile)
  const report = await simulate({
    app: shop,
    seeds: 10,
    workload: (work, random) => {
      const clients = [work, work.client(), work.client()]
      // What one customer sends comes from one client: its order decides what waits behind what is held.
      for (const ofCustomer of Map.groupBy(invoices, customerOrInvoice).values()) {
        const client = random.pick(clients)
        for (const one of ofCustomer) client.publish(InvoiceReceived, one, { id: `invoice-${one.invoiceNo}` })
      }
    },
    eventually: {
      'the summary': async (view) => assert.deepEqual(await summaryOf(view), reckon(sampleFile)),
      'the books': ({ rows }) => assert.deepEqual(booksOf(rows), reckonBooks(sampleFile)),
    },
  })
  assert.ok(report.faults.crash + report.faults.powerCut > 10, JSON.stringify(report.faults))
})

const day = '2010-12-01.csv'
const crashes = 12

/** Publishes a day and then approves what is asked, with crashes of process and power at places that the seed decides. */
async function dayWithCrashes(sim: Simulation, invoices: readonly Invoice[], seed: number): Promise<void> {
  const crash = async (place: number) => {
    await sim.crash({ power: place % 2 === 0 })
    await sim.restart()
  }
  const crashAt = new Set(Array.from({ length: crashes }, (_, n) => (n * 37 + seed * 11) % invoices.length))
  for (const [place, invoice] of invoices.entries()) {
    await sim.publish(InvoiceReceived, invoice, { id: `invoice-${invoice.invoiceNo}` })
    if (crashAt.has(place)) await crash(place)
  }
  await sim.untilIdle()
  assert.deepEqual(await summaryOf(sim), realDays[day]!.shown)
  for (const [place, { flow, step }] of sim.questions().entries()) {
    await sim.flows.answer(flow, step, true)
    if (place % 3 === seed % 3) await crash(place)
  }
  await sim.untilIdle()
}

test('the summary of a real day is the same for every seed with crashes', async (t) => {
  const file = realFile(day, t)
  if (!file) return
  const invoices = await invoicesOf(file)
  const { shown, approved } = realDays[day]!
  for (const seed of [1, 2]) {
    await using sim = simulation({ app: shop, seed })
    await dayWithCrashes(sim, invoices, seed)
    assert.deepEqual(await summaryOf(sim), { ...shown, ...approved })
    assert.deepEqual(booksOf(sim.rows), reckonBooks(file, true))
  }
})
