// Messages, stories, flows, the map and the system, in Chromium on the example shop.
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { opened, seen, seriousFindings } from './support/browser.ts'
import { type ServedShop, servedShop, shop } from './support/shop.ts'

let served: ServedShop
before(async () => {
  served = await servedShop()
})

/** A page of somebody who has signed in. */
async function pageAt(path: string) {
  const { page } = await opened(served.link())
  await page.getByRole('heading', { name: 'Home' }).waitFor()
  await page.goto(served.url + path)
  return page
}

test('a message is found by its context, and its story shows what caused it and what it caused', async () => {
  const page = await pageAt('/messages')
  await page.getByLabel('Type').fill('invoice.booked')
  await page.getByRole('button', { name: 'Find' }).click()
  await page.waitForURL(/type=invoice.booked/)
  await page
    .getByRole('link', { name: /^invoice\.booked/ })
    .first()
    .click()
  await page.getByRole('heading', { name: 'What became of it' }).waitFor()
  await page.getByRole('link', { name: 'Its story' }).click()
  await page.getByRole('heading', { name: 'Story' }).waitFor()
  const lines = await page.locator('ol.story li').allInnerTexts()
  assert.match(lines[0]!, /invoice\.received/)
  assert(lines.some((line) => line.includes('stock.moved')))
  await page.getByRole('link', { name: 'In order of time' }).click()
  await page.waitForURL(/view=time/)
  assert.equal(await page.locator('ol.story li').count(), lines.length)
})

test('a flow shows its steps, and runs again from one of them as a new flow', async () => {
  const [flow] = await shop.flows.list({ states: ['completed'], limit: 1 })
  const page = await pageAt(`/flows/${flow!.id}`)
  await page.getByRole('rowheader', { name: /^notify/ }).waitFor()
  await page
    .getByRole('row', { name: /^notify/ })
    .getByRole('button', { name: 'From here' })
    .click()
  await page.getByText('npx millrace flows rerun app.ts').waitFor({ state: 'attached' })
  await page.getByRole('button', { name: 'Run again' }).last().click()
  await page.getByRole('link', { name: `flow #${flow!.id}` }).waitFor()
  const [again] = (await shop.flows.list({ limit: 200 })).filter(({ rerunOf }) => rerunOf === flow!.id)
  assert.equal(new URL(page.url()).pathname, `/flows/${again!.id}`)
})

test('a processor is paused and resumed with a reason, and its page names the person', async () => {
  const page = await pageAt('/system')
  await page.getByRole('link', { name: 'stock', exact: true }).click()
  await page.getByRole('button', { name: 'Pause' }).click()
  await page.getByLabel(/Reason/).fill('stocktaking')
  await page.getByRole('button', { name: 'Pause stock' }).click()
  await page.getByText('stocktaking').first().waitFor()
  const paused = (await shop.processors.list()).find(({ name }) => name === 'stock')!.paused
  assert.equal(paused?.reason, 'stocktaking')
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.getByRole('button', { name: 'Resume stock' }).click()
  await page.getByRole('button', { name: 'Pause' }).waitFor()
  assert.equal((await shop.processors.list()).find(({ name }) => name === 'stock')!.paused, null)
})

test('the last hour of a processor is drawn as lines, said in words, and there as a table', async () => {
  const page = await pageAt('/')
  const stepMs = 15_000
  const at = Array.from({ length: 240 }, (_, n) => Date.now() - (239 - n) * stepMs)
  // Nothing was sampled for five minutes in the middle.
  const values = (value: (n: number) => number) => at.map((_, n) => (n >= 100 && n < 120 ? null : value(n)))
  const of = { name: 'stock', on: 'stock', perSecond: values((n) => (n === 60 ? 48 : 3)), failed: values(() => 0) }
  const part = { ...of, lag: values((n) => n), criticalMs: values(() => 12.5) }
  await page.route('**/api/series*', (route) => route.fulfill({ json: { stepMs, at, parts: [part] } }))
  const [stock] = (await shop.processors.list()).filter(({ name }) => name === 'stock')
  part.on = stock!.on
  await page.goto(`${served.url}/system`)
  await page.getByRole('img', { name: 'stock handled at most 48/s in the last hour' }).waitFor()
  await page.getByRole('link', { name: 'stock', exact: true }).click()
  const chart = page.getByRole('figure').filter({ hasText: 'Handles' })
  await chart.waitFor()
  assert.match(await seen(chart), /Handles\s+3\/s\s+at most 48\/s, at /)
  assert.equal(await chart.locator('path.line').count(), 2, 'there is a gap')
  await page.getByText('The same as a table').click()
  const table = page.getByRole('table').filter({ hasText: 'Failed attempts' })
  assert.equal(await table.getByRole('row').count(), 61)
  assert.match(await seen(table.getByRole('row').nth(1)), /3\/s\s+239\s+13 ms\s+0/)
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    assert.deepEqual(await seriousFindings(page), [])
  }
  await page.setViewportSize({ width: 390, height: 844 })
  const beyond = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
  assert.equal(beyond, 0)
})

test('a message has its receipt on a page: what is on record, and nothing of its data', async () => {
  const { items } = await shop.messages.list({ type: 'invoice.booked', limit: 1 })
  const page = await pageAt(`/messages/${encodeURIComponent(items[0]!.id)}`)
  await page.getByRole('link', { name: 'Receipt' }).click()
  await page.getByRole('heading', { name: /^Receipt of invoice\.booked/ }).waitFor()
  const receipt = (await shop.messages.receipt(items[0]!.id)).items[0]!
  await page.getByText(receipt.dataSha256).waitFor()
  const sent = page.getByRole('region', { name: 'What it caused' })
  assert.equal(await sent.getByRole('row').count(), receipt.sent.length + 1)
  assert(!(await seen(page.locator('main'))).includes('stockCode'))
  assert.deepEqual(await seriousFindings(page), [])
})

test('the map shows each part with its present work, and the neighbours of one', async () => {
  const page = await pageAt('/map')
  const picture = page.getByRole('region', { name: 'Picture of the map' })
  await picture.getByRole('link', { name: /^processor ledger: \d held/ }).click()
  await page.waitForURL(/around=processor%3Aledger/)
  await picture.getByText('fulfilment').waitFor({ state: 'detached' })
  assert.deepEqual(await picture.locator('.name').allTextContents(), ['invoices', 'movements', 'ledger'])
})

test('none of these pages has a serious finding or a complaint, wide and light, narrow and dark', async () => {
  const [flow] = await shop.flows.list({ limit: 1 })
  const { items } = await shop.messages.list({ type: 'invoice.booked', limit: 1 })
  const message = `/messages/${encodeURIComponent(items[0]!.id)}`
  const paths = ['/messages', message, `${message}/story`, '/flows', `/flows/${flow!.id}`, '/map', '/system']
  const more = ['/system/parts/ledger', '/system/schedules', '/system/delayed']
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 390],
  ] as const) {
    const { page, complaints } = await opened(served.link(), { colorScheme, viewport: { width, height: 844 } })
    await page.getByRole('heading', { name: 'Home' }).waitFor()
    for (const path of [...paths, ...more]) {
      await page.goto(served.url + path)
      await page.locator('main h1').first().waitFor()
      await page.locator('.skeleton').first().waitFor({ state: 'detached' })
      assert.deepEqual(await seriousFindings(page), [], `${path} ${width}`)
      const beyond = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
      assert.equal(beyond, 0, `${path} is not wider than ${width}`)
    }
    assert.deepEqual(complaints, [])
  }
})
