import assert from 'node:assert/strict'
import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { sqlite } from 'millrace'
import { given, simulation } from 'millrace/testing'
import shop from './app.ts'
import { readInvoices } from './invoices.ts'
import { ledger } from './ledger.ts'
import { InvoiceBooked, type InvoiceLine, InvoiceReceived } from './messages.ts'
import { sampleFile } from './options.ts'
import { publishAll } from './publish.ts'
import { realDays, realFile, reckon, rowsOf } from './reckoning.ts'
import { type Summary, summarize } from './summary.ts'

const good: Omit<InvoiceLine, 'lineNo'> = { stockCode: '10001', description: 'MUG', quantity: 6, unitPrice: '2.55' }

function invoice(invoiceNo: string, ...lines: Partial<InvoiceLine>[]) {
  const numbered = lines.map((line, index) => ({ lineNo: index + 1, ...good, ...line }))
  return { invoiceNo, customerId: '17850', country: 'France', at: '2010-12-01T08:26:00.000Z', lines: numbered }
}

const none = { description: '' }
const cheap = { unitPrice: '-0.001' }
const back = { quantity: -1 }

/** What the ledger says to an invoice. */
const refusal = async (...[invoiceNo, ...lines]: Parameters<typeof invoice>) =>
  (await given(ledger).when(InvoiceReceived, invoice(invoiceNo, ...lines))).refused?.data

test('the ledger refuses what it cannot book, and says which line and why', async () => {
  assert.deepEqual(await refusal('1', {}, none), { lineNo: 2, reason: 'no description' })
  assert.deepEqual(await refusal('1', { description: ' \t' }), { lineNo: 1, reason: 'no description' })
  assert.deepEqual(await refusal('1', {}, {}, cheap), { lineNo: 3, reason: 'price below zero' })
  assert.deepEqual(await refusal('1', {}, back), { lineNo: 2, reason: 'negative quantity' })
  assert.deepEqual(await refusal('C1', cheap), { lineNo: 1, reason: 'price below zero' })
})

test('the ledger books cancellations, gifts, and nothing at all', async () => {
  for (const line of [back, { quantity: 0 }, { unitPrice: '0' }, { unitPrice: '-0.00' }]) {
    await given(ledger).when(InvoiceReceived, invoice('C1', line)).then({})
  }
  await given(ledger)
    .when(InvoiceReceived, invoice('1', { quantity: 0, unitPrice: '0' }))
    .then({})
})

test('a missing description comes before any other trouble, on any line', async () => {
  assert.deepEqual(await refusal('1', { ...cheap, ...back }, cheap, none), { lineNo: 3, reason: 'no description' })
  assert.deepEqual(await refusal('1', back, cheap), { lineNo: 2, reason: 'price below zero' })
})

test('all missing descriptions are repaired at once, for the ledger and for its listeners', async () => {
  await using sim = simulation({ app: shop })
  await sim.publish(InvoiceReceived, invoice('1', ...Array(20).fill(none), {}))
  await sim.untilIdle()
  const described = [...Array(20).fill('(none)'), 'MUG']
  assert.deepEqual(
    sim.rows<{ description: string }>('ledger').map((row) => row.description),
    described,
  )
  const [booked] = sim.published(InvoiceBooked)
  assert.deepEqual(
    booked!.data.lines.map((line) => line.description),
    described,
  )
  assert.deepEqual(sim.published(InvoiceReceived)[0]!.data.lines[0], { lineNo: 1, ...good, description: '' })
})

test('a person gets the other errors beside a description, with the description repaired', async () => {
  await using sim = simulation({ app: shop })
  await sim.publish(InvoiceReceived, invoice('1', { ...none, ...back }))
  await sim.untilIdle()
  const [held] = sim.held()
  assert.deepEqual(held!.error!.data, { lineNo: 1, reason: 'negative quantity' })
  assert.equal(JSON.parse(held!.message.json).lines[0].description, '(none)')
})

/** A folder for the database and the files of one test. */
function folderOf(t: TestContext) {
  const folder = mkdtempDisposableSync(join(tmpdir(), 'shop-'))
  t.after(() => folder.remove())
  return (name: string) => join(folder.path, name)
}

