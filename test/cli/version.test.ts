// The version of the app, with what failed under it.
import assert from 'node:assert/strict'
import test from 'node:test'
import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { coded, place } from '../support.ts'
import { millrace, objectsOf } from './support/millrace.ts'

const Placed = event('placed', { schema: z.object({}) })
const Orders = topic('orders', [Placed])

test('desk show says under which version of the app a message has failed, and under which it was handled', async (t) => {
  const file = place(t)
  const shop = (version: string | undefined, fails: boolean) => {
    const handle = () => {
      if (fails) throw new Error('no stock')
    }
    const stock = processor('stock', { on: Orders, retry: { attempts: 1 }, handle: { placed: handle } })
    return app({ name: 'shop', version, broker: sqlite({ file }), log: () => {}, parts: [stock] })
  }
  const old = shop(undefined, true)
  await old.start()
  await old.publish(Placed, {})
  await old.idle()
  await old.stop()
  for (const [version, fails] of [
    ['1.0', true],
    ['1.1 (a3f)', false],
  ] as const) {
    const one = shop(version, fails)
    assert.equal(one.version, version)
    await one.start()
    await one.desk.release(1, { by: 'ann' })
    await one.idle()
    await one.stop()
  }
  const { out } = await millrace(['desk', 'show', '--db', file, '1'])
  assert.match(
    out,
    /\nfailed attempts\n {2}\S+ \S+ {2}Error: no stock\n {2}\S+ \S+ {2}Error: no stock \(under version 1\.0\)\n/,
  )
  assert.match(out, /\n {2}\S+ \S+ {2}handled by millrace \(under version 1\.1 \(a3f\)\)\n/)
  const [shown] = objectsOf((await millrace(['desk', 'show', '--db', file, '1', '--json'])).out)
  const versions = (shown!['tries'] as { version?: string }[]).map(({ version }) => version)
  assert.deepEqual(versions, [undefined, '1.0'])
})

test('a version is a text of 1 to 100 characters', () => {
  for (const version of ['', ' ', 7, null, 'x'.repeat(101)] as never[]) {
    const says = /^app "shop": version must be a text of 1 to 100 characters$/
    assert.throws(
      () => app({ name: 'shop', version, broker: sqlite({ file: 'never.db' }), parts: [] }),
      coded('millrace/bad-option', says),
    )
  }
})
