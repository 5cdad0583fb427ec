// Events in, by the rules of CloudEvents 1.0: the situations of the official cases, and those of this edge.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import test, { type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { CloudEvent, HTTP } from 'cloudevents'
import { event as eventType, type Schema, topic } from 'millrace'
import { z } from 'zod'
import { kept } from '../support.ts'
import { served } from './shop.ts'

const route = 'POST /events/{topic}'
const talk = { topic: 'talk' }
const structured = { 'content-type': 'application/cloudevents+json' }
const batch = { 'content-type': 'application/cloudevents-batch+json' }
const event = { specversion: '1.0', id: 'e-1', source: '/one', type: 'said' }

/** What the log keeps of the messages of a topic: attributes beside the data. */
async function said(t: TestContext) {
  const { shop, ...rest } = await served(t)
  const heard: Record<string, unknown>[] = []
  shop.tail(({ id, source, type, json, attributes, trace }) => {
    heard.push({
      id,
      source,
      type,
      data: JSON.parse(json),
      attributes,
      ...(trace === null ? {} : { traceparent: trace }),
    })
  })
  return { shop, heard, ...rest }
}

test('data as plain JSON are an event of the app, whose id is the Idempotency-Key', async (t) => {
  const { ask, file } = await served(t)
  const placed = { orderId: 'o-1', quantity: 2 }
  const asks = { params: { topic: 'orders' }, query: { type: 'order.placed' }, json: placed }
  const first = await ask(route, { ...asks, headers: { 'idempotency-key': '"k-1"' } })
  assert.deepEqual([first.status, first.body], [202, { accepted: [{ id: 'k-1' }] }])
  const again = await ask(route, { ...asks, headers: { 'idempotency-key': 'k-1' } })
  assert.deepEqual(again.body, { accepted: [{ id: 'k-1', duplicate: true }] })
  const other = await ask(route, { ...asks, json: { ...placed, quantity: 3 }, headers: { 'idempotency-key': 'k-1' } })
  assert.deepEqual([other.status, other.body.code], [409, 'millrace/id-conflict'])
  const { body } = await ask(route, asks)
  const messages = kept(file, 'orders').map(({ id, source, context }) => [id, source, context])
  assert.deepEqual(messages, [
    ['k-1', '/shop', 'o-1'],
    [body.accepted[0].id, '/shop', 'o-1'],
  ])
})

test('an event of another system keeps its source, its id and all its attributes, in all three forms', async (t) => {
  const { ask, heard } = await said(t)
  const attributes = {
    subject: 'a subject',
    time: '2026-12-01T08:00:00.123456789+01:00',
    dataschema: 'https://x.example/s',
  }
  const more = { ...attributes, text: 'Grüße, 100 %', flag: true, count: -7 }
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  await ask(route, {
    params: talk,
    headers: structured,
    body: JSON.stringify({ ...event, ...more, traceparent, data: 1 }),
  })
  await ask(route, { params: talk, headers: batch, body: JSON.stringify([{ ...event, ...more, id: 'e-2', data: 2 }]) })
  const ce = (name: string) => `ce-${name}`
  const headers = Object.fromEntries(
    Object.entries({ ...event, ...more, id: 'e-3' }).map(([name, value]) => [
      ce(name),
      encodeURIComponent(String(value)),
    ]),
  )
  const { body } = await ask(route, {
    params: talk,
    headers: { ...headers, traceparent, 'content-type': 'application/json' },
    body: '3',
  })
  assert.deepEqual(body, { accepted: [{ id: 'e-3' }] })
  const { specversion: _, id: __, ...from } = event
  assert.deepEqual(heard, [
    { ...from, id: 'e-1', data: 1, attributes: more, traceparent },
    { ...from, id: 'e-2', data: 2, attributes: more },
    { ...from, id: 'e-3', data: 3, attributes: { ...more, flag: 'true', count: '-7' }, traceparent },
  ])
})