/** Takes in a file as the program does, has somebody at the desk, and gives the figures. */
async function figuresOf(from: string, db: string, atTheDesk: () => unknown = () => {}): Promise<Summary> {
  await shop.start({ broker: sqlite({ file: db }), control: false })
  try {
    await publishAll(readInvoices(from), {
      publish: (one) => shop.publish(InvoiceReceived, one, { id: `invoice-${one.invoiceNo}` }),
    })
    await shop.idle()
    await atTheDesk()
    await shop.idle()
    return await summarize(shop)
  } finally {
    await shop.stop()
  }
}

test('orders of a customer after a held invoice wait, and continue in order after the decision', async (t) => {
  const file = folderOf(t)
  const before = await figuresOf(sampleFile, file('shop.db'))
  const after = await figuresOf(sampleFile, file('shop.db'), async () => {
    const held = await shop.desk.list({ states: ['held'] })
    const correction = held.find(({ message }) => message.id === 'invoice-704978')!
    assert.equal(correction.waiting, 3)
    await shop.desk.discard(correction.id, { by: 'ann', reason: 'counted wrong, no invoice' })
    const typo = held.find(({ message }) => message.id === 'invoice-705022')!
    const data = JSON.parse(typo.message.json)
    data.lines[0].quantity = 2
    await shop.desk.resubmit(typo.id, data, { by: 'ann', reason: 'a minus too many' })
  })
  assert.deepEqual([before.held, before.waiting, before.discarded], [5, 3, 0])
  assert.deepEqual([after.held, after.waiting, after.discarded], [3, 0, 1])
  assert.deepEqual([after.invoices - before.invoices, after.lines - before.lines], [4, 6])
  assert.deepEqual(await figuresOf(sampleFile, file('shop.db')), after)
})

// ── days that nobody has seen ────────────────────────────────────────────────────────────────────────────────────

type Rows = string[][]

const put = (rows: Rows, column: number, cell: (was: string) => string) => {
  for (const row of rows) row[column] = cell(row[column]!)
}
const negative = (number: string) => `-${number.replace('-', '')}1`

/** What may be done to the rows of one invoice; `line` is one of them. */
const changes: { [name: string]: (rows: Rows, line: Rows, other: Rows) => void } = {
  'a description is missing': (_, line) => put(line, 2, () => ''),
  'all descriptions are missing': (rows) => put(rows, 2, () => ''),
  'a price is below zero': (_, line) => put(line, 5, negative),
  'a quantity is negative': (_, line) => put(line, 3, negative),
  'it is a cancellation': (rows) => put(rows, 0, (number) => `C${number.replace('C', '')}0`),
  'it is of nobody': (rows) => put(rows, 6, () => ''),
  'it is of the customer of another': (rows, _, other) => put(rows, 6, () => other[0]![6]!),
}

/** Some invoices of a file in any order, some of them changed. */
function dayOf(file: string): fc.Arbitrary<Rows> {
  const invoices = [...Map.groupBy(rowsOf(file), ([invoiceNo]) => invoiceNo!).values()]
  const change = fc.record({
    name: fc.constantFrom(...Object.keys(changes)),
    of: fc.nat(),
    line: fc.nat(),
    to: fc.nat(),
  })
  const some = fc.shuffledSubarray(invoices, { minLength: 1 })
  return fc.tuple(some, fc.array(change, { maxLength: 30 })).map(([chosen, list]) => {
    const day = structuredClone(chosen)
    for (const { name, of, line, to } of list) {
      const rows = day[of % day.length]!
      changes[name]!(rows, [rows[line % rows.length]!], day[to % day.length]!)
    }
    return day.flat()
  })
}

const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`
const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country'
const textOf = (rows: Rows) => [header, ...rows.map((row) => row.map(quoted).join(','))].join('\n')

async function comesToWhatTheRulesSay(t: TestContext, file: string, numRuns: number): Promise<void> {
  const place = folderOf(t)
  let count = 0
  await fc.assert(
    fc.asyncProperty(dayOf(file), async (rows) => {
      const from = place(`${++count}.csv`)
      writeFileSync(from, textOf(rows))
      const figures = await figuresOf(from, place(`${count}.db`))
      assert.deepEqual(figures, reckon(from))
    }),
    { numRuns },
  )
}

test('the sample ends in the figures of the rules, under any faults', (t) => comesToWhatTheRulesSay(t, sampleFile, 20))

for (const name of Object.keys(realDays)) {
  test(`${name} ends in the figures of the rules, under any faults`, async (t) => {
    const file = realFile(name, t)
    if (file) await comesToWhatTheRulesSay(t, file, 4)
  })
}
