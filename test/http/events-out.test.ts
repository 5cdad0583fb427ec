import assert from 'node:assert/strict'
import { request } from 'node:http'
import test from 'node:test'
import { EventSource } from 'eventsource'
import { event, topic } from 'millrace'
import { gateway } from 'millrace/http'
import { z } from 'zod'
import { client } from '../support/http-client.ts'
import { until } from '../support.ts'
import { Placed, Said, served } from './shop.ts'

const route = 'GET /events/{topic}'
const pages = { accept: 'application/cloudevents-batch+json' }
const orders = { topic: 'orders' }
const placed = (n: number) => ({ orderId: `o-${n % 3}`, quantity: n })

/** The events of a stream, as they come: reads until there are so many, and gives the stream up. */
async function heard(answer: Response, count: number) {
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('content-type'), 'text/event-stream')
  const reader = answer.body!.pipeThrough(new TextDecoderStream() as never).getReader()
  let text = ''
  const found: { id: number; data: Record<string, unknown> }[] = []
  while (found.length < count) {
    const { done, value } = await reader.read()
    assert(!done, `the stream ended after ${found.length} events`)
    text += value
    const blocks = text.split('\n\n')
    text = blocks.pop()!
    for (const block of blocks) {
      const [, id] = /^id: (\d+)$/m.exec(block)!
      const [, data] = /^data: (.*)$/m.exec(block) ?? []
      if (data !== undefined) found.push({ id: Number(id), data: JSON.parse(data) })
    }
  }
  await reader.cancel()
  return found
}

test('a listener hears what comes from now on, as CloudEvents with the cursor as id', async (t) => {
  const { open, shop } = await served(t)
  await shop.publish(Placed, placed(1), { id: 'before' })
  const answer = await open(route, { params: orders })
  await shop.publish(Placed, placed(2), { id: 'a' })
  await shop.publish(Placed, placed(3), { id: 'b' })
  const [first, second] = await heard(answer, 2)
  const { time, ...rest } = first!.data
  assert(Date.parse(time as string) > 0)
  assert.deepEqual(rest, {
    specversion: '1.0',
    id: 'a',
    source: '/shop',
    type: 'order.placed',
    datacontenttype: 'application/json',
    dataschema: 'urn:millrace:order.placed:1',
    partitionkey: 'o-2',
    data: placed(2),
  })
  assert.deepEqual([first!.id, second!.id, second!.data['id']], [2, 3, 'b'])
})

test('an event of another system goes out as it came in', async (t) => {
  const { ask, open } = await served(t)
  const answer = await open(route, { params: { topic: 'talk' } })
  const from = {
    specversion: '1.0',
    source: '/one',
    type: 'said',
    subject: 'Grüße',
    time: '2026-12-01T08:00:00.123456789+01:00',
  }
  const more = {
    ext: 'x',
    n: 5,
    flag: false,
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tracestate: 'a=1',
  }
  const sent = [
    { ...from, ...more, id: 'json', datacontenttype: 'application/json', data: { a: [1, 'ü'] } },
    { ...from, id: 'xml', datacontenttype: 'text/xml', data: '<a/>' },
    { ...from, id: 'bytes', datacontenttype: 'image/png', data_base64: '/wA=' },
    { ...from, id: 'none' },
  ]
  const headers = { 'content-type': 'application/cloudevents-batch+json' }
  await ask('POST /events/{topic}', { params: { topic: 'talk' }, headers, body: JSON.stringify(sent) })
  const got = (await heard(answer, 4)).map(({ data }) => data)
  assert.deepEqual(got, sent)
})

test('a listener that comes back with its cursor misses nothing and hears nothing twice', async (t) => {
  const { open, shop } = await served(t)
  const numbers: number[] = []
  let cursor = '0'
  const publishing = (async () => {
    for (let n = 0; n < 400; n += 20) {
      await shop.publishMany(
        Placed,
        Array.from({ length: 20 }, (_, at) => ({ data: placed(n + at) })),
      )
    }
  })()
  for (const count of [7, 150, 1, 242]) {
    const headers: Record<string, string> = cursor === '0' ? {} : { 'last-event-id': cursor }
    const answer = await open(route, { params: orders, headers, query: cursor === '0' ? { after: 'beginning' } : {} })
    const got = (await heard(answer, count)).slice(0, count)
    numbers.push(...got.map(({ data }) => (data['data'] as { quantity: number }).quantity))
    cursor = String(got.at(-1)!.id)
  }
  await publishing
  assert.deepEqual(
    numbers,
    Array.from({ length: 400 }, (_, n) => n),
  )
})

test('the EventSource of browsers listens, and comes back by itself', async (t) => {
  const { shop, url } = await served(t)
  const source = new EventSource(`${url}/events/orders?after=beginning`)
  t.after(() => source.close())
  const ids: string[] = []
  source.onmessage = ({ data }) => void ids.push(JSON.parse(data).id)
  for (const id of ['a', 'b', 'c']) await shop.publish(Placed, placed(1), { id })
  await until('all have come', () => ids.length === 3)
  assert.deepEqual(ids, ['a', 'b', 'c'])
})

