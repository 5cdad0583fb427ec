// The dashboard on the example shop, in Chromium: what an operator does who reads nothing but the page.
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { Locator } from 'playwright-core'
import { rows } from '../support.ts'
import { opened, seriousFindings } from './support/browser.ts'
import { type ServedShop, servedShop, shop } from './support/shop.ts'

let served: ServedShop
before(async () => {
  served = await servedShop()
})

test('the address that start prints signs in once; later the session does, and without one the page asks for it', async () => {
  const link = served.link()
  const { page, complaints, context } = await opened(link)
  await page.getByRole('heading', { name: 'Home' }).waitFor()
  assert.equal(new URL(page.url()).hash, '', 'the code is out of the address')
  await page.goto(`${served.url}/desk`)
  await page.getByRole('heading', { name: 'Desk' }).waitFor()
  const [cookie] = await context.cookies()
  assert.deepEqual([cookie?.httpOnly, cookie?.sameSite], [true, 'Strict'])
  assert.deepEqual(complaints, [])

  const other = await opened(link)
  await other.page.getByText('This was used before, or is too old.').waitFor()
  await other.page.getByLabel('Address, code or token').fill(served.token!)
  await other.page.getByRole('button', { name: 'Sign in' }).click()
  await other.page.getByRole('heading', { name: 'Home' }).waitFor()
})

test('a held invoice is tried on the page, as it is and corrected, and nothing is kept; it becomes a test file', async () => {
  const { page, complaints } = await opened(served.link())
  const [held] = (await shop.desk.list({ states: ['held'] })).filter(({ waiting }) => waiting === 3)
  const booked = () => rows(served.file, 'select count(*) n from ledger')
  const before = booked()
  await page.goto(`${served.url}/desk/${held!.id}`)
  const trial = page.getByRole('region', { name: 'Try it' })
  await trial.getByRole('button', { name: 'Try it' }).click()
  await trial.getByText('It would be refused: negative quantity on line 1').waitFor()
  const saved = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Make a test of it' }).click()
  assert.equal((await saved).suggestedFilename(), `ledger-${held!.id}.test.ts`)
  await page.getByText('has the data, and what the database answered.').waitFor()
  await page.getByText('tried it').first().waitFor()

  await page.goto(`${served.url}/desk/${held!.id}/correct?as=json`)
  const corrected = structuredClone(held!.data) as { lines: { quantity: number }[] }
  corrected.lines[0]!.quantity = 3
  await page.getByLabel('Data, as JSON').fill(JSON.stringify(corrected))
  await trial.getByText('with 1 change').waitFor()
  await trial.getByRole('button', { name: 'Try it' }).click()
  const lines = corrected.lines.length
  await trial.getByText('It would be handled.').waitFor()
  await trial.getByText(new RegExp(`ledger would change ${lines} rows? and publish ${lines + 1} events`)).waitFor()
  await trial.getByText('Then 3 messages behind it would have their turns.').waitFor()
  assert.deepEqual(booked(), before)
  assert.equal((await shop.desk.show(held!.id))!.revision, held!.revision)

  const other = (await shop.desk.list({ states: ['held'] })).find(({ processor }) => processor !== 'ledger')
  if (other !== undefined) {
    await page.goto(`${served.url}/desk/${other.id}`)
    await page.getByText(`It cannot be tried: ${other.processor} does not say`).waitFor()
  }
  assert.deepEqual(complaints, [])
})

test('a held invoice is corrected by hand, and its lane drains in order', async () => {
  const { page, complaints } = await opened(served.link())
  const [held] = (await shop.desk.list({ states: ['held'] })).filter(({ waiting }) => waiting === 3)
  const line = (await shop.desk.line(held!.id)).map(({ message }) => message.id)

  await page.getByRole('link', { name: /4 messages of invoice.received are held in ledger/ }).click()
  await page.getByText('negative quantity on line …').first().waitFor()
  await page.getByRole('row').filter({ hasText: held!.lane! }).getByRole('link').click()
  await page.getByText('negative quantity on line 1').first().waitFor()
  await page.getByRole('region', { name: 'In line behind it' }).getByText('invoice-705023').waitFor()
  await page.getByRole('link', { name: 'Correct and resubmit' }).click()
  await page.getByRole('link', { name: 'JSON' }).click()
  const data = page.getByLabel('Data, as JSON')
  await data.fill('{')
  await page.getByText(/^Line 1: /).waitFor()
  const corrected = structuredClone(held!.data) as { lines: { quantity: unknown }[] }
  corrected.lines[0]!.quantity = 'three'
  await data.fill(JSON.stringify(corrected))
  await page.getByText('The server would not take it').waitFor()
  assert(await page.getByRole('button', { name: 'Resubmit with 1 change' }).isDisabled())
  corrected.lines[0]!.quantity = 3
  await data.fill(JSON.stringify(corrected, null, 2))
  await page.getByText('The server would take it').waitFor()
  await page.getByLabel('Reason').fill('counted again')
  await page.getByRole('button', { name: 'Resubmit with 1 change' }).click()

  await page.getByText('handled', { exact: true }).first().waitFor()
  await page.getByText('counted again').waitFor()
  await shop.idle()
  const booked = rows<{ no: string }>(
    served.file,
    `select distinct invoice_no no from ledger where customer_id = '${held!.lane}' order by min(rowid) over (partition by invoice_no)`,
  ).map(({ no }) => `invoice-${no}`)
  assert.deepEqual(booked.slice(booked.indexOf(held!.message.id)), [held!.message.id, ...line])
  const item = await shop.desk.show(held!.id)
  assert.deepEqual(
    item!.history.filter(({ action }) => action === 'resubmitted').map(({ reason }) => reason),
    ['counted again'],
  )
  assert.deepEqual(complaints, [])
})

