// The dashboard where all is not as it should be: hostile data, a server that is away, a person who may only look.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type App, app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { opened, seriousFindings } from './support/browser.ts'

const hostile = `<img src=x onerror="document.title='pwned'"><script>document.title='pwned'</script>\u202egnp.exe\u0000\u200b"'\\`
const Said = event('said', { schema: z.json(), context: () => hostile })
const Talk = topic('talk', [Said])
const listener = processor('listener', {
  on: Talk,
  retry: { attempts: 1 },
  handle: {
    said: ({ data }) => {
      throw new Error(`cannot take it: ${hostile} ${JSON.stringify(data).slice(0, 40)}`)
    },
  },
})

const folder = mkdtempSync(join(tmpdir(), 'millrace-states-'))
let talk: App
before(async () => {
  talk = app({
    name: 'talk',
    broker: sqlite({ file: join(folder, 'talk.db') }),
    parts: [Talk, listener],
    log: () => {},
  })
  await talk.start()
  await talk.publish(Said, { [hostile]: hostile, long: 'x'.repeat(990_000) })
  await talk.idle()
})
after(async () => {
  await talk.stop({ graceMs: 0 })
  rmSync(folder, { recursive: true, force: true })
})

test('the text of a message, its context, its error, a name and a note is shown as text and runs nothing', async () => {
  const { url } = await talk.serve({ port: 0, access: { open: true } })
  const [held] = await talk.desk.list()
  await talk.desk.note(held!.id, hostile, { by: hostile })
  const { page, complaints } = await opened(url)
  const [group] = await talk.desk.groups()
  await page.getByRole('heading', { name: 'Home' }).waitFor()
  for (const path of [
    '/',
    '/desk',
    `/desk/g/${group!.id}`,
    `/desk/${held!.id}`,
    `/desk/${held!.id}/correct`,
    '/system/audit',
  ]) {
    await page.goto(url + path)
    await page.getByText('onerror=').first().waitFor()
    await page.locator('.skeleton').first().waitFor({ state: 'detached' })
    assert.equal(await page.locator('main img, main script, main iframe').count(), 0, path)
    assert.equal(await page.title(), 'Millrace')
    const shown = (await page.locator('main').textContent()) ?? ''
    for (const sign of ['\u202e', '\u0000', '\u200b']) assert(!shown.includes(sign), path)
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