test('types and contexts are filtered, in a stream and in pages', async (t) => {
  const { ask, open, shop } = await served(t)
  for (let n = 0; n < 9; n++) await shop.publish(Placed, placed(n))
  const query = { context: ['o-0', 'o-2'], type: 'order.placed' }
  const all = await heard(await open(route, { params: orders, query: { ...query, after: 'beginning' } }), 6)
  assert.deepEqual(
    all.map(({ data }) => (data['data'] as { quantity: number }).quantity),
    [0, 2, 3, 5, 6, 8],
  )
  const { body } = await ask(route, { params: orders, query: { context: 'o-1' }, headers: pages })
  assert.deepEqual(
    body.map(({ data }: { data: { quantity: number } }) => data.quantity),
    [1, 4, 7],
  )
  const strange = await ask(route, { params: orders, query: { type: 'order.placd' } })
  assert.deepEqual([strange.status, strange.body.code], [404, 'millrace/unknown-name'])
})

test('pages give all events once, each with the link to the next, and move nothing', async (t) => {
  const { url, ask, shop } = await served(t)
  await shop.publishMany(
    Placed,
    Array.from({ length: 25 }, (_, n) => ({ data: placed(n) })),
  )
  const first = await ask(route, { params: orders, query: { limit: 10 }, headers: pages })
  const numbers: number[] = []
  let link: string | null = '/events/orders?limit=10'
  for (let page = 0; page < 4; page++) {
    const answer: Response = await fetch(`${url}${link}`, { headers: pages })
    const events = (await answer.json()) as { data: { quantity: number } }[]
    if (page === 0) assert.deepEqual(events, first.body)
    assert.equal(events.length, [10, 10, 5, 0][page])
    numbers.push(...events.map(({ data }) => data.quantity))
    link = /^<(.*)>; rel="next"$/.exec(answer.headers.get('link')!)![1]!
  }
  assert.deepEqual(
    numbers,
    Array.from({ length: 25 }, (_, n) => n),
  )
})

test('a cursor that the topic never gave, and more listeners than may be, are refused', async (t) => {
  const { ask, shop } = await served(t)
  for (const after of ['-1', '7', 'yesterday', '1e3']) {
    const { status, body } = await ask(route, { params: orders, query: { after } })
    assert.deepEqual([status, body.code], [400, 'millrace/bad-position'], after)
  }
  const { url } = await shop.serve({ port: 0, listenersMax: 1, access: { open: true } })
  const small = client(url)
  const answer = await small.open(route, { params: orders })
  const { status, body } = await small.ask(route, { params: orders })
  assert.deepEqual([status, body.code], [503, 'millrace/too-many-listeners'])
  await answer.body!.cancel()
  await until('its place is free', async () => {
    const next = await small.open(route, { params: orders })
    await next.body!.cancel()
    return next.status === 200
  })
})

test('streams end when the app stops, and a HEAD opens none', async (t) => {
  const { open, shop, url } = await served(t)
  const head = await fetch(`${url}/events/orders`, { method: 'HEAD' })
  assert.deepEqual([head.status, head.headers.get('content-type')], [200, 'text/event-stream'])
  const answer = await open(route, { params: orders })
  await shop.stop()
  assert.match(await answer.text(), /^: from here on\nid: 0\n\n$/)
})

test('events are not read for a reader that stands still, and it holds up no other', async (t) => {
  const { shop, url } = await served(t)
  const large = 'x'.repeat(100_000)
  for (let n = 0; n < 100; n++) await shop.publish(Said, large)
  const reads: number[] = []
  const { fetch: answer } = gateway(shop, { access: () => ({ name: 'slow', grants: [{ role: 'admin' }] }) })
  const stream = (await answer(new Request('http://x.example/events/talk?after=beginning'))).body!
  const reader = stream.getReader()
  reads.push((await reader.read()).value!.length)
  // Another hears all of it while this one has read one chunk.
  const other = await heard(await fetch(`${url}/events/talk?after=beginning`), 100)
  assert.equal(other.length, 100)
  await reader.cancel()
  await new Promise<void>((resolve, reject) => {
    const gone = request(`${url}/events/talk?after=beginning`, (response) => {
      response.once('data', () => {
        gone.destroy()
        resolve()
      })
    })
    gone.on('error', reject).end()
  })
})

test('a reader without the right to secrets gets events without them', async (t) => {
  const Paid = event('paid', { schema: z.object({ card: z.string(), pence: z.number() }), secret: ['/card'] })
  const Money = topic('money', [Paid])
  const { shop } = await served(t, { parts: [Money] })
  await shop.publish(Paid, { card: '4111', pence: 5 })
  for (const [role, card] of [
    ['reader', '***'],
    ['admin', '4111'],
  ] as const) {
    const { fetch: answer } = gateway(shop, { access: () => ({ name: role, grants: [{ role }] }) })
    const { ask } = client('http://x.example', answer)
    const { body } = await ask(route, { params: { topic: 'money' }, headers: pages })
    assert.deepEqual(body[0].data, { card, pence: 5 })
  }
  const { fetch: answer } = gateway(shop, { access: () => ({ name: 's', grants: [{ role: 'sender' }] }) })
  const { status, body } = await client('http://x.example', answer).ask(route, {
    params: { topic: 'money' },
    headers: pages,
  })
  assert.deepEqual([status, body.code], [403, 'millrace/not-allowed'])
})