const invalid: Readonly<Record<string, object | string>> = {
  'no id': { id: undefined },
  'an empty id': { id: '' },
  'an id that is null': { id: null },
  'an id that is a number': { id: 1 },
  'no source': { source: undefined },
  'an empty source': { source: '' },
  'a source that is no URI reference': { source: 'a b' },
  'a source whose first segment has a colon': { source: '1:x' },
  'a source that is a number': { source: 7 },
  'no type': { type: undefined },
  'an empty type': { type: '' },
  'a type that is a list': { type: ['said'] },
  'no specversion': { specversion: undefined },
  'another specversion': { specversion: '0.3' },
  'a specversion that is a number': { specversion: 1 },
  'an empty subject': { subject: '' },
  'a subject that is a number': { subject: 1 },
  'a time without seconds': { time: '2026-12-01T08:00Z' },
  'a time without an offset': { time: '2026-12-01T08:00:00' },
  'a time with half an offset': { time: '2026-12-01T08:00:00+01' },
  'a time on a day that is none': { time: '2026-02-30T08:00:00Z' },
  'a time that is a number': { time: 1_700_000_000 },
  'an empty dataschema': { dataschema: '' },
  'a dataschema that is relative': { dataschema: 'schema.json' },
  'an empty datacontenttype': { datacontenttype: '' },
  'a datacontenttype that is no media type': { datacontenttype: 'json' },
  'a name with a capital': { myName: 'x' },
  'a name with a dash': { 'my-name': 'x' },
  'an empty name': { '': 'x' },
  'an extension that is an object': { ext: {} },
  'an extension that is a list': { ext: [1] },
  'an extension that is no whole number': { ext: 1.5 },
  'an extension beyond 32 bits': { ext: 2 ** 31 },
  'an extension with half a character': { ext: '\ud800' },
  'data twice': { data: 1, data_base64: 'MQ==' },
  'base64 that is none': { data_base64: 'a' },
  'base64 that is a number': { data_base64: 1 },
  'base64 that is no JSON, where its type is': { data_base64: 'ew==', datacontenttype: 'application/json' },
  'a traceparent that is none': { traceparent: 'x' },
  'an event that is a list': '[]',
  'an event that is a text': '"event"',
  'no JSON': '{',
}

test('events that the specification forbids are refused with 400, and nothing of them is kept', async (t) => {
  const { ask, file } = await served(t)
  for (const [what, given] of Object.entries(invalid)) {
    const body = typeof given === 'string' ? given : JSON.stringify({ ...event, ...given })
    const one = await ask(route, { params: talk, headers: structured, body })
    assert.equal(one.status, 400, `${what}: ${JSON.stringify(one.body)}`)
    if (given === '{') continue
    const valid = JSON.stringify({ ...event, id: 'valid' })
    const many = await ask(route, { params: talk, headers: batch, body: `[${valid},${body}]` })
    assert.equal(many.status, 400, `${what} in a batch: ${JSON.stringify(many.body)}`)
    if (typeof given === 'string') continue
    const pointer = what.startsWith('base64 that is no JSON') ? '/1' : `/1/${Object.keys(given).at(-1)}`
    assert.deepEqual(
      many.body.errors.map((error: { pointer: string }) => error.pointer),
      [pointer],
      what,
    )
  }
  assert.deepEqual(kept(file, 'talk'), [])
})

const valid: readonly (readonly [what: string, given: object, data: unknown, attributes: object])[] = [
  ['the least', {}, null, {}],
  ['null for what is not set', { subject: null, data_base64: null, ext: null }, null, {}],
  ['null as data', { data: null }, null, {}],
  ['a number as data', { data: 12.5 }, 12.5, {}],
  ['a text as data', { data: 'Grüße' }, 'Grüße', {}],
  ['a list as data', { data: [1, 'a', null] }, [1, 'a', null], {}],
  [
    'JSON of another media type',
    { datacontenttype: 'application/vnd.x+json', data: { a: 1 } },
    { a: 1 },
    { datacontenttype: 'application/vnd.x+json' },
  ],
  ['JSON as base64', { data_base64: 'eyJhIjoxfQ==' }, { a: 1 }, {}],
  [
    'a text of XML',
    { datacontenttype: 'application/xml', data: '<a/>' },
    '<a/>',
    { datacontenttype: 'application/xml' },
  ],
  ['XML as base64', { datacontenttype: 'text/xml', data_base64: 'PGEvPg==' }, '<a/>', { datacontenttype: 'text/xml' }],
  [
    'bytes',
    { datacontenttype: 'application/octet-stream', data_base64: '/wA=' },
    '/wA=',
    { datacontenttype: 'application/octet-stream' },
  ],
  ['no bytes', { datacontenttype: 'image/png', data_base64: '' }, '', { datacontenttype: 'image/png' }],
  [
    'extensions of every kind',
    { t: 'x', b: false, n: 2 ** 31 - 1, low: -(2 ** 31), e: '' },
    null,
    { t: 'x', b: false, n: 2 ** 31 - 1, low: -(2 ** 31), e: '' },
  ],
  ['a time in lower case', { time: '2026-12-01t08:00:00z' }, null, { time: '2026-12-01t08:00:00z' }],
  ['a leap second', { time: '2016-12-31T23:59:60Z' }, null, { time: '2016-12-31T23:59:60Z' }],
  ['a source that is a URN', { source: 'urn:x:y' }, null, {}],
  ['a source that is a path', { source: 'a/b?c=d#e' }, null, {}],
]

