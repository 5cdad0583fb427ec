// Pictures of the dashboard on the example shop, into docs/pictures: `npm run screenshots`. A folder may be named, and then
// all views are drawn, light and dark, wide and narrow.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sqlite } from 'millrace'
import { chromium } from 'playwright-core'
import shop from '../../examples/shop/app.ts'
import { readInvoices } from '../../examples/shop/invoices.ts'
import { InvoiceReceived } from '../../examples/shop/messages.ts'
import { sampleFile } from '../../examples/shop/options.ts'

const into = process.argv[2] ?? fileURLToPath(new URL('../../docs/pictures', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'millrace-pictures-'))
mkdirSync(into, { recursive: true })
await shop.start({ broker: sqlite({ file: join(folder, 'shop.db') }) })
for await (const invoice of readInvoices(sampleFile)) {
  await shop.publish(InvoiceReceived, invoice, { id: `invoice-${invoice.invoiceNo}` })
}
await shop.idle()
const { url, link } = await shop.serve({ port: 0 })
const [item] = (await shop.desk.list({ states: ['held'] })).filter(({ waiting }) => waiting > 0)
await shop.desk.note(item!.id, 'the warehouse counts again', { by: 'ada' })
const [group] = await shop.desk.groups()
const views = {
  home: '/',
  desk: '/desk',
  group: `/desk/g/${group!.id}`,
  message: `/desk/${item!.id}`,
  correct: `/desk/${item!.id}/correct?as=json`,
  form: `/desk/${item!.id}/correct`,
  operations: '/desk/operations',
  audit: '/system/audit',
}
const shown = process.argv[2] === undefined ? (['message'] as const) : (Object.keys(views) as (keyof typeof views)[])
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
})
for (const [width, height] of process.argv[2] === undefined
  ? [[1280, 800]]
  : [
      [1280, 800],
      [390, 844],
    ]) {
  const page = await browser.newPage({ viewport: { width: width!, height: height! } })
  await page.goto(link())
  await page.getByRole('heading', { name: 'Home' }).waitFor()
  for (const name of shown) {
    await page.goto(url + views[name])
    await page.locator('main h1').waitFor()
    await page.waitForLoadState('networkidle', { timeout: 3_000 }).catch(() => {})
    await page.locator('.skeleton').first().waitFor({ state: 'detached' })
    if (name === 'correct') {
      const data = page.getByLabel('Data, as JSON')
      await data.fill((await data.inputValue()).replace('"quantity": -', '"quantity": '))
      await page.getByText('The server would take it').waitFor()
    }
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      const file =
        width === 1280 ? `dashboard-${name}-${colorScheme}.png` : `dashboard-${name}-${colorScheme}-phone.png`
      await page.screenshot({ path: join(into, file) })
    }
  }
}
await browser.close()
await shop.stop({ graceMs: 0 })
rmSync(folder, { recursive: true, force: true })
