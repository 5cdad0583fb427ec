// OPTIONS: the methods of a path, and the handshake of CloudEvents webhooks.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { type GatewayOptions, gateway } from 'millrace/http'
import { client } from '../support/http-client.ts'
import { coded, place, started } from '../support.ts'
import { shopOn } from './shop.ts'

async function asked(t: TestContext, options: Partial<GatewayOptions> = {}) {
  const shop = await started(t, shopOn({ file: place(t) }))
  const edge = gateway(shop, { access: () => undefined, ...options })
  const { ask } = client('http://shop.example', edge)
  const handshake = async (headers: Readonly<Record<string, string>>) => {
    const answer = await ask('OPTIONS /events/{topic}', { params: { topic: 'orders' }, headers })
    const of = (name: string) => answer.headers.get(`webhook-allowed-${name}`)
    return { status: answer.status, allow: answer.headers.get('allow'), origin: of('origin'), rate: of('rate') }
  }
  return { shop, edge, handshake }
}

const allow = 'GET, HEAD, OPTIONS, POST'
const request = { 'webhook-request-origin': 'events.example.com', 'webhook-request-rate': '120' }

test('a sender of webhooks is allowed, with its rate, where an option names it', async (t) => {
  const { handshake } = await asked(t, { webhookOrigins: ['Events.example.com'] })
  const granted = { status: 200, allow, origin: 'events.example.com', rate: '*' }
  assert.deepEqual(await handshake(request), granted)
  const other = { ...request, 'webhook-request-origin': 'evil.example' }
  assert.deepEqual(await handshake(other), { status: 200, allow, origin: null, rate: null })
  assert.equal((await handshake({ ...request, 'webhook-request-rate': 'often' })).status, 400)
})

test('the rate is that of the option, and any sender may be allowed', async (t) => {
  const { handshake } = await asked(t, { webhookOrigins: ['*'], requestsPerMinute: 600 })
  assert.deepEqual(await handshake(request), { status: 200, allow, origin: 'events.example.com', rate: '600' })
})

test('without the option no sender is allowed, and a plain OPTIONS has the methods of its path', async (t) => {
  const { edge, handshake } = await asked(t)
  assert.deepEqual(await handshake(request), { status: 200, allow, origin: null, rate: null })
  const plain = await edge(new Request('http://shop.example/requests/x', { method: 'OPTIONS' }))
  assert.deepEqual([plain.status, plain.headers.get('allow')], [200, 'DELETE, GET, HEAD, OPTIONS'])
  const none = await edge(new Request('http://shop.example/nowhere', { method: 'OPTIONS' }))
  assert.equal(none.status, 404)
  const wrong = await edge(new Request('http://shop.example/events/orders', { method: 'PUT' }))
  assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, allow])
})

test('origins that are no list of hosts are told', async (t) => {
  const { shop } = await asked(t)
  for (const webhookOrigins of ['*', [1], ['']]) {
    const access = () => undefined
    assert.throws(
      () => gateway(shop, { access, webhookOrigins } as never),
      coded('millrace/bad-option', /webhookOrigins/),
    )
  }
})