test('events that the specification allows are accepted as they are', async (t) => {
  const { ask, heard } = await said(t)
  for (const [at, [what, given, data, attributes]] of valid.entries()) {
    const id = `v-${at}`
    const sent = { ...event, id, ...given }
    const { status, body } = await ask(route, { params: talk, headers: structured, body: JSON.stringify(sent) })
    assert.deepEqual([status, body], [202, { accepted: [{ id }] }], what)
    const found = heard.at(-1)
    assert.deepEqual(found, { id, source: sent.source, type: 'said', data, attributes }, what)
  }
})

test('headers are decoded once, by the table of the HTTP binding', async (t) => {
  const { ask, heard } = await said(t)
  const sends = async (given: Record<string, string>, id: string) => {
    const headers = { 'ce-specversion': '1.0', 'ce-id': id, 'ce-source': '/one', 'ce-type': 'said', ...given }
    return ask(route, { params: talk, headers })
  }
  for (const [at, [header, value]] of [
    ['Euro%20%E2%82%AC%20%F0%9F%98%80', 'Euro € 😀'],
    ['%22quoted%22', '"quoted"'],
    ['100%25', '100%'],
    ['%2541', '%41'],
    ['"in quotes \\" and \\\\"', 'in quotes " and \\'],
    ['"%41"', 'A'],
    ['50% off', '50% off'],
    ['%zz%4', '%zz%4'],
    ['a%2Fb', 'a/b'],
    ['%00', '\0'],
  ].entries()) {
    const { status, body } = await sends({ 'ce-awkward': header! }, `h-${at}`)
    assert.equal(status, 202, JSON.stringify(body))
    assert.deepEqual(heard.at(-1)!['attributes'] as object, { awkward: value }, header)
  }
  for (const [header, says] of [
    ['%FF', /not UTF-8/],
    ['%C3', /not UTF-8/],
    ['\u00fc', /beyond ASCII: percent-encode/],
  ] as const) {
    const { status, body } = await sends({ 'ce-awkward': header }, 'bad')
    assert.deepEqual([status, body.code], [400, 'millrace/bad-event'])
    assert.match(body.detail, says)
    assert.deepEqual(body.errors[0].pointer, '/awkward')
  }
  const dash = await sends({ 'ce-my-name': 'x' }, 'bad')
  assert.equal(dash.status, 400)
  const incomplete = await ask(route, { params: talk, headers: { 'ce-id': '1' } })
  assert.match(incomplete.body.detail, /specversion is missing/)
})

