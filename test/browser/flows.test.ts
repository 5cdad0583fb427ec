// A flow that does not fit the code of today, in Chromium: what it did beside what the code does.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { app, event, type FlowContext, mediator, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { opened, seen, seriousFindings } from './support/browser.ts'

const Placed = event('placed', { schema: z.object({ order: z.string() }), context: ({ order }) => order })
const Orders = topic('orders', [Placed])
const folder = mkdtempSync(join(tmpdir(), 'millrace-flows-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** The app with a mediator whose code asks in its own way. */
function shopThat(ask: (flow: Pick<FlowContext<never, never, never>, 'ask'>) => Promise<unknown>) {
  const approval = mediator('approval', { on: Orders, startedBy: Placed, run: (_, flow) => ask(flow as never) })
  return app({
    name: 'shop',
    broker: sqlite({ file: join(folder, 'shop.db') }),
    parts: [Orders, approval],
    log: () => {},
  })
}

const schema = z.boolean()

test('a flow that does not fit the code of today shows its step beside the step of the code', async () => {
  const before = shopThat(async (flow) => {
    await flow.ask('price', { schema, title: 'Is the price right?' })
    await flow.ask('stock', { schema, title: 'Is it there?' })
  })
  await before.start()
  await before.publish(Placed, { order: 'o-1' })
  await before.idle()
  const [question] = await before.flows.questions()
  await before.flows.answer(question!.flow, 'price', true)
  await before.idle()
  await before.stop()
  const today = shopThat(async (flow) => {
    await flow.ask('price', { schema, title: 'Is the price right?' })
    await flow.ask('address', { schema, title: 'Where to?' })
  })
  await today.start()
  after(() => today.stop({ graceMs: 0 }))
  // A flow that waits is made from its journal when somebody needs it.
  await assert.rejects(today.flows.form(question!.flow, 'stock'))
  const { url } = await today.serve({ port: 0, access: { open: true } })
  const { page, complaints } = await opened(`${url}/flows/${question!.flow}`)
  const differs = page.getByRole('region', { name: 'What does not fit the code of today' })
  await differs.getByRole('row', { name: /^differs/ }).waitFor()
  assert.match(await seen(differs.getByRole('row', { name: /^the same/ })), /price.*price/s)
  assert.match(await seen(differs.locator('del')), /stock/)
  assert.match(await seen(differs.locator('ins')), /address/)
  await page.setViewportSize({ width: 390, height: 844 })
  assert.deepEqual(await seriousFindings(page), [])
  assert.deepEqual(complaints, [])
})
