// The answers of endpoints, by the command.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'node:test'
import { app, sqlite } from 'millrace'
import { deliver } from 'millrace/http'
import { place, started } from '../support.ts'
import { Orders, Placed } from './support/mill.ts'
import { linesOf, millrace, objectsOf } from './support/millrace.ts'

test('deliveries and test show what the endpoint answers; of a stopped app they say what they need', async (t) => {
  let status = 204
  const server = createServer((_, response) =>
    response.writeHead(status).end(status === 204 ? undefined : 'not \u001b[2J now'),
  )
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const file = place(t)
  const out = deliver('billing', { on: Orders, url: `http://127.0.0.1:${port}/in`, allow: ['127.0.0.1'] })
  const shop = await started(t, app({ name: 'mill', broker: sqlite({ file }), log: () => {}, parts: [Orders, out] }))
  const run = (...args: string[]) => millrace(['processors', ...args, '--db', file])

  assert.deepEqual(linesOf((await run('deliveries', 'billing')).out), [
    'billing has sent nothing since the app started',
  ])
  await shop.publish(Placed, { orderId: 'a' }, { id: 'order-a' })
  await shop.idle()
  const listed = await run('deliveries', 'billing')
  assert.match(listed.out, /^SENT +ID +TRY +MS +OUTCOME +ANSWER\n.+ order-a +1 +\d+ +204\n$/)
  status = 503
  const tested = await run('test', 'billing', '--by', 'anna', '--reason', 'a new endpoint')
  assert.equal(tested.status, 1)
  assert.match(tested.out, /^the endpoint of billing: 503, after \d+ ms\nnot \\u001b\[2J now\n$/)
  const [newest, first] = objectsOf((await run('deliveries', 'billing', '--json')).out) as [
    Record<string, unknown>,
    Record<string, unknown>,
  ]
  assert.deepEqual([newest['type'], newest['attempt'], newest['status']], ['millrace.test', 0, 503])
  assert.deepEqual([first['id'], first['outcome'], first['error']], ['order-a', 'answered', null])
  assert.match((await run('deliveries', 'biling')).err, /\(millrace\/unknown-processor\)/)

  await shop.processors.test('billing')
  assert.deepEqual(
    (await shop.desk.audit({ limit: 2 })).map(({ action, subject, by, reason }) => [action, subject, by, reason]),
    [
      ['tested', 'billing', 'app mill', null],
      ['tested', 'billing', 'anna', 'a new endpoint'],
    ],
  )

  await shop.stop()
  const stopped = await run('deliveries', 'billing')
  assert.match(stopped.err, /the answers of endpoints are kept in memory/)
  assert.match(stopped.err, /\(millrace\/not-running\)/)
})