test('the requests of the HTTP binding are taken byte by byte', async (t) => {
  const { url, heard } = await said(t)
  const json = '{\n    "message": "Hello World!"\n}'
  const binaryLines = (type: string) =>
    `ce-specversion: 1.0\r\nce-type: said\r\nce-time: 2018-04-05T03:56:24Z\r\nce-id: ID\r\nce-source: /mycontext/subcontext\r\nContent-Type: ${type}`
  const whole = JSON.stringify({
    ...event,
    id: 'ID',
    source: '/mycontext/subcontext',
    time: '2018-04-05T03:56:24Z',
    datacontenttype: 'application/json',
    data: { message: 'Hello World!' },
  })
  for (const [at, [head, body, contenttype]] of (
    [
      [binaryLines('application/json'), json, undefined],
      [binaryLines('application/json; charset=utf-8'), json, 'application/json; charset=utf-8'],
      ['Content-Type: application/cloudevents+json', whole, undefined],
      ['Content-Type: application/cloudevents+json; charset=utf-8', whole, undefined],
    ] as const
  ).entries()) {
    const text = `${head}\r\n\r\n`.replace('ID', `r-${at}`)
    const sent = body.replace('ID', `r-${at}`)
    const answer = await raw(
      url,
      `POST /events/talk HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\nContent-Length: ${sent.length}\r\n${text}${sent}`,
    )
    assert.match(answer, /^HTTP\/1\.1 202 /)
    const attributes = {
      time: '2018-04-05T03:56:24Z',
      ...(contenttype === undefined ? {} : { datacontenttype: contenttype }),
    }
    assert.deepEqual(heard.at(-1), {
      id: `r-${at}`,
      source: '/mycontext/subcontext',
      type: 'said',
      data: { message: 'Hello World!' },
      attributes,
    })
  }
})

/** Sends bytes, and reads until the connection ends. */
function raw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    let heard = ''
    const socket = connect(Number(port), hostname, () => socket.write(text))
    socket.setEncoding('utf8').on('data', (data) => {
      heard += data
    })
    socket.on('error', reject).on('close', () => resolve(heard))
  })
}

test('the official SDK is a client: structured events, and batches made of them', async (t) => {
  const { ask, heard, url } = await said(t)
  const sent = new CloudEvent({
    id: 'sdk-1',
    source: '/sdk',
    type: 'said',
    subject: 'Grüße',
    data: { a: 'ü' },
    ext: 'x',
  })
  const message = HTTP.structured(sent)
  const answer = await fetch(`${url}/events/talk`, {
    method: 'POST',
    headers: message.headers as Record<string, string>,
    body: message.body as string,
  })
  assert.deepEqual([answer.status, await answer.json()], [202, { accepted: [{ id: 'sdk-1' }] }])
  const { time, ...attributes } = heard[0]!['attributes'] as Record<string, unknown>
  assert.equal(new Date(time as string).toISOString(), sent.time)
  assert.deepEqual([heard[0]!['data'], attributes['subject'], attributes['ext']], [{ a: 'ü' }, 'Grüße', 'x'])
  const many = [sent, sent.cloneWith({ id: 'sdk-2' })]
  const { body } = await ask(route, { params: talk, headers: batch, body: JSON.stringify(many) })
  assert.deepEqual(body, { accepted: [{ id: 'sdk-1', duplicate: true }, { id: 'sdk-2' }] })
})

test('a batch is accepted whole or not at all; a pointer names the fault and its event', async (t) => {
  const { ask, file } = await served(t)
  const orders = { topic: 'orders' }
  const placed = (id: string, data: unknown) => ({ ...event, id, type: 'order.placed', data })
  const good = placed('b-1', { orderId: 'o-1', quantity: 1 })
  const sends = (events: unknown, headers: Record<string, string> = batch) =>
    ask(route, { params: orders, headers, body: JSON.stringify(events) })
  const bad = await sends([good, placed('b-2', { orderId: 2, quantity: 1 }), good, placed('b-4', { quantity: 0.5 })])
  assert.deepEqual([bad.status, bad.body.code], [422, 'millrace/bad-data'])
  const pointers = bad.body.errors.map(({ pointer }: { pointer: string }) => pointer)
  assert.deepEqual(pointers, ['/1/data/orderId', '/3/data/orderId', '/3/data/quantity'])
  const strange = await sends([good, { ...event, type: 'order.placd' }])
  assert.deepEqual([strange.status, strange.body.code], [422, 'millrace/type-without-topic'])
  assert.deepEqual(strange.body.errors[0].pointer, '/1/type')
  assert.match(strange.body.detail, /did you mean "order\.placed"/)
  assert.deepEqual(kept(file, 'orders'), [])
  const twice = await sends([good, good])
  assert.deepEqual(twice.body, { accepted: [{ id: 'b-1' }, { id: 'b-1', duplicate: true }] })
  const conflict = await sends([
    placed('b-3', { orderId: 'o-3', quantity: 1 }),
    placed('b-1', { orderId: 'x', quantity: 1 }),
  ])
  assert.deepEqual([conflict.status, conflict.body.code], [409, 'millrace/id-conflict'])
  assert.deepEqual(conflict.body.errors[0].pointer, '/1')
  assert.deepEqual(
    kept(file, 'orders').map(({ id }) => id),
    ['b-1'],
  )
  assert.deepEqual((await sends([])).body, { accepted: [] })
  assert.equal((await sends({})).status, 400)
})

