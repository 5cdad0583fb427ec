// What an app says of itself over HTTP.
import assert from 'node:assert/strict'
import test from 'node:test'
import { gateway } from 'millrace/http'
import { asyncApiOf } from '../../src/describe/asyncapi.ts'
import { type Topology, topologyOf } from '../../src/describe/topology.ts'
import { hashOf, newToken } from '../../src/operate/token.ts'
import { client } from '../support/http-client.ts'
import { place } from '../support.ts'
import { Placed, served, shopOn, Take } from './shop.ts'

const draft = 'https://json-schema.org/draft/2020-12/schema'

test('the AsyncAPI document is that of the command, with the version of the app', async (t) => {
  const { shop, ask } = await served(t, { version: '1.2.3' })
  const { body } = await ask('GET /asyncapi.json')
  assert.deepEqual(body, JSON.parse(JSON.stringify(asyncApiOf(shop).document)))
  assert.deepEqual([body.asyncapi, body.info], ['3.0.0', { title: 'shop', version: '1.2.3' }])
})

test('a type has its JSON Schema under its version of now, and under nothing else', async (t) => {
  const { ask } = await served(t)
  const get = (type: string, version: string) => ask('GET /schemas/{type}/{version}', { params: { type, version } })
  const { headers, body } = await get('order.placed', '1')
  assert.equal(headers.get('content-type'), 'application/schema+json')
  assert.equal(body.$schema, draft)
  assert.deepEqual(Object.keys(body.properties), ['orderId', 'quantity'])
  assert.deepEqual((await get('stock.take', '1')).body.required, ['sku', 'quantity'])
  for (const [type, version] of [
    ['order.placed', '2'],
    ['order.placed', '01'],
    ['order.placed', '1.0'],
    ['order.placed', 'latest'],
    ['orders', '1'],
    ['__proto__', '1'],
  ] as const) {
    const wrong = await get(type, version)
    assert.deepEqual([wrong.status, wrong.body.code], [404, 'millrace/unknown-name'], `${type} ${version}`)
  }
})

test('the topology has the declared parts, and the marks of flowed messages', async (t) => {
  const { shop, ask } = await served(t)
  const before = (await ask('GET /api/topology')).body as Topology
  assert.ok(before.edges.every(({ flowed }) => flowed === false))
  await shop.publish(Placed, { orderId: 'o', quantity: 1 })
  await shop.send(Take, { sku: 'a', quantity: 1 })
  await shop.idle()
  const { body, headers } = await ask('GET /api/topology')
  const { nodes, edges } = body as Topology
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.deepEqual(nodes.slice(0, before.nodes.length), topologyOf(shop).nodes)
  assert.deepEqual(
    edges.map(({ from, to, types, declared, flowed }) => [from, to, types.join(), declared, flowed]),
    [
      ['channel:stock', 'processor:stock', 'stock.note,stock.take', true, true],
      ['app:shop', 'topic:orders', 'order.placed', false, true],
      ['app:shop', 'channel:stock', 'stock.take', false, true],
    ],
  )
  const picture = await ask('GET /api/topology.svg')
  assert.match(picture.body, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[\s\S]*stock\.take[\s\S]*<\/svg>\n?$/)
  assert.match(picture.headers.get('content-security-policy')!, /^default-src 'none'/)
  assert.equal((await ask('GET /api/topology.svg')).body, picture.body)
})

test('the topology of a stopped app has the declared parts', async (t) => {
  const shop = shopOn({ file: place(t) })
  const { url, close } = await shop.serve({ port: 0, access: { open: true } })
  t.after(() => close())
  const { body } = await client(url).ask('GET /api/topology')
  assert.deepEqual(body, topologyOf(shop))
})

test('a gateway in another server has schemas and AsyncAPI, and neither topology nor metrics', async (t) => {
  const shop = shopOn({ file: place(t) })
  const edge = gateway(shop, { access: () => ({ name: 'web', grants: [{ role: 'admin' }] }) })
  const { ask, open } = client('http://shop.example', edge)
  assert.equal((await ask('GET /asyncapi.json')).body.info.title, 'shop')
  const params = { type: 'order.placed', version: '1' }
  assert.equal((await ask('GET /schemas/{type}/{version}', { params })).body.$schema, draft)
  for (const path of ['/api/topology', '/api/topology.svg', '/metrics', '/api/desk']) {
    assert.equal((await open(`GET ${path}`)).status, 404, path)
  }
})

test('a grant that is narrowed to a topic reaches the schemas of its types only', async (t) => {
  const shop = shopOn({ file: place(t) })
  const token = newToken()
  const access = {
    tokens: [{ name: 'ada', hash: hashOf(token), grants: [{ role: 'reader' as const, on: ['orders'] }] }],
  }
  const { url, close } = await shop.serve({ port: 0, access })
  t.after(() => close())
  const { ask } = client(url)
  const headers = { authorization: `Bearer ${token}` }
  const statusOf = async (route: string, type = '') =>
    (await ask(route, { headers, params: { type, version: '1' } })).status
  assert.equal(await statusOf('GET /schemas/{type}/{version}', 'order.placed'), 200)
  assert.equal(await statusOf('GET /schemas/{type}/{version}', 'stock.take'), 403)
  assert.equal(await statusOf('GET /schemas/{type}/{version}', 'none'), 403)
  for (const route of ['GET /asyncapi.json', 'GET /api/topology', 'GET /api/topology.svg']) {
    assert.equal(await statusOf(route), 403, route)
  }
})
