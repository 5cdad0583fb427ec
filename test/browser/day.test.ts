// A page that stays open: a day of pulses, by the clock of the browser.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { opened } from './support/browser.ts'
import { servedShop } from './support/shop.ts'
import { objects, views } from './support/views.ts'

const hours = 24
const pulses = 3_600

test('after 86,400 pulses over all pages the heap and the nodes are those after the first hour, within a tenth', async () => {
  const served = await servedShop()
  const named = await objects()
  const addresses = Object.values(views).map(({ path }) => path(named))
  const { page, complaints } = await opened('about:blank')
  await page.addInitScript({ path: fileURLToPath(new URL('support/day.js', import.meta.url)) })
  await page.goto(served.link())
  await page.getByRole('heading', { name: 'Home' }).waitFor()
  const session = await page.context().newCDPSession(page)
  const hour = async () => {
    const told = await page.evaluate(`day.pulses(${JSON.stringify([...addresses, '/'])}, ${pulses})`)
    await session.send('HeapProfiler.collectGarbage')
    const { usedSize } = await session.send('Runtime.getHeapUsage')
    const { nodes, jsEventListeners } = await session.send('Memory.getDOMCounters')
    return { told, usedSize, nodes, jsEventListeners }
  }
  const first = await hour()
  let last = first
  for (let n = 1; n < hours; n++) last = await hour()
  assert.equal(last.told, 86_400)
  for (const figure of ['usedSize', 'nodes', 'jsEventListeners'] as const) {
    assert(last[figure] <= first[figure] * 1.1, `${figure}: ${first[figure]}, then ${last[figure]}`)
  }
  await page
    .getByRole('link', { name: /held in ledger/ })
    .first()
    .waitFor()
  assert.deepEqual(complaints, [])
})