test('of two people with the same message open the second is told what the first did, and nothing is overwritten', async () => {
  const held = (await shop.desk.list({ states: ['held'] })).find(({ message }) => message.id === 'invoice-704992')!
  const address = `${served.url}/desk/${held.id}`
  const first = await opened(served.link())
  const second = await opened(served.link())
  for (const { page } of [first, second]) {
    await page.goto(`${address}/correct?as=json`)
    await page.getByLabel('Data, as JSON').waitFor()
  }
  await shop.desk.discard(held.id, { by: 'ada', reason: 'entered twice' })
  await second.page.getByText('Somebody has acted on this message since you opened it.').waitFor()
  await first.page.goto(address)
  await first.page.getByText('ada discarded').waitFor()
  await first.page.getByRole('button', { name: 'Take back' }).click()
  const dialog = first.page.getByRole('dialog')
  await dialog.getByText('It joins the end of its line').waitFor()
  await dialog.getByRole('button', { name: 'Take back' }).click()
  await first.page
    .getByText(/taken back/)
    .first()
    .waitFor()
})

test('all of a group are released with one first; the operation has an address and an end', async () => {
  const { page } = await opened(served.link())
  await page.goto(`${served.url}/desk`)
  await page.getByRole('link', { name: 'price below zero on line …' }).click()
  await page.getByRole('button', { name: 'Release all…' }).click()
  const dialog = page.getByRole('dialog')
  assert(await dialog.getByRole('checkbox', { name: /One first/ }).isChecked())
  await dialog.getByLabel('Reason').fill('is it still so?')
  await dialog.getByRole('button', { name: 'Release all' }).click()
  await page.getByRole('heading', { name: /^release ledger/ }).waitFor()
  assert.match(page.url(), /\/desk\/operations\/\d+$/)
  await page.getByText('failed', { exact: true }).waitFor()
})

test('a question of a flow is answered, and its flow continues', async () => {
  const { page, complaints } = await opened(served.link())
  const [question] = await shop.flows.questions()
  await page.goto(`${served.url}/inbox`)
  await page.getByRole('link', { name: question!.title }).click()
  await page.waitForURL(`**/inbox/${question!.id}`)
  const button = page.getByRole('button', { name: 'Answer' })
  assert(await button.isDisabled(), 'nothing is chosen for a person')
  await page.getByRole('radio', { name: 'No' }).check()
  await page.getByLabel('Reason').fill('a test order')
  await button.click()
  await page.getByText('Your answer is given.').waitFor()
  await page.getByRole('link', { name: 'Go to the inbox' }).click()
  await page.getByText(question!.title).waitFor({ state: 'detached' })
  await shop.idle()
  const flow = await shop.flows.show(question!.flow)
  assert.deepEqual([flow!.state, flow!.error?.message], ['failed', 'not approved'])
  assert.deepEqual(complaints, [])
})

test('eight tabs of one browser hold one stream, and the eighth gets its document and its list', async () => {
  const { context, page } = await opened(served.link())
  await page.getByRole('heading', { name: 'Home' }).waitFor()
  let streams = 0
  // The first tab may begin its own only now.
  context.on('request', (request) => {
    if (request.url().endsWith('/api/stream') && request.frame().page() !== page) streams++
  })
  for (let n = 2; n <= 8; n++) {
    const tab = await context.newPage()
    await tab.goto(`${served.url}/desk`)
    await tab.getByRole('link', { name: /negative quantity/ }).waitFor()
  }
  assert.equal(streams, 0, 'the first tab has the stream')
})

