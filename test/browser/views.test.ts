// Each page of the dashboard in each of its states. The pages, and how they look, are the table of support/views.ts.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { app, event, processor, sqlite, topic } from 'millrace'
import type { Page, Request, Route } from 'playwright-core'
import { z } from 'zod'
import { pages } from '../../src/dashboard/pure/routes.ts'
import { goTo, opened, seriousFindings } from './support/browser.ts'
import { type ServedShop, servedShop, shop } from './support/shop.ts'
import { isOf, type Long, type Objects, objects, type Row, rowsLike, type View, views } from './support/views.ts'

let served: ServedShop
let named: Objects
before(async () => {
  served = await servedShop()
  named = await objects()
})

const table = Object.entries(views) as [string, View][]
const every = (url: URL) => url.pathname.startsWith('/api/') && !['/api/me', '/api/stream'].includes(url.pathname)
const isSkeleton = 'main .skeleton:not(.hidden)'

const seen = (page: Page, text: RegExp) => page.locator('main').filter({ hasText: text }).waitFor()
const textOf = async (page: Page) => (await page.locator('main').textContent()) ?? ''

async function signedIn(): Promise<Page> {
  const { page } = await opened(served.link())
  await page.getByRole('heading', { name: 'Home' }).waitFor()
  return page
}

test('every page that has an address is in the table of views', () => {
  assert.deepEqual(Object.keys(views).sort(), [...pages, 'unknown'].sort())
})

for (const [name, { path, shows, empty, long }] of table) {
  test(`the page ${name} says that it loads, and what failed where a look fails, and shows all when it comes`, async () => {
    const page = await signedIn()
    const reads = new Set<string>()
    const note = (request: Request) => {
      const url = new URL(request.url())
      if (every(url) && request.method() === 'GET') reads.add(url.pathname)
    }
    // From the page itself: the one before it may still be reading.
    page.once('framenavigated', () => page.on('request', note))
    const begun = Promise.withResolvers<void>()
    const hold = async (route: Route) => {
      await begun.promise
      await route.continue()
    }
    await page.route(every, hold)
    await page.goto(served.url + path(named))
    if (name !== 'unknown') {
      await page.locator(isSkeleton).first().waitFor()
      assert.match((await page.locator(isSkeleton).first().textContent())!, /^Loading [a-z]/)
      if (shows.source !== empty.source) assert.doesNotMatch(await textOf(page), empty)
    }
    begun.resolve()
    await seen(page, shows)
    await page.locator('.skeleton').first().waitFor({ state: 'detached' })
    await page.unroute(every, hold)
    page.off('request', note)

    for (const read of reads) {
      const isRead = (url: URL) => url.pathname === read
      const fail = (route: Route) =>
        route.fulfill({
          status: 500,
          contentType: 'application/problem+json',
          body: JSON.stringify({ detail: 'the disk is gone', code: 'millrace/unexpected', help: 'Look at the log.' }),
        })
      await page.route(isRead, fail)
      await page.goto(served.url + path(named))
      await seen(page, /the disk is gone/)
      await page.locator('.skeleton').first().waitFor({ state: 'detached' })
      if (shows.source !== empty.source) assert.doesNotMatch(await textOf(page), empty, read)
      if (read === [...reads][0]) assert.deepEqual(await seriousFindings(page), [], read)
      await page.unroute(isRead, fail)
      const again = page.getByRole('button', { name: 'Try again' })
      if ((await again.count()) > 0) await again.first().click()
      await page.getByText('the disk is gone').first().waitFor({ state: 'detached' })
      await seen(page, shows)
    }
  })

  if (typeof long === 'object') {
    test(`the page ${name} says where its list goes on, and where it shows no more`, async () => {
      const page = await signedIn()
      await lengthen(page, long)
      await page.goto(served.url + path(named))
      const rows = page.locator('main tbody tr, main .cards > li')
      await rows.nth(long.rows - 1).waitFor({ state: 'attached' })
      const first = await rows.count()
      if (long.more === undefined) return seen(page, long.full)
      const more = page.locator('main').getByRole('button', { name: long.more })
      assert.doesNotMatch(await textOf(page), long.full)
      // The bound is that of all lists, so one of them is shown to its end.
      const clicks = name === 'messages' ? 1_000 / long.rows - 1 : 1
      for (let at = 1; at <= clicks; at++) {
        await more.click()
        await rows.nth(first + at * long.rows - 1).waitFor({ state: 'attached' })
      }
      assert.equal(await more.count(), name === 'messages' ? 0 : 1)
      if (name === 'messages') await seen(page, long.full)
    })
  }
}

