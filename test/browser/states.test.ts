// The dashboard where all is not as it should be: hostile data, a server that is away, a person who may only look.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type App, app, event, mediator, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { opened, seriousFindings } from './support/browser.ts'
import { views } from './support/views.ts'

const hostile = `<img src=x onerror="document.title='pwned'"><script>document.title='pwned'</script>\u202egnp.exe\u0000\u200b"'\\`
const Said = event('said', { schema: z.json(), context: () => hostile })
const Asked = event('asked', { schema: z.json(), context: () => hostile })
const Talk = topic('talk', [Said, Asked])
const listener = processor('listener', {
  on: Talk,
  owner: hostile,
  retry: { attempts: 1 },
  handle: {
    said: ({ data }) => {
      throw new Error(`cannot take it: ${hostile} ${JSON.stringify(data).slice(0, 40)}`)
    },
  },
})
const asker = mediator('asker', {
  on: Talk,
  startedBy: Asked,
  run: async ({ data }, flow) => {
    await flow.ask(hostile, { schema: z.json(), title: `${hostile} ${JSON.stringify(data).slice(0, 40)}`, to: hostile })
  },
})

const folder = mkdtempSync(join(tmpdir(), 'millrace-states-'))
let talk: App
before(async () => {
  talk = app({
    name: 'talk',
    broker: sqlite({ file: join(folder, 'talk.db') }),
    parts: [Talk, listener, asker],
    log: () => {},
  })
  await talk.start()
  const data = { [hostile]: hostile, long: 'x'.repeat(990_000) }
  await talk.publish(Said, data, { id: hostile })
  await talk.publish(Asked, data, { id: `asked ${hostile}` })
  await talk.publish(Said, data, { delayMs: 3_600_000 })
  await talk.idle()
})
after(async () => {
  await talk.stop({ graceMs: 0 })
  rmSync(folder, { recursive: true, force: true })
})

/** Pages that show no text of anybody. */
const plain: readonly string[] = ['map', 'schedules', 'endpoints', 'access', 'settings', 'unknown']

test('the text of a message, its context, its error, a name and a note is shown as text on every page, and runs nothing', async () => {
  const { url } = await talk.serve({ port: 0, access: { open: true } })
  const [held] = await talk.desk.list()
  await talk.desk.note(held!.id, hostile, { by: hostile })
  const [group] = await talk.desk.groups()
  await talk.desk.note({ group: group!.id! }, hostile, { by: hostile })
  const change = [{ op: 'replace', path: '/long', value: hostile }] as const
  const operation = await talk.desk.select(
    'resubmit',
    { group: group!.id! },
    { name: hostile, by: hostile, reason: hostile, change, prepare: true },
  )
  await talk.processors.pause('listener', { by: hostile, reason: hostile })
  const [flow] = await talk.flows.list()
  const [question] = await talk.flows.questions()
  const { page, complaints } = await opened(url)
  await page.getByRole('heading', { name: 'Home' }).waitFor()
  const named = {
    ...{ group: group!.id!, item: held!.id, operation: operation.id, message: held!.message.id, flow: flow!.id },
    ...{ question: question!.id, part: 'listener' },
  }
  for (const [name, { path }] of Object.entries(views)) {
    await page.goto(url + path(named))
    await page.locator('main :is(h1, .state)').first().waitFor()
    await page.locator('.skeleton').first().waitFor({ state: 'detached' })
    if (!plain.includes(name)) await page.getByText('onerror=').first().waitFor()
    assert.equal(await page.locator('main img, main script, main iframe').count(), 0, name)
    assert.equal(await page.title(), 'Millrace')
    const shown = (await page.locator('main').textContent()) ?? ''
    for (const sign of ['\u202e', '\u0000', '\u200b']) assert(!shown.includes(sign), name)
    const beyond = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
    assert.equal(beyond, 0, `${name} is as wide as its window`)
  }
  await page.goto(`${url}/desk/${held!.id}`)
  await page.getByText(/The first 65,536 of [\d,]+ characters are shown/).waitFor()
  assert.deepEqual(await seriousFindings(page), [])
  assert.deepEqual(complaints, [])
})

test('while the server is away the page says so and keeps its content; when it is back the page continues', async () => {
  const first = await talk.serve({ port: 0, access: { open: true } })
  const { page } = await opened(`${first.url}/desk`)
  await page.getByRole('link', { name: /cannot take it/ }).waitFor()
  await first.close(0)
  await page.getByText(/The server is not reached\. You see how it was at/).waitFor()
  assert(await page.getByRole('link', { name: /cannot take it/ }).isVisible())
  assert.deepEqual(await seriousFindings(page), [])
  const again = await talk.serve({ port: Number(new URL(first.url).port), access: { open: true } })
  await page.getByText(/The server is not reached/).waitFor({ state: 'detached' })
  await again.close(0)
})

test('a viewer without repair rights sees no button that repairs, and a session that ends asks for a new one', async () => {
  const token = `mrt_${'a'.repeat(43)}`
  const hash = createHash('sha256').update(token).digest('hex')
  const tokens = [{ name: 'lea', hash, grants: [{ role: 'reader' as const }] }]
  const { url } = await talk.serve({ port: 0, access: { tokens } })
  const { page, context } = await opened(url)
  await page.getByLabel('Address, code or token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  const [held] = await talk.desk.list()
  await page.getByRole('heading', { name: 'Home' }).waitFor()
  await page.goto(`${url}/desk/${held!.id}`)
  await page.getByText('You may look, but not repair.').waitFor()
  for (const name of ['Release', 'Discard…', "I'm on it", 'Note']) {
    assert.equal(await page.getByRole('button', { name }).count(), 0, name)
  }
  await context.clearCookies()
  await page.reload()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  assert.deepEqual(await seriousFindings(page), [])
})