test('a lenient batch gives the outcome of each event, and never 202 over a failure', async (t) => {
  const { ask, file } = await served(t)
  const placed = (id: string, quantity: unknown) => ({
    ...event,
    id,
    type: 'order.placed',
    data: { orderId: 'o', quantity },
  })
  const lenient = { ...batch, prefer: 'respond-async, handling=lenient' }
  const sends = (events: unknown) =>
    ask(route, { params: { topic: 'orders' }, headers: lenient, body: JSON.stringify(events) })
  const { status, body, headers } = await sends([placed('l-1', 1), placed('l-2', '2'), { id: 'l-3' }, placed('l-1', 1)])
  assert.equal(status, 207)
  assert.equal(headers.get('preference-applied'), 'handling=lenient')
  const short = body.results.map(
    ({
      detail: _,
      retryable: __,
      errors,
      ...one
    }: {
      detail: string
      retryable: boolean
      errors?: { pointer: string }[]
    }) => [one, errors?.map(({ pointer }) => pointer)],
  )
  assert.deepEqual(short, [
    [{ pointer: '/0', status: 202, onDisk: true, id: 'l-1' }, undefined],
    [{ pointer: '/1', status: 422, onDisk: false, code: 'millrace/bad-data' }, ['/1/data/quantity']],
    [{ pointer: '/2', status: 400, onDisk: false, code: 'millrace/bad-event' }, ['/2/specversion']],
    [{ pointer: '/3', status: 202, onDisk: true, id: 'l-1', duplicate: true }, undefined],
  ])
  assert.deepEqual(
    kept(file, 'orders').map(({ id }) => id),
    ['l-1'],
  )
  assert.deepEqual((await sends([placed('l-4', 1)])).body, { accepted: [{ id: 'l-4' }] })
})

test('an event of a lenient batch that fails unexpectedly is told by itself: whether it is on disk is unknown', async (t) => {
  const later: Schema<number> = {
    '~standard': { version: 1, vendor: 'test', validate: async (value) => ({ value: value as number }) },
  }
  const Odd = eventType('odd', { schema: later })
  const logged: string[] = []
  const { ask, file } = await served(t, {
    parts: [topic('mixed', [eventType('even', { schema: z.number() }), Odd])],
    log: (_level, _text, fields) => void logged.push(String(fields?.['id'])),
  })
  const of = (id: string, type: string) => ({ specversion: '1.0', id, source: '/one', type, data: 1 })
  const { status, body } = await ask(route, {
    params: { topic: 'mixed' },
    headers: { ...batch, prefer: 'handling=lenient' },
    body: JSON.stringify([of('m-1', 'even'), of('m-2', 'odd'), of('m-3', 'even')]),
  })
  assert.equal(status, 207)
  const [first, second, third] = body.results
  assert.deepEqual(
    [first, third],
    [
      { pointer: '/0', status: 202, onDisk: true, id: 'm-1' },
      { pointer: '/2', status: 202, onDisk: true, id: 'm-3' },
    ],
  )
  const { detail, ...rest } = second
  assert.deepEqual(rest, { pointer: '/1', status: 500, onDisk: null, code: 'millrace/unexpected', retryable: false })
  assert.equal(logged.length, 1)
  assert.ok(detail.includes(logged[0]), 'the answer has the id of its line in the log')
  assert.deepEqual(
    kept(file, 'mixed').map(({ id }) => id),
    ['m-1', 'm-3'],
  )
})

