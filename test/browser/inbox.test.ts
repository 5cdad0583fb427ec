// Questions of flows in Chromium: a form made of the schema of the answer, JSON where it says none, two people at one question.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { app, event, mediator, type Serving, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { opened, seriousFindings } from './support/browser.ts'

const Returned = event('returned', {
  schema: z.object({ order: z.string(), how: z.enum(['form', 'json']) }),
  context: ({ order }) => order,
})
const Returns = topic('returns', [Returned])
const refund = z.object({
  amount: z.number().min(0).max(500).describe('In pounds.'),
  way: z.enum(['card', 'post']),
  note: z.string().optional(),
})
const strange = {
  '~standard': {
    version: 1,
    vendor: 'own',
    validate: (value: unknown) => (typeof value === 'string' ? { value } : { issues: [{ message: 'must be a text' }] }),
  },
} as const
/** The answers that flows got. */
const answers: unknown[] = []
const returns = mediator('returns', {
  on: Returns,
  startedBy: Returned,
  run: async ({ data: { order, how } }, flow) => {
    const title = `What is to be done about ${order}?`
    answers.push(await flow.ask('decide', { schema: how === 'form' ? refund : strange, title, to: 'sales' }))
  },
})

const folder = mkdtempSync(join(tmpdir(), 'millrace-inbox-'))
const shop = app({
  name: 'returns',
  broker: sqlite({ file: join(folder, 'returns.db') }),
  parts: [Returns, returns],
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

async function asked(order: string, how: 'form' | 'json') {
  await shop.publish(Returned, { order, how })
  await shop.idle()
  return (await shop.flows.questions()).at(-1)!
}

test('an answer is written in a form of its schema; what does not fit is refused beside its field, and nothing is lost', async () => {
  const { id } = await asked('o-1', 'form')
  const { page, complaints } = await opened(`${served.url}/inbox`)
  await page.getByRole('link', { name: 'What is to be done about o-1?' }).click()
  await page.waitForURL(`**/inbox/${id}`)
  const amount = page.getByLabel('amount', { exact: true })
  await page.getByText('In pounds.').waitFor()
  await amount.fill('900')
  await page.getByLabel('way', { exact: true }).selectOption('post')
  await page.getByRole('button', { name: 'Add note' }).click()
  await page.getByLabel('note', { exact: true }).fill('box damaged')
  await page.getByRole('button', { name: 'Answer' }).click()
  await page.getByText('Nothing was done.').waitFor()
  const field = page.locator('.field').filter({ has: amount })
  await field.locator('p.error').waitFor()
  assert.equal(await amount.getAttribute('aria-invalid'), 'true')
  assert.deepEqual(await seriousFindings(page), [])
  await amount.fill('90')
  await page.getByRole('link', { name: 'JSON' }).click()
  assert.match(await page.getByLabel('Your answer, as JSON').inputValue(), /"amount": 90,\s+"way": "post"/)
  await page.getByRole('button', { name: 'Answer' }).click()
  await page.getByText('Your answer is given.').waitFor()
  await shop.idle()
  assert.deepEqual(answers, [{ amount: 90, way: 'post', note: 'box damaged' }])
  const [line] = await shop.desk.audit()
  assert.deepEqual([line!.action, line!.by], ['answered', 'anyone on this machine'])
  assert.deepEqual(
    complaints.filter((text) => !/422/.test(text)),
    [],
  )
})

test('a schema that gives no JSON Schema gets JSON and the reason; the second of two people is told, and keeps the text', async () => {
  const { id, flow } = await asked('o-2', 'json')
  const { page } = await opened(`${served.url}/inbox/${id}`, { viewport: { width: 390, height: 844 } })
  await page.getByText('There is no form: a schema of own gives no JSON Schema by itself. Edit it as JSON.').waitFor()
  const json = page.getByLabel('Your answer, as JSON')
  await json.fill('{')
  await page.getByText(/^Line 1: /).waitFor()
  assert(await page.getByRole('button', { name: 'Answer' }).isDisabled())
  await json.fill('"keep it"')
  await page.getByText('npx millrace flows answer app.ts').waitFor({ state: 'attached' })
  assert.deepEqual(await seriousFindings(page), [])
  await shop.flows.answer(flow, 'decide', 'send it back', { by: 'ada' })
  await page.getByText('This question is no longer open.').waitFor()
  assert.equal(await json.inputValue(), '"keep it"')
  assert(await page.getByRole('button', { name: 'Answer' }).isDisabled())
  await page.reload()
  await page.getByText('This question is no longer open.').waitFor()
  await page.getByRole('link', { name: 'Go to the inbox' }).click()
  await page.getByText('Nobody is asked anything.').waitFor()
})

test('a reader sees a question and no way to answer it, wide and narrow, light and dark, without a serious finding', async () => {
  const token = `mrt_${'b'.repeat(43)}`
  const hash = createHash('sha256').update(token).digest('hex')
  const tokens = [{ name: 'lea', hash, grants: [{ role: 'reader' as const }] }]
  const { url } = await shop.serve({ port: 0, access: { tokens } })
  const { id } = await asked('o-3', 'form')
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 390],
  ] as const) {
    const { page } = await opened(`${url}/#code=${token}`, { colorScheme, viewport: { width, height: 844 } })
    await page.getByRole('heading', { name: 'Home' }).waitFor()
    await page.goto(`${url}/inbox/${id}`)
    await page.getByText('You may look, but not answer.').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Answer' }).count(), 0)
    assert.deepEqual(await seriousFindings(page), [])
    await page.goto(`${served.url}/inbox/${id}`)
    await page.getByLabel('amount', { exact: true }).waitFor()
    assert.deepEqual(await seriousFindings(page), [])
    const beyond = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
    assert.equal(beyond, 0)
  }
})