for (const width of [1280, 390]) {
  test(`axe has no serious finding on any page, light and dark, ${width} pixels wide`, async () => {
    const { page, complaints } = await opened(served.link(), { viewport: { width, height: 800 } })
    const [held] = await shop.desk.list({ states: ['held'] })
    const [group] = await shop.desk.groups()
    const [operation] = await shop.desk.operations()
    await page.getByRole('heading', { name: 'Home' }).waitFor()
    for (const path of [
      ...['/', '/inbox', '/desk', '/desk?state=discarded', `/desk/g/${group!.id}`, `/desk/${held!.id}`],
      ...[
        `/desk/${held!.id}/correct`,
        `/desk/${held!.id}/correct?as=json`,
        '/desk/operations',
        `/desk/operations/${operation!.id}`,
        '/system/audit',
        '/flows',
      ],
    ]) {
      await page.goto(served.url + path)
      await page.locator('main :is(h1, .state)').first().waitFor()
      await page.locator('.skeleton').first().waitFor({ state: 'detached' })
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        assert.deepEqual(await seriousFindings(page), [], `${path}, ${colorScheme}`)
      }
    }
    assert.deepEqual(complaints, [])
  })
}

test('a held invoice is corrected by the form of its schema, and untouched values are not sent', async () => {
  const held = (await shop.desk.list({ states: ['held'] })).find(({ message }) => message.type === 'invoice.received')!
  const { page, complaints } = await opened(served.link())
  await page.goto(`${served.url}/desk/${held.id}/correct`)
  const data = held.data as { readonly lines: readonly { readonly quantity: number; readonly unitPrice: string }[] }
  const at = data.lines.findIndex(({ quantity, unitPrice }) => quantity < 0 || Number(unitPrice) < 0)
  const line = page.getByRole('group', { name: `lines ${at + 1}`, exact: true })
  const quantity = line.getByLabel('quantity')
  assert.equal(await quantity.inputValue(), String(data.lines[at]!.quantity))
  const button = page.getByRole('button', { name: /^Resubmit/ })

  await quantity.fill('-')
  assert.deepEqual(await described(quantity), ['This is no number yet.'])
  assert(await button.isDisabled(), 'what is no number is not sent')
  await quantity.fill('99999999999')
  await page.getByText('The server would not take it').waitFor()
  assert.match((await described(quantity)).join(), /2147483647/)
  await quantity.fill('3')
  const price = line.getByLabel('unitPrice')
  await price.fill('1.10')
  await page.getByText('The server would take it').waitFor()
  assert.deepEqual(await described(quantity), [])
  await page.getByRole('link', { name: 'JSON' }).click()
  assert.match(await page.getByLabel('Data, as JSON').inputValue(), /"quantity": 3,\s+"unitPrice": "1\.10"/)
  await page.getByRole('link', { name: 'Form' }).click()
  assert.equal(await quantity.inputValue(), '3')
  await page.getByLabel('Reason').fill('by the form')
  const sent = page.waitForRequest((request) => request.url().endsWith('/change'))
  await button.click()
  const { change } = (await sent).postDataJSON() as { readonly change: readonly { readonly path: string }[] }
  assert(change.every(({ path }) => [`/lines/${at}/quantity`, `/lines/${at}/unitPrice`].includes(path)))
  await page.getByText('by the form').waitFor()
  assert.deepEqual(complaints, [])
})

test('the change of one message is made to all of its group: seen before it is run, one first', async () => {
  const group = (await shop.desk.groups()).find(({ type, held }) => type === 'invoice.received' && held > 1)!
  const items = await shop.desk.list({ group: group.id!, states: ['held'] })
  const { page, complaints } = await opened(served.link())
  // From the page of one message: the group is found.
  await page.goto(`${served.url}/desk/${items[0]!.id}`)
  await page.getByRole('link', { name: 'Correct and resubmit' }).click()
  const first = page.getByRole('group', { name: 'lines 1', exact: true })
  await first.getByLabel('quantity').fill('7')
  await page.getByText('The server would take it').waitFor()
  await page.getByLabel('Reason').fill('counted again, all of them')
  await page.getByRole('button', { name: `Do the same with all ${group.held}…` }).click()
  await page.getByRole('heading', { name: /^correct ledger/ }).waitFor()
  const preview = page.getByRole('region', { name: 'What it would change' })
  await preview.getByRole('listitem').filter({ hasText: '/lines/0/quantity' }).first().waitFor()
  assert.equal(await preview.getByRole('link').count(), items.length)
  assert.deepEqual(await seriousFindings(page), [])
  const untouched = await shop.desk.list({ group: group.id!, states: ['held'] })
  assert.deepEqual(untouched, items, 'nothing is done before it is run')
  await page.getByRole('button', { name: 'Run' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Run' }).click()
  await page.getByText('done', { exact: true }).first().waitFor()
  await shop.idle()
  for (const { id } of items) {
    const { data, history } = (await shop.desk.show(id))!
    assert.equal((data as { readonly lines: readonly { readonly quantity: number }[] }).lines[0]!.quantity, 7)
    assert(history.some(({ action }) => action === 'resubmitted'))
  }
  assert.deepEqual(complaints, [])
})

/** The lines that describe a field. */
async function described(field: Locator): Promise<string[]> {
  const id = await field.getAttribute('aria-describedby')
  return field.page().locator(`[id="${id}"] p.error`).allInnerTexts()
}
