// The form of data in Chromium: what may be missing or null, lists, one of several shapes, secrets, and what no form can show.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { app, event, processor, type Serving, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { opened, seriousFindings } from './support/browser.ts'

const paid = z.object({
  card: z.string(),
  note: z.string().optional(),
  price: z.number().nullable(),
  urgent: z.boolean(),
  tags: z.array(z.string()),
  way: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('cash'), given: z.number() }),
    z.object({ kind: z.literal('post'), street: z.string() }),
  ]),
  more: z.record(z.string(), z.unknown()),
})
const Paid = event('paid', { schema: paid, secret: ['/card'] })
const Payments = topic('payments', [Paid])
/** The secrets of what was handled. */
const cards: string[] = []
const till = processor('till', {
  on: Payments,
  retry: { attempts: 1 },
  handle: {
    paid: ({ data }) => {
      if (data.note !== 'seen') throw new Error('nobody has seen it')
      cards.push(data.card)
    },
  },
})

const folder = mkdtempSync(join(tmpdir(), 'millrace-form-'))
const shop = app({
  name: 'till',
  broker: sqlite({ file: join(folder, 'till.db') }),
  parts: [Payments, till],
  log: () => {},
})
let served: Serving
before(async () => {
  await shop.start()
  served = await shop.serve({ port: 0, access: { open: true } })
})
after(async () => {
  await shop.stop({ graceMs: 0 })
  rmSync(folder, { recursive: true, force: true })
})

test('a form adds what is missing, fills what is null, changes lists and shapes, and leaves secrets as they are', async () => {
  const way = { kind: 'cash' as const, given: 5 }
  const data = { card: '4111', price: null, urgent: false, tags: ['a', 'b'], way, more: { x: 1 } }
  await shop.publish(Paid, data)
  await shop.idle()
  const [held] = await shop.desk.list()
  const { page, complaints } = await opened(`${served.url}/desk/${held!.id}/correct`)
  await page.getByText('Secret: it is hidden, stays as it is, and is not sent.').waitFor()
  assert.equal(await page.getByLabel('card').count(), 0)

  await page.getByRole('button', { name: 'Add note' }).click()
  await page.locator('input:focus').waitFor()
  await page.keyboard.type('seen')
  assert.equal(await page.getByLabel('note', { exact: true }).inputValue(), 'seen', 'the keyboard is in the new field')
  await page.getByRole('button', { name: 'Give a value to price' }).click()
  await page.getByLabel('price', { exact: true }).fill('1.50')
  await page.getByLabel('urgent', { exact: true }).selectOption('Yes')
  await page.getByRole('button', { name: 'Remove tags 1' }).click()
  await page.getByRole('button', { name: 'Add to tags' }).click()
  await page.getByLabel('tags 2', { exact: true }).fill('c')
  await page.getByLabel('Kind of way').selectOption('post')
  await page.getByLabel('street', { exact: true }).fill('Mill Lane')
  await page.getByText('Shown as JSON: the schema says propertyNames, which a form cannot show.').waitFor()
  const more = page.getByLabel('more', { exact: true })
  await more.fill('{"x": ')
  await page.getByText(/^Line 1: /).waitFor()
  const button = page.getByRole('button', { name: /^Resubmit/ })
  assert(await button.isDisabled())
  await more.fill('{"x": 2}')
  await page.getByText('The server would take it').waitFor()
  assert.deepEqual(await seriousFindings(page), [])
  await page.getByLabel('Reason').fill('asked the customer')
  await button.click()
  await page.getByText('asked the customer').waitFor()
  await shop.idle()
  assert.deepEqual(
    { ...((await shop.desk.show(held!.id))!.data as object), card: undefined },
    {
      card: undefined,
      note: 'seen',
      price: 1.5,
      urgent: true,
      tags: ['b', 'c'],
      way: { kind: 'post', street: 'Mill Lane' },
      more: { x: 2 },
    },
  )
  assert.deepEqual(cards, ['4111'])
  assert.deepEqual(complaints, [])
})
