// A request that a client listens to, as server-sent events.
import assert from 'node:assert/strict'
import test from 'node:test'
import { EventSource } from 'eventsource'
import { channel, command, processor } from 'millrace'
import { z } from 'zod'
import { until } from '../support.ts'
import { served, Take } from './shop.ts'

const look = 'GET /requests/{id}'
const accept = { accept: 'text/event-stream' }

/** The events of a stream that ends: the id and the data of each. */
const eventsIn = (text: string) =>
  [...text.matchAll(/id: (\w+)\ndata: (.*)\n\n/g)].map(([, id, data]) => [id, JSON.parse(data!)] as const)

test('a client that listens hears the state at once, then each other state, and the stream ends with the end', async (t) => {
  const gate = Promise.withResolvers<void>()
  const { shop, open, ask } = await served(t, { gate: { open: gate.promise } })
  await ask('POST /commands/{channel}/{type}', {
    params: { channel: 'stock', type: 'stock.take' },
    json: { sku: 'broken', quantity: 1 },
    headers: { 'idempotency-key': 'r' },
  })
  const answer = await open(look, { params: { id: 'r' }, headers: accept })
  assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'text/event-stream'])
  const reader = answer.body!.pipeThrough(new TextDecoderStream() as never).getReader()
  let text = ''
  const heard = async (state: string) => {
    while (!text.includes(`id: ${state}\n`)) text += (await reader.read()).value
  }
  await heard('waiting')
  gate.resolve()
  await heard('held')
  await shop.desk.discard(1, { by: 'ada', reason: 'a test' })
  for (let one = await reader.read(); !one.done; one = await reader.read()) text += one.value
  const events = eventsIn(text)
  assert.deepEqual(
    events.map(([id, { state }]) => [id, state]),
    [
      ['waiting', 'waiting'],
      ['held', 'held'],
      ['discarded', 'discarded'],
    ],
  )
  const { body } = await ask(look, { params: { id: 'r' } })
  assert.deepEqual(events.at(-1)![1], body, 'the last event is what the route answers')
})

test('a request that has ended is told at once; a browser that has heard it comes no more', async (t) => {
  const { shop, url, ask, open } = await served(t)
  await shop.request(Take, { sku: 'a', quantity: 1 }, { id: 'done' })
  const heard: string[] = []
  const source = new EventSource(`${url}/requests/done`)
  t.after(() => source.close())
  source.onmessage = ({ data }) => void heard.push(JSON.parse(data).state)
  await until('the source is closed by the answer 204', () => source.readyState === source.CLOSED)
  assert.deepEqual(heard, ['replied'])
  const again = { params: { id: 'done' }, headers: { ...accept, 'last-event-id': 'replied' } }
  assert.equal((await ask(look, again)).status, 204)
  const earlier = await open(look, { ...again, headers: { ...accept, 'last-event-id': 'held' } })
  assert.deepEqual(
    eventsIn(await earlier.text()).map(([id]) => id),
    ['replied'],
  )
  assert.equal((await ask(look, { params: { id: 'none' }, headers: accept })).body.code, 'millrace/unknown-request')
})

test('the stream ends when the app stops, and when the client is gone another has its place', async (t) => {
  const gate = Promise.withResolvers<void>()
  t.after(() => gate.resolve())
  const { shop, open, ask, url } = await served(t, { gate: { open: gate.promise } })
  const { url: small } = await shop.serve({ port: 0, listenersMax: 1, access: { open: true } })
  await ask('POST /commands/{channel}/{type}', {
    params: { channel: 'stock', type: 'stock.take' },
    json: { sku: 'a', quantity: 1 },
    headers: { 'idempotency-key': 'r' },
  })
  const listen = () => fetch(`${small}/requests/r`, { headers: accept })
  const first = await listen()
  const second = await listen()
  assert.deepEqual(
    [second.status, ((await second.json()) as { code: string }).code],
    [503, 'millrace/too-many-listeners'],
  )
  await first.body!.cancel()
  let third = await listen()
  await until('the place is free', async () => {
    if (third.status === 200) return true
    await third.body?.cancel()
    third = await listen()
    return third.status === 200
  })
  const ended = third.text()
  const large = (await open(look, { params: { id: 'r' }, headers: accept })).text()
  await shop.stop({ graceMs: 0 })
  for (const text of await Promise.all([ended, large])) assert.equal(eventsIn(text)[0]![0], 'waiting', url)
})

test('secrets of a reply are hidden in events too', async (t) => {
  const Ask = command('ask', {
    schema: z.object({ iban: z.string() }),
    reply: z.object({ iban: z.string() }),
    secret: ['/iban'],
  })
  const asks = processor('asks', { on: channel('asks', [Ask]), handle: { ask: ({ data }) => data } })
  const { shop } = await served(t, { parts: [asks] })
  await shop.request(Ask, { iban: 'canary' }, { id: 's' })
  const grants = [{ role: 'sender' as const }]
  const { url } = await shop.serve({ port: 0, access: () => ({ name: 'till', grants }) })
  const text = await (await fetch(`${url}/requests/s`, { headers: accept })).text()
  assert.deepEqual(eventsIn(text)[0]![1].reply, { iban: '***' })
})
