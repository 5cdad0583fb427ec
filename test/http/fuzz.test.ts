// Three laws, whatever comes: no 500 that nobody explains, no 202 that is not on disk, no part of a batch called whole. What is
// sent is made from the table of routes.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import test from 'node:test'
import fc from 'fast-check'
import { groups } from '../../src/http/routes.ts'
import { checkAnswer } from '../support/http-client.ts'
import { kept } from '../support.ts'
import { served } from './shop.ts'

const routes = groups.flatMap((group) => group.routes)
const word = fc.oneof(
  fc.constantFrom('orders', 'talk', 'stock', 'order.placed', 'said', 'stock.take', 'e-1', '0', '1', 'now', 'true'),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('..', '%', '%2e%2e', '\0', 'a/b', '__proto__', 'constructor', 'flow/1', '\u202e', 'x'.repeat(300)),
)
const ascii = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 30,
})
const event = fc.record(
  {
    specversion: fc.oneof({ weight: 9, arbitrary: fc.constant('1.0') }, fc.jsonValue()),
    id: fc.oneof({ weight: 5, arbitrary: fc.uuid() }, fc.jsonValue()),
    source: fc.oneof({ weight: 5, arbitrary: fc.constantFrom('/a', '/b') }, fc.jsonValue()),
    type: fc.oneof({ weight: 5, arbitrary: fc.constantFrom('said', 'order.placed') }, fc.jsonValue()),
    data: fc.oneof(fc.constant({ orderId: 'o', quantity: 1 }), fc.jsonValue({ maxDepth: 6 })),
    subject: fc.jsonValue(),
    time: fc.oneof(fc.constant('2026-12-01T08:00:00Z'), fc.jsonValue()),
    datacontenttype: fc.constantFrom('text/xml', 'application/json', 'x', 1),
    data_base64: fc.oneof(fc.base64String(), fc.jsonValue()),
    traceparent: fc.jsonValue(),
    __proto__: fc.jsonValue(),
  },
  { requiredKeys: ['specversion', 'id', 'source', 'type', 'data'] },
)
const body = fc.oneof(
  event.map((one) => JSON.stringify(one)),
  fc.array(event, { maxLength: 5 }).map((all) => JSON.stringify(all)),
  fc.json(),
  fc.constantFrom('', '{', '[]', 'null', '"\\ud800"', '[[['.repeat(2_000), `{"a":${'['.repeat(10_000)}`, '1e999', '-0'),
  fc.uint8Array({ maxLength: 50 }),
)
const headers = fc.record(
  {
    'content-type': fc.oneof(
      fc.constantFrom(
        'application/json',
        'application/cloudevents+json',
        'application/cloudevents-batch+json',
        'text/plain',
      ),
      ascii,
    ),
    'content-encoding': fc.constantFrom('gzip', 'identity', 'br', ''),
    prefer: fc.oneof(fc.constantFrom('handling=lenient', 'wait=0', 'wait', 'wait=x,,;=', 'wait=999999999999'), ascii),
    'idempotency-key': fc.oneof(fc.constantFrom('k', '"k"', '"', ''), ascii),
    accept: fc.constantFrom(
      'application/cloudevents-batch+json',
      'application/json',
      'text/csv',
      'application/x-ndjson',
    ),
    'last-event-id': ascii,
    'ce-specversion': fc.constantFrom('1.0', '0.3'),
    'ce-id': ascii,
    'ce-source': ascii,
    'ce-type': fc.constantFrom('said', 'order.placed', '%', ''),
    'ce-x': ascii,
    traceparent: ascii,
  },
  { requiredKeys: ['accept'] },
)

