// A gateway in the servers that people have already.
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type TestContext } from 'node:test'
import { serve } from '@hono/node-server'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { type Gateway, gateway } from 'millrace/http'
import { client } from '../support/http-client.ts'
import { place, started } from '../support.ts'
import { shopOn } from './shop.ts'

/** Before anything is served. */
const before = [globalThis.Request, globalThis.Response]

const access = (request: Request) =>
  request.headers.get('authorization') === 'Bearer x'
    ? { name: 'web', grants: [{ role: 'admin' as const }] }
    : undefined

/** Begins a server that has the gateway at `/edge`, and a route of its own. */
const servers: Readonly<Record<string, (edge: Gateway) => Server | Promise<Server>>> = {
  'node:http': ({ node }) =>
    createServer((request, response) => {
      if (request.url!.startsWith('/edge/')) node(request, response)
      else response.end('mine')
    }),
  Hono: ({ fetch }) => {
    const app = new Hono().mount('/edge', fetch).get('/', ({ text }) => text('mine'))
    return serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1', overrideGlobalObjects: false }) as Server
  },
  Express: ({ node }) => {
    const app = express()
    app.use('/edge', node)
    app.get('/', (_, response) => void response.send('mine'))
    return createServer(app)
  },
  Fastify: async ({ node }) => {
    const app = Fastify()
    app.register(async (edge) => {
      // The gateway reads the body itself.
      edge.removeAllContentTypeParsers()
      edge.addContentTypeParser('*', (_, __, done) => done(null))
      edge.all('/edge/*', (request, reply) => {
        reply.hijack()
        node(request.raw, reply.raw)
      })
    })
    app.get('/', async () => 'mine')
    await app.ready()
    return app.server
  },
}

async function listening(t: TestContext, server: Server): Promise<string> {
  if (!server.listening) await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

for (const [name, begin] of Object.entries(servers)) {
  test(`a gateway is mounted in ${name}`, async (t) => {
    const shop = await started(t, shopOn({ file: place(t) }))
    const url = await listening(t, await begin(gateway(shop, { basePath: '/edge', access })))
    const { ask, open } = client(`${url}/edge`)
    const headers = { authorization: 'Bearer x' }
    assert.equal(await (await fetch(url)).text(), 'mine')
    const asks = { params: { topic: 'orders' }, query: { type: 'order.placed' }, json: { orderId: 'o', quantity: 1 } }
    const unknown = await ask('POST /events/{topic}', asks)
    assert.deepEqual([unknown.status, unknown.body.code], [401, 'millrace/not-signed-in'])
    assert.equal((await ask('POST /events/{topic}', { ...asks, headers })).status, 202)
    const params = { channel: 'stock', type: 'stock.take' }
    const sent = await ask('POST /commands/{channel}/{type}', { params, json: { sku: 'a', quantity: 1 }, headers })
    assert.match(sent.headers.get('location')!, /^\/edge\/requests\//)
    const found = await fetch(`${url}${sent.headers.get('location')}`, { headers: { ...headers, prefer: 'wait=30' } })
    assert.equal(((await found.json()) as { state: string }).state, 'replied')
    const gone = new AbortController()
    const stream = await open('GET /events/{topic}', {
      params: { topic: 'orders' },
      query: { after: 'beginning' },
      headers,
      signal: gone.signal,
    })
    const reader = stream.body!.pipeThrough(new TextDecoderStream() as never).getReader()
    let text = ''
    while (!text.includes('order.placed')) text += (await reader.read()).value
    gone.abort()
    const missing = await fetch(`${url}/edge/health`, { headers })
    assert.equal(missing.status, 404)
    const large = await ask('POST /events/{topic}', { ...asks, json: 'x'.repeat(5_000_000), headers })
    assert.deepEqual([large.status, large.body.code], [413, 'millrace/too-large'])
  })
}

test('the globals of the process are as they were', () => {
  assert.deepEqual([globalThis.Request, globalThis.Response], before)
})
