// The audit of refused requests, as people read it.
import assert from 'node:assert/strict'
import test from 'node:test'
import { hashOf, newToken } from '../../src/operate/token.ts'
import { millrace, objectsOf } from '../cli/support/millrace.ts'
import { client } from '../support/http-client.ts'
import { place, started, until } from '../support.ts'
import { shopOn } from './shop.ts'

test('refused senders are in the audit log: for the library, the API and the command, and after a stop', async (t) => {
  const file = place(t)
  const shop = await started(t, shopOn({ file }))
  const token = newToken()
  const access = { tokens: [{ name: 'till 3', hash: hashOf(token), grants: ['sender' as const] }] }
  const { url, token: admin } = await shop.serve({ port: 0, access })
  const { ask } = client(url)
  const as = (one: string) => ({ headers: { authorization: `Bearer ${one}` } })
  await ask('GET /api/desk', as(token))
  await ask('GET /api/desk/{id}', { ...as(`mrt_${'x'.repeat(43)}`), params: { id: '1' } })
  await shop.processors.pause('stock', { by: 'ann' })
  await until('both are there', async () => (await shop.desk.audit()).length === 3)
  const refused = await shop.desk.audit({ refused: true })
  assert.deepEqual(
    refused.map(({ by, action, subject, reason, detail }) => [by, action, subject, reason, detail]),
    [
      [
        'address 127.0.0.1',
        'refused',
        'GET /api/desk/{id}',
        'the token is not known, or its time is over',
        { code: 'millrace/not-signed-in', from: '127.0.0.1' },
      ],
      [
        ...['till 3', 'refused', 'GET /api/desk', 'till 3 may not see-data'],
        { code: 'millrace/not-allowed', from: '127.0.0.1' },
      ],
    ],
  )
  const page = await ask('GET /api/audit', { ...as(admin!), query: { refused: true } })
  assert.deepEqual(page.body.items, refused)
  const rows = async () => {
    const { status, out, err } = await millrace(['desk', 'audit', '--refused', '--db', file, '--json'])
    assert.equal(status, 0, err)
    return objectsOf(out).map(({ by }) => by)
  }
  assert.deepEqual(await rows(), ['address 127.0.0.1', 'till 3'])
  await shop.stop()
  assert.deepEqual(await rows(), ['address 127.0.0.1', 'till 3'])
})

test('counted refusals are written before the app has stopped', async (t) => {
  const file = place(t)
  const shop = await started(t, shopOn({ file }))
  const { ask } = client((await shop.serve({ port: 0 })).url)
  for (let n = 0; n < 12; n++) await ask('GET /api/me')
  await shop.stop()
  const again = await started(t, shopOn({ file }))
  const [newest, ...others] = await again.desk.audit({ refused: true })
  assert.deepEqual([newest!.reason, others.length], ['2 more within a minute', 10])
})