/** Answers for a list that never ends: pages of rows like the first one of the shop. */
async function lengthen(page: Page, { read, rows, row }: Long) {
  let first: Promise<unknown> | undefined
  const cursors: (string | null)[] = []
  await page.route(
    (url) => isOf(read, url),
    async (route) => {
      const { searchParams } = new URL(route.request().url())
      const cursor = searchParams.get('after') ?? searchParams.get('before')
      if (!cursors.includes(cursor)) cursors.push(cursor)
      first ??= route.fetch().then((answer) => answer.json())
      const answer = (await first) as Row[] | { readonly items: Row[] }
      const [like = row!] = Array.isArray(answer) ? answer : answer.items
      const grown = rowsLike(like, rows, cursors.indexOf(cursor) * rows)
      const next = grown.at(-1)!['id'] ?? `after ${cursors.length}`
      await route.fulfill({ json: Array.isArray(answer) ? grown : { ...answer, items: grown, next } })
    },
  )
}

test('while the server is away each page keeps its content, and says how old it is', async () => {
  const own = await shop.serve({ port: 0, access: { open: true } })
  const { page } = await opened(own.url)
  for (const [, { path, shows }] of table) {
    await goTo(page, path(named))
    await seen(page, shows)
    await page.locator('.skeleton').first().waitFor({ state: 'detached' })
  }
  await own.close(0)
  await page.getByText(/The server is not reached\. You see how it was at \d\d:/).waitFor()
  for (const [name, { path, shows }] of table) {
    await goTo(page, path(named))
    await seen(page, shows)
    assert.equal(await page.locator('main.old').count(), 1, name)
    assert.doesNotMatch(await textOf(page), /cannot be (reached|shown|read)/, name)
  }
  const again = await shop.serve({ port: Number(new URL(own.url).port), access: { open: true } })
  await page.getByText(/The server is not reached/).waitFor({ state: 'detached' })
  await again.close(0)
})

test('a page whose later look fails keeps its content, and says so until a look succeeds', async () => {
  const page = await signedIn()
  await page.goto(`${served.url}/desk`)
  await seen(page, views.desk.shows)
  const fail = (route: Route) => route.fulfill({ status: 503, json: { detail: 'too much to do' } })
  await page.route(every, fail)
  await shop.desk.note(named.item, 'seen', { by: 'ada' })
  await page.getByText(/The groups cannot be read again\. too much to do You see how it was at \d\d:/).waitFor()
  await seen(page, views.desk.shows)
  await page.unroute(every, fail)
  await page.getByText('cannot be read again').waitFor({ state: 'detached' })
})

test('a page whose code cannot be loaded says so, and comes when it can', async () => {
  const page = await signedIn()
  const cut = (route: Route) => route.abort()
  const isCode = (url: URL) => url.pathname.endsWith('.js')
  await page.route(isCode, cut)
  await goTo(page, '/map')
  await page.getByText('The page of the map cannot be loaded.').waitFor()
  await page.unroute(isCode, cut)
  await page.getByRole('button', { name: 'Load it again' }).click()
  await seen(page, views.map.shows)
})

test('a person who may not see a page is told which role may, on each of them', async () => {
  const token = `mrt_${'s'.repeat(43)}`
  const hash = createHash('sha256').update(token).digest('hex')
  const tokens = [{ name: 'sina', hash, grants: [{ role: 'sender' as const }] }]
  const { url } = await shop.serve({ port: 0, access: { tokens } })
  const { page } = await opened(url)
  await page.getByLabel('Address, code or token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  for (const [name, { path }] of table) {
    if (name === 'unknown') continue
    await goTo(page, path(named))
    await seen(page, /You may not see .+\. It needs the role [a-z, ]+ or admin( for [a-z]+)?\./)
    await page.locator('.skeleton').first().waitFor({ state: 'detached' })
    assert.equal(await page.getByText('You are sina').count(), 1, `${name} says it once`)
  }
  assert.deepEqual(await seriousFindings(page), [])
})

test('in an app where nothing has happened each page says what would be there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-empty-'))
  const Placed = event('placed', { schema: z.json() })
  const Orders = topic('orders', [Placed])
  const names = ['till', 'shelf']
  const empty = app({
    name: 'empty',
    broker: sqlite({ file: join(folder, 'empty.db') }),
    parts: [Orders, ...names.map((name) => processor(name, { on: Orders, handle: { placed: () => {} } }))],
    log: () => {},
  })
  after(async () => {
    await empty.stop({ graceMs: 0 })
    rmSync(folder, { recursive: true, force: true })
  })
  await empty.start()
  const { url } = await empty.serve({ port: 0, access: { open: true } })
  const { page } = await opened(url)
  for (const [name, { path, empty }] of table) {
    await goTo(page, path({ group: 1, item: 1, operation: 1, message: 'none', flow: 1, question: 1, part: 'none' }))
    await seen(page, empty)
    await page.locator('.skeleton').first().waitFor({ state: 'detached' })
    assert.equal(await page.getByRole('alert').count(), 0, name)
  }
  assert.deepEqual(await seriousFindings(page), [])
})
