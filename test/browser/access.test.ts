// The pages of the system about other systems and about people, in Chromium: endpoints, access, what is not for all to see.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type App, app, event, type Serving, sqlite, topic } from 'millrace'
import { deliver } from 'millrace/http'
import { z } from 'zod'
import { opened, seen, seriousFindings } from './support/browser.ts'

const Placed = event('placed', { schema: z.object({ order: z.string() }) })
const Orders = topic('orders', [Placed])
let status = 204
const sink: Server = createServer((request, response) => {
  request.resume()
  response.writeHead(status).end(status === 204 ? '' : 'closed for today')
})
const folder = mkdtempSync(join(tmpdir(), 'millrace-access-'))
let shop: App
let served: Serving
before(async () => {
  await new Promise<void>((ready) => sink.listen(0, '127.0.0.1', ready))
  const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/secret-path`
  const billing = deliver('billing', {
    on: Orders,
    url,
    allow: ['127.0.0.1'],
    probeFirstMs: 600_000,
    probeEveryMs: 600_000,
  })
  shop = app({
    name: 'shop',
    broker: sqlite({ file: join(folder, 'shop.db') }),
    parts: [Orders, billing],
    pendingMax: 5_000,
    log: () => {},
  })
  await shop.start()
  served = await shop.serve({ port: 0 })
})
after(async () => {
  await shop.stop({ graceMs: 0 })
  sink.close()
  rmSync(folder, { recursive: true, force: true })
})

test('an endpoint shows its last answer, and while it is away the next probe; a test is sent from the page', async () => {
  await shop.publish(Placed, { order: 'o-1' })
  await shop.idle()
  const { page, complaints } = await opened(served.link())
  await page.getByRole('heading', { name: 'Home' }).waitFor()
  await page.goto(`${served.url}/system/endpoints`)
  const row = page.getByRole('row').filter({ hasText: 'billing' })
  await row.getByText('204').waitFor()
  assert.match(await seen(row), /http:\/\/127\.0\.0\.1:\d+\n/)
  assert(!(await seen(row)).includes('secret-path'))
  status = 503
  await row.getByRole('button', { name: 'Send a test to billing' }).click()
  await page.getByRole('dialog').getByText('npx millrace processors test app.ts billing').waitFor({ state: 'attached' })
  await page.getByRole('dialog').getByRole('button', { name: 'Send a test' }).click()
  await row.getByText('a test').waitFor()
  await row.getByText('503').waitFor()
  await shop.publish(Placed, { order: 'o-2' })
  await row.getByText('probing').waitFor()
  await row.getByText(/in (9|10) min/).waitFor()
  assert.deepEqual(await seriousFindings(page), [])
  const [line] = await shop.desk.audit()
  assert.equal(line!.action, 'tested')
  assert.deepEqual(complaints, [])
})

test('a token is made on the page, shown once, comes in with its role, and is revoked', async () => {
  const { page, complaints } = await opened(served.link())
  await page.getByRole('heading', { name: 'Home' }).waitFor()
  await page.goto(`${served.url}/system/access`)
  await page.getByText('Nobody has a token but the owner of the file.').waitFor()
  await page.getByRole('button', { name: 'Make a token…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name of the person or program').fill('lea')
  await dialog.getByLabel('Role').selectOption('clerk')
  await dialog.getByLabel('Counts for').selectOption('1 day')
  await dialog
    .getByText('npx millrace tokens make app.ts lea --grant clerk --expires 1d')
    .waitFor({ state: 'attached' })
  await dialog.getByRole('button', { name: 'Make it' }).click()
  await page.getByText('The token of lea is shown this once.').waitFor()
  const token = await seen(page.locator('.command code'))
  assert.match(token, /^mrt_/)

  const lea = await opened(`${served.url}/#code=${token}`)
  await lea.page.getByRole('heading', { name: 'Home' }).waitFor()
  await lea.page.goto(`${served.url}/system/access`)
  await lea.page.getByText('The tokens are for those to see who may change settings').waitFor()
  await lea.page.getByRole('row', { name: /^repair one message at the desk/ }).waitFor()
  assert.equal(await lea.page.getByRole('button', { name: /Revoke|Make a token/ }).count(), 0)
  assert.deepEqual(await seriousFindings(lea.page), [])

  await page.getByRole('button', { name: 'I have it' }).click()
  assert.equal(await page.getByText(token).count(), 0)
  await page.getByRole('button', { name: 'Revoke the token of lea' }).click()
  await dialog.getByLabel(/Reason/).fill('has left')
  await dialog.getByRole('button', { name: 'Revoke it' }).click()
  await page.getByText('Nobody has a token but the owner of the file.').waitFor()
  await lea.page.reload()
  await lea.page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await page.reload()
  await page.getByRole('region', { name: 'Refused requests' }).getByText('GET').first().waitFor()
  await page.getByRole('link', { name: 'Audit' }).click()
  await page.getByText(/made token lea/).waitFor()
  await page.getByRole('link', { name: 'Refused requests' }).click()
  await page.waitForURL(/refused=yes/)
  await page.getByText(/made token lea/).waitFor({ state: 'detached' })
  await page
    .getByText(/refused GET/)
    .first()
    .waitFor()
  await page.getByLabel('Message #').fill('99')
  await page.getByRole('button', { name: 'Filter' }).click()
  await page.getByText('No line fits.').waitFor()
  assert.deepEqual(complaints, [])
})

test('the settings have each option with its default, the versions and the disk; a reader is told who may see them', async () => {
  const { page } = await opened(served.link())
  await page.getByRole('heading', { name: 'Home' }).waitFor()
  await page.goto(`${served.url}/system/settings`)
  const row = page.getByRole('row').filter({ hasText: 'pendingMax' })
  await row.waitFor()
  assert.deepEqual((await row.getByRole('cell').allInnerTexts()).slice(0, 2), ['5,000', '100,000'])
  await page.getByText(join(folder, 'shop.db')).waitFor()
  await page.getByText(process.versions.node).waitFor()
  const { token } = await shop.tokens.make('tom', { grants: ['reader'] })
  const reader = await opened(`${served.url}/#code=${token}`)
  await reader.page.getByRole('heading', { name: 'Home' }).waitFor()
  await reader.page.goto(`${served.url}/system/settings`)
  await reader.page.getByText('You may not see the settings.').waitFor()
  await shop.tokens.revoke('tom')
})

test('these pages have no serious finding, wide and light, narrow and dark, and nothing wider than the window', async () => {
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 390],
  ] as const) {
    const { page } = await opened(served.link(), { colorScheme, viewport: { width, height: 844 } })
    await page.getByRole('heading', { name: 'Home' }).waitFor()
    for (const path of [
      '/system/endpoints',
      '/system/access',
      '/system/settings',
      '/system/audit',
      '/system/parts/billing',
    ]) {
      await page.goto(served.url + path)
      await page.locator('main h1').first().waitFor()
      await page.locator('.skeleton').first().waitFor({ state: 'detached' })
      assert.deepEqual(await seriousFindings(page), [], `${path} ${width}`)
      const beyond = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
      assert.equal(beyond, 0, `${path} is not wider than ${width}`)
    }
  }
})
