// Messages, stories, flows, the map and the system, in Chromium on the example shop.
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { opened, seriousFindings } from './support/browser.ts'
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
