// The dashboard of an app of 150 parts: seventy-five stations, each a topic and the processor that sends its work on.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { app, event, processor, type Serving, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { opened, seriousFindings } from './support/browser.ts'

const stations = 75
const broken = 60
const numbered = (word: string, n: number) => `${word}-${String(n).padStart(2, '0')}`
const schema = z.object({ order: z.string(), broken: z.boolean() })
const events = Array.from({ length: stations }, (_, at) => event(numbered('arrived', at + 1), { schema }))
const topics = events.map((arrived, at) => topic(numbered('way', at + 1), [arrived]))
const processors = topics.map((on, at) => {
  const next = events[at + 1]
  return processor(numbered('station', at + 1), {
    on,
    publishes: next === undefined ? [] : [next],
    retry: { attempts: 1 },
    handle: {
      [events[at]!.name]: ({ data }: { readonly data: z.infer<typeof schema> }, { publish }: { publish: Publish }) => {
        if (data.broken && at + 1 === broken) throw new Error('the belt has stopped')
        if (next !== undefined) publish(next, data)
      },
    } as never,
  })
})
type Publish = (type: (typeof events)[number], data: z.infer<typeof schema>) => unknown

const folder = mkdtempSync(join(tmpdir(), 'millrace-large-'))
const works = app({
  name: 'works',
  broker: sqlite({ file: join(folder, 'works.db') }),
  parts: [...topics, ...processors],
  log: () => {},
})
let served: Serving
before(async () => {
  await works.start()
  served = await works.serve({ port: 0, access: { open: true } })
})
after(async () => {
  await works.stop({ graceMs: 0 })
  rmSync(folder, { recursive: true, force: true })
})

test('the map of 150 parts begins around the first topic, then around the part with a held message; all of it is one link away', async () => {
  await works.publish(events[0]!, { order: 'a', broken: false })
  await works.idle()
  const { page, complaints } = await opened(`${served.url}/map`)
  const picture = page.getByRole('region', { name: 'Picture of the map' })
  await picture.getByRole('link', { name: /^topic way-01/ }).waitFor()
  assert.deepEqual((await picture.locator('.name').allTextContents()).sort(), ['station-01', 'way-01', 'works'])

  await works.publish(events[0]!, { order: 'b', broken: true })
  await works.idle()
  await page.reload()
  await picture.getByRole('link', { name: new RegExp(`^processor ${numbered('station', broken)}: 1 held`) }).waitFor()
  assert.deepEqual((await picture.locator('.name').allTextContents()).sort(), ['station-60', 'way-60', 'way-61'])

  await page.getByRole('link', { name: /^all \d+ nodes$/ }).click()
  await page.waitForURL(/all=yes/)
  await picture.getByRole('link', { name: /station-75/ }).waitFor()
  const names = await picture.locator('.name').allTextContents()
  for (const { name } of [...topics, ...processors]) assert(names.includes(name), name)
  await page.getByLabel('Find a part, topic or channel').fill('station-33')
  await page.getByLabel('Find a part, topic or channel').press('Enter')
  await page.waitForURL(/around=processor%3Astation-33/)
  await picture.getByRole('link', { name: /station-75/ }).waitFor({ state: 'detached' })
  assert.deepEqual(complaints, [])
})

test('the list of 75 processors names each, and the one with a held message', async () => {
  const { page } = await opened(`${served.url}/system`)
  await page.getByRole('row', { name: /station-75/ }).waitFor()
  assert.deepEqual(
    await page.locator('tbody th').allInnerTexts(),
    processors.map(({ name }) => name),
  )
  const row = page.getByRole('row', { name: /station-60/ })
  assert.equal(await row.locator('td.held').textContent(), '1')
})

for (const [colorScheme, width] of [
  ['light', 1280],
  ['dark', 390],
] as const) {
  test(`with 150 parts no page has a serious finding, ${colorScheme}, ${width} pixels wide`, async () => {
    const { page, complaints } = await opened(served.url, { colorScheme, viewport: { width, height: 844 } })
    for (const path of ['/map', '/map?all=yes', '/system', '/desk', '/']) {
      await page.goto(served.url + path)
      await page.locator('main h1').first().waitFor()
      await page.locator('.skeleton').first().waitFor({ state: 'detached' })
      assert.deepEqual(await seriousFindings(page), [], path)
      const beyond = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
      assert.equal(beyond, 0, `${path} is not wider than ${width}`)
    }
    assert.deepEqual(complaints, [])
  })
}
