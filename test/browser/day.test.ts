// A dashboard that stays open: 86,400 pulses by the clock of the page, in each of which something has changed.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { opened } from './support/browser.ts'
import { drive, standIn } from './support/day.ts'

const Paid = event('paid', { schema: z.object({ amount: z.number() }), context: () => 'till-1' })
const Payments = topic('payments', [Paid])
const till = processor('till', {
  on: Payments,
  retry: { attempts: 1 },
  handle: {
    paid: () => {
      throw new Error('the drawer is stuck')
    },
  },
})
const folder = mkdtempSync(join(tmpdir(), 'millrace-day-'))
const bank = app({
  name: 'bank',
  broker: sqlite({ file: join(folder, 'bank.db') }),
  parts: [Payments, till],
  log: () => {},
})
after(async () => {
  await bank.stop({ graceMs: 0 })
  rmSync(folder, { recursive: true, force: true })
})

// All pages are seen before the first measure, and each more than 50 times a day: what a page leaves behind is counted too.
test('after a day of pulses, a page every 5 minutes, the heap is within 10 percent of that after the first hour', async () => {
  await bank.start()
  for (const amount of [1, 2, 3]) await bank.publish(Paid, { amount })
  await bank.idle()
  const { url } = await bank.serve({ port: 0, access: { open: true } })
  const [held] = await bank.desk.list()
  const pages = ['/', '/desk', `/desk/${held!.id}`, '/system', '/system/parts/till']
  const { page, context, complaints } = await opened(url, {}, standIn)
  for (const path of [...pages, ...pages]) {
    await drive(page, { path, seconds: 1 })
    await page.locator('main h1').first().waitFor()
    await page.locator('.skeleton').first().waitFor({ state: 'detached' })
  }
  const session = await context.newCDPSession(page)
  const after = async (hours: number) => {
    for (let at = 0; at < hours * 12; at++) await drive(page, { path: pages[at % pages.length]!, seconds: 300 })
    // What is let go by finalizers goes with the second one.
    for (let times = 0; times < 2; times++) await session.send('HeapProfiler.collectGarbage')
    return (await session.send('Runtime.getHeapUsage')).usedSize
  }
  const first = await after(1)
  const last = await after(23)
  assert(last <= first * 1.1, `${first} bytes after an hour, ${last} after a day`)

  const pulses = await drive(page, { path: '/system/parts/till', seconds: 1 })
  assert(pulses > 86_400)
  await page.getByText(pulses.toLocaleString('en')).first().waitFor()
  assert.deepEqual(complaints, [])
})