test('any input to a route gets an answer of the table, and an accepted one is on disk', async (t) => {
  const logged: unknown[] = []
  const { url, file } = await served(t, {
    log: (level, text, fields) => void (level === 'error' && logged.push([text, fields])),
  })
  const hostile = fc.record({
    route: fc.constantFrom(...routes),
    words: fc.array(word, { minLength: 2, maxLength: 2 }),
    query: fc.dictionary(fc.oneof(fc.constantFrom('type', 'after', 'limit', 'context'), ascii), word, { maxKeys: 3 }),
    headers,
    body,
  })
  // Requests that are right, or wrong in one thing.
  const publish = routes.find(({ method, path }) => method === 'POST' && path === '/events/{topic}')!
  const said = (id: string, data: unknown) => ({ specversion: '1.0', id, source: '/a', type: 'said', data })
  const [one, batch] = ['application/cloudevents+json', 'application/cloudevents-batch+json']
  const right = fc
    .oneof(
      fc.tuple(fc.constant('application/json'), fc.json()),
      fc.tuple(
        fc.constant(one),
        fc.tuple(fc.uuid(), fc.jsonValue()).map((pair) => JSON.stringify(said(...pair))),
      ),
      fc.tuple(
        fc.constant(batch),
        fc
          .array(fc.oneof({ weight: 9, arbitrary: fc.uuid().map((id) => said(id, id)) }, event), { maxLength: 4 })
          .map((all) => JSON.stringify(all)),
      ),
    )
    .chain(([type, text]) =>
      fc.record({
        route: fc.constant(publish),
        words: fc.constantFrom(['talk', ''], ['talk', ''], ['orders', '']),
        query: fc.constant<Record<string, string>>(type === 'application/json' ? { type: 'said' } : {}),
        headers: fc.record(
          { 'content-type': fc.constant(type), prefer: fc.constantFrom('handling=lenient', 'x'), accept: ascii },
          { requiredKeys: ['content-type'] },
        ),
        body: fc.oneof({ weight: 9, arbitrary: fc.constant(text) }, fc.constant(text.slice(1))),
      }),
    )
  const asks = fc.oneof(hostile, right)
  const seen = new Set<number>()
  await fc.assert(
    fc.asyncProperty(asks, async (sends) => {
      let at = 0
      const path = sends.route.path.replace(/\{\w+\}/g, () =>
        encodeURIComponent(sends.words[at++]!.toWellFormed() || 'x'),
      )
      const query = new URLSearchParams(Object.entries(sends.query))
      const { method } = sends.route
      const sent = method === 'GET' || method === 'DELETE' ? {} : { body: sends.body as string }
      const given = Object.fromEntries(
        Object.entries(sends.headers).filter(([, value]) => value !== undefined && value.trim() === value),
      ) as Record<string, string>
      const response = await fetch(`${url}${path}?${query}`, { method, headers: given, ...sent })
      if (response.status === 404 && response.url !== `${url}${path}?${query}`)
        return void (await response.body?.cancel())
      if (response.headers.get('content-type') === 'text/event-stream') return void (await response.body?.cancel())
      const text = await response.clone().text()
      // `..` leads to another route, or to none.
      if (/"code":"millrace\/(unknown-route|wrong-method)"/.test(text)) return
      const answer = await checkAnswer(`${method} ${sends.route.path}`, response)
      assert.notEqual(answer.status, 500)
      seen.add(answer.status)
      if (answer.status === 202 && Array.isArray(answer.body.accepted)) {
        const topic = sends.words[0]!
        const ids = kept(file, topic).map(({ id }) => id)
        for (const { id } of answer.body.accepted) assert(ids.includes(id), `${id} is on disk`)
        const values: unknown = given['content-type'] === batch ? JSON.parse(String(sends.body)) : [1]
        assert.equal(answer.body.accepted.length, (values as unknown[]).length)
      }
    }),
    { numRuns: 400, seed: 16 },
  )
  for (const status of [200, 202, 207, 400, 404, 415, 422]) assert(seen.has(status), `some are ${status}`)
  assert.deepEqual(logged, [])
})

test('bytes that are hardly requests do no harm: each is refused, and the next client is served', async (t) => {
  const { url } = await served(t)
  const { hostname, port } = new URL(url)
  const raw = (parts: readonly string[], end: 'close' | 'wait' = 'wait') =>
    new Promise<string>((resolve) => {
      let heard = ''
      const socket = connect(Number(port), hostname, async () => {
        for (const part of parts) await new Promise<void>((sent) => void socket.write(part, () => sent()))
        if (end === 'close') socket.destroy()
      })
      socket.setEncoding('latin1').on('data', (data) => {
        heard += data
      })
      socket.on('error', () => {}).on('close', () => resolve(heard))
    })
  const post =
    'POST /events/talk?type=said HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\nContent-Type: application/json\r\n'
  assert.match(await raw([...`${post}Content-Length: 1\r\n\r\n1`]), /^HTTP\/1\.1 202 /, 'byte by byte')
  const pipelined = `POST /events/talk?type=said HTTP/1.1\r\nHost: example.com\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n2`
  const both = await raw([`${pipelined}${post}Content-Length: 1\r\n\r\n3`])
  assert.equal(both.match(/HTTP\/1\.1 202 /g)?.length, 2, 'two requests at once')
  for (const [what, parts, status] of [
    ['two lengths', [`${post}Content-Length: 1\r\nContent-Length: 2\r\n\r\n12`], 400],
    ['a length and chunks', [`${post}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`], 400],
    ['a length that is none', [`${post}Content-Length: x\r\n\r\n`], 400],
    ['a chunk that lies', [`${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n1\r\n`], 400],
    ['a length beyond the limit', [`${post}Content-Length: 99999999999\r\n\r\n`], 413],
    ['no host', ['GET /ready HTTP/1.1\r\nConnection: close\r\n\r\n'], 400],
    ['another version', ['GET /ready HTTP/3.0\r\nHost: example.com\r\n\r\n'], 400],
    ['a name with a space', ['GET /ready HTTP/1.1\r\nHost: example.com\r\na b: c\r\n\r\n'], 400],
    ['a method that is none', ['BREW /ready HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n'], 400],
    ['zeros', ['\0'.repeat(1_000)], 400],
  ] as const) {
    assert.match(await raw(parts), new RegExp(`^HTTP/1\\.1 ${status} `), what)
  }
  await raw([`${post}Content-Length: 100\r\n\r\n12`], 'close')
  await raw(['POST /events/ta'], 'close')
  assert.equal((await fetch(`${url}/ready`)).status, 204)
})
