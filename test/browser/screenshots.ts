// Pictures of the dashboard on the example shop, into docs/pictures: `npm run screenshots`. A folder may be named, and then
// the pictures are drawn for a phone too.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sqlite } from 'millrace'
import { chromium, type Page } from 'playwright-core'
import shop from '../../examples/shop/app.ts'
import { readInvoices } from '../../examples/shop/invoices.ts'
import { InvoiceReceived } from '../../examples/shop/messages.ts'
import { sampleFile } from '../../examples/shop/options.ts'

const into = process.argv[2] ?? fileURLToPath(new URL('../../docs/pictures', import.meta.url))
const [wide, narrow] = [
  [1280, 800],
  [390, 844],
]
const sizes = process.argv[2] === undefined ? [wide!] : [wide!, narrow!]
const folder = mkdtempSync(join(tmpdir(), 'millrace-pictures-'))
mkdirSync(into, { recursive: true })
await shop.start({ broker: sqlite({ file: join(folder, 'shop.db') }) })
for await (const invoice of readInvoices(sampleFile)) {
  await shop.publish(InvoiceReceived, invoice, { id: `invoice-${invoice.invoiceNo}` })
}
await shop.idle()
const { url, link } = await shop.serve({ port: 0 })

const by = 'ada'
const held = await shop.desk.list({ states: ['held'] })
const item = held.find(({ message, waiting }) => message.type === 'invoice.received' && waiting > 0)!
await shop.desk.note(item.id, 'the warehouse counts again', { by })
const group = (await shop.desk.groups()).find(({ type, held }) => type === 'invoice.received' && held > 1)!
await shop.processors.pause('notices', { by, reason: 'the mail server is being moved' })
const change = [{ op: 'replace', path: '/lines/0/quantity', value: 3 }] as const
const operation = await shop.desk.select(
  'resubmit',
  { group: group.id! },
  { name: 'counted again', by, reason: 'the warehouse counted', change, oneFirst: true, prepare: true },
)
const sale = (await shop.messages.list({ type: 'invoice.received', order: 'oldest', limit: 1 })).items[0]!
const flows = await shop.flows.list({ states: ['completed', 'compensated', 'failed'], limit: 200 })
const flow = (await Promise.all(flows.map(({ id }) => shop.flows.show(id)))).reduce((most, one) =>
  (one?.steps.length ?? 0) > (most?.steps.length ?? 0) ? one : most,
)!
const story = `/messages/${encodeURIComponent(sale.id)}/story`

/** Writes a quantity that is above zero, as the person who counted says. */
async function correct(page: Page) {
  const data = page.getByLabel('Data, as JSON')
  await data.fill((await data.inputValue()).replace('"quantity": -', '"quantity": '))
  await page.getByText('The server would take it').waitFor()
}

const views: Readonly<Record<string, readonly [path: string, first?: (page: Page) => Promise<void>]>> = {
  home: ['/'],
  desk: ['/desk'],
  group: [`/desk/g/${group.id}`],
  message: [`/desk/${item.id}`],
  json: [`/desk/${item.id}/correct?as=json`, correct],
  form: [`/desk/${item.id}/correct`],
  operations: ['/desk/operations'],
  'group-correction': [`/desk/operations/${operation.id}`],
  inbox: ['/inbox'],
  messages: ['/messages'],
  found: [`/messages/${encodeURIComponent(sale.id)}`],
  story: [story],
  flows: ['/flows'],
  flow: [`/flows/${flow.id}`],
  map: ['/map'],
  system: ['/system'],
  part: ['/system/parts/ledger'],
  audit: ['/system/audit'],
}

const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
})
for (const [width, height] of sizes) {
  const page = await browser.newPage({ viewport: { width: width!, height: height! } })
  await page.goto(link())
  await page.getByRole('heading', { name: 'Home' }).waitFor()
  for (const [name, [path, first]] of Object.entries(views)) {
    await page.goto(url + path)
    await page.locator('main h1').waitFor()
    await page.locator('.skeleton').first().waitFor({ state: 'detached' })
    await first?.(page)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      const size = width === 1280 ? '' : '-phone'
      await page.screenshot({ path: join(into, `dashboard-${name}-${colorScheme}${size}.png`) })
    }
  }
}
await browser.close()
await shop.stop({ graceMs: 0 })
rmSync(folder, { recursive: true, force: true })