test('one id of two sources is two events; of one source with other data it is a conflict', async (t) => {
  const { ask } = await served(t)
  const sends = (given: object) =>
    ask(route, { params: talk, headers: structured, body: JSON.stringify({ ...event, ...given }) })
  assert.equal((await sends({ data: 1 })).status, 202)
  assert.deepEqual((await sends({ data: 1 })).body, { accepted: [{ id: 'e-1', duplicate: true }] })
  assert.deepEqual((await sends({ data: 2, source: '/two' })).body, { accepted: [{ id: 'e-1' }] })
  const { status, body } = await sends({ data: 2 })
  assert.deepEqual([status, body.code, body.errors[0].pointer], [409, 'millrace/id-conflict', ''])
})

test('bodies may be gzip; the limit is on their inflated size, despite any header', async (t) => {
  const { shop, url: _ } = await served(t)
  const { url } = await shop.serve({ port: 0, access: { open: true }, bodyBytesMax: 100_000 })
  const post = (body: string | Uint8Array | ReadableStream, headers: Record<string, string> = {}) =>
    fetch(`${url}/events/talk?type=said`, {
      method: 'POST',
      body: body as never,
      duplex: 'half',
      headers: { 'content-type': 'application/json', ...headers },
    } as RequestInit)
  const code = async (answer: Response) => [answer.status, ((await answer.json()) as { code?: string }).code]
  const gzip = { 'content-encoding': 'gzip' }
  assert.equal((await post(gzipSync('"Grüße"'), gzip)).status, 202)
  assert.deepEqual(await code(await post(gzipSync(JSON.stringify('x'.repeat(200_000))), gzip)), [
    413,
    'millrace/too-large',
  ])
  assert.deepEqual(await code(await post('"no gzip"', gzip)), [400, 'millrace/bad-request'])
  assert.deepEqual(await code(await post(gzipSync('"cut off"').subarray(0, 15), gzip)), [400, 'millrace/bad-request'])
  assert.deepEqual(await code(await post('1', { 'content-encoding': 'br' })), [415, 'millrace/wrong-media-type'])
  assert.deepEqual(await code(await post(JSON.stringify('x'.repeat(200_000)))), [413, 'millrace/too-large'])
  const chunks = ['"', ...Array.from({ length: 20 }, () => 'y'.repeat(10_000)), '"'].map((text) => Buffer.from(text))
  assert.deepEqual(await code(await post(ReadableStream.from(chunks))), [413, 'millrace/too-large'])
  assert.equal((await post(ReadableStream.from(chunks.slice(0, 5).concat(Buffer.from('"'))))).status, 202)
  assert.deepEqual(await code(await post(new Uint8Array([0x22, 0xff, 0x22]))), [400, 'millrace/bad-request'])
})

test('an invalid event is told with an example of a valid one', async (t) => {
  const { ask } = await served(t)
  const orders = { topic: 'orders' }
  for (const [asks, status, code, says] of [
    [
      { params: { topic: 'ordrs' }, query: { type: 'x' }, json: 1 },
      404,
      'millrace/unknown-name',
      /did you mean "orders"/,
    ],
    [
      { params: { topic: 'stock' }, query: { type: 'x' }, json: 1 },
      404,
      'millrace/unknown-name',
      /"stock" is a channel/,
    ],
    [
      { params: orders, query: { type: 'order.placd' }, json: 1 },
      422,
      'millrace/type-without-topic',
      /did you mean "order\.placed"/,
    ],
    [{ params: orders, json: 1 }, 400, 'millrace/bad-event', /neither ce- headers nor \?type=/],
    [
      { params: orders, body: 'x', headers: { 'content-type': 'text/plain' } },
      415,
      'millrace/wrong-media-type',
      /send application\/json/,
    ],
    [
      { params: orders, body: '<x/>', headers: { 'content-type': 'application/cloudevents+xml' } },
      415,
      'millrace/wrong-media-type',
      /send application\/cloudevents\+json/,
    ],
    [
      { params: orders, body: '1', headers: { 'content-type': 'application/json; charset=latin1' } },
      415,
      'millrace/wrong-media-type',
      /JSON is UTF-8/,
    ],
    [{ params: orders, query: { typ: 'x' }, json: 1 }, 400, 'millrace/unknown-option', /did you mean "type"/],
  ] as const) {
    const answer = await ask(route, asks)
    assert.deepEqual([answer.status, answer.body.code], [status, code], answer.body.detail)
    assert.match(answer.body.detail, says)
  }
})
