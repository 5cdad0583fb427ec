import assert from 'node:assert/strict'
import test from 'node:test'
import { sign } from '@octokit/webhooks-methods'
import { app, event, sqlite, topic } from 'millrace'
import { github, hook, standardWebhooks } from 'millrace/http'
import { Webhook } from 'standardwebhooks'
import { z } from 'zod'
import { coded, kept, place } from '../support.ts'
import { served } from './shop.ts'

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const Paid = event('paid', { schema: z.object({ pence: z.number().int() }) })
const Pushed = event('pushed', { schema: z.object({ ref: z.string() }) })
const Money = topic('money', [Paid, Pushed])
const money = hook('bank', {
  verify: standardWebhooks({ secret }),
  publishes: Paid,
  data: (body) => body as { pence: number },
})
const pushes = hook('pushes', {
  verify: github({ secret: 'hush' }),
  publishes: Pushed,
  data: (body, headers) =>
    headers.get('x-github-event') === 'push' ? { ref: (body as { ref: string }).ref } : undefined,
})
const throwing = hook('throwing', {
  verify: standardWebhooks({ secret }),
  publishes: Paid,
  data: () => {
    throw new Error('no data')
  },
})
const route = 'POST /hooks/{name}'
const json = { 'content-type': 'application/json' }

function signed(id: string, body: string, at = new Date()) {
  const signature = new Webhook(secret).sign(id, at, body)
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)) }
  return { params: { name: 'bank' }, body, headers: { ...json, ...headers, 'webhook-signature': signature } }
}

test('a webhook that is signed becomes an event once, however often it comes', async (t) => {
  const { ask, file } = await served(t, { parts: [Money, money] })
  const asks = signed('msg_1', '{"pence":995}')
  const first = await ask(route, asks)
  assert.deepEqual([first.status, first.body], [202, { accepted: [{ id: 'bank/msg_1' }] }])
  assert.deepEqual((await ask(route, asks)).body, { accepted: [{ id: 'bank/msg_1', duplicate: true }] })
  assert.deepEqual(
    kept(file, 'money').map(({ id, data }) => [id, JSON.parse(data)]),
    [['bank/msg_1', { pence: 995 }]],
  )
})

test('a webhook that is signed wrongly, late or not at all is answered with 401, and nothing is kept', async (t) => {
  const { ask, file } = await served(t, { parts: [Money, money] })
  const asks = signed('msg_1', '{"pence":995}')
  const old = signed('msg_1', '{"pence":995}', new Date(Date.now() - 600_000))
  for (const wrong of [{ ...asks, body: '{"pence":996}' }, { ...asks, headers: json }, old]) {
    const { status, body } = await ask(route, wrong)
    assert.deepEqual([status, body.code], [401, 'millrace/bad-signature'])
  }
  assert.deepEqual(kept(file, 'money'), [])
})

test('a webhook of GitHub is known by its delivery, and one of no interest is taken without an event', async (t) => {
  const { ask, file } = await served(t, { parts: [Money, pushes] })
  const body = JSON.stringify({ ref: 'refs/heads/main', text: 'Grüße' })
  const headers = async (of: string) => ({
    ...json,
    'x-github-event': of,
    'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    'x-hub-signature-256': await sign('hush', body),
  })
  const asks = { params: { name: 'pushes' }, body }
  assert.deepEqual((await ask(route, { ...asks, headers: await headers('ping') })).body, { accepted: [] })
  const { body: said } = await ask(route, { ...asks, headers: await headers('push') })
  assert.deepEqual(said, { accepted: [{ id: 'pushes/72d3162e-cc78-11e3-81ab-4c9367dc0958' }] })
  const wrong = { ...(await headers('push')), 'x-hub-signature-256': await sign('hash', body) }
  assert.equal((await ask(route, { ...asks, headers: wrong })).status, 401)
  assert.deepEqual(
    kept(file, 'money').map(({ data }) => JSON.parse(data)),
    [{ ref: 'refs/heads/main' }],
  )
})

test('a hook that is not there, data that do not fit, and a function that throws are told', async (t) => {
  const logged: string[] = []
  const { ask } = await served(t, { parts: [Money, money, throwing], log: (_, text) => void logged.push(text) })
  const missing = await ask(route, { params: { name: 'bnk' }, json: {} })
  assert.deepEqual([missing.status, missing.body.code], [404, 'millrace/unknown-name'])
  assert.match(missing.body.detail, /did you mean "bank"/)
  const unfit = await ask(route, signed('msg_2', '{"pence":"995"}'))
  assert.deepEqual([unfit.status, unfit.body.code], [422, 'millrace/bad-data'])
  const failed = await ask(route, { ...signed('msg_3', '{}'), params: { name: 'throwing' } })
  assert.deepEqual(
    [failed.status, failed.body.code, logged],
    [500, 'millrace/unexpected', ['a request over HTTP failed']],
  )
})

test('a hook is checked where it is declared and when the app starts', async (t) => {
  const verify = standardWebhooks({ secret })
  assert.throws(() => hook('x', { publishes: Paid, data: () => undefined } as never), /verify must be standardWebhooks/)
  assert.throws(() => hook('x', { verify, data: () => undefined } as never), /publishes must be an event/)
  assert.throws(() => hook('x', { verify, publishes: Paid } as never), /data must be a function/)
  const one = app({ name: 'one', broker: sqlite({ file: place(t) }), parts: [money] })
  t.after(() => one.stop())
  await assert.rejects(one.start(), coded('millrace/type-without-topic', /hook "bank"/))
})
