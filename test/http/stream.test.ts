// The stream of what happens, over a socket, on an app that works.
import assert from 'node:assert/strict'
import test from 'node:test'
import { EventSource } from 'eventsource'
import { until } from '../support.ts'
import { Note, served, Take } from './shop.ts'

const route = 'GET /api/stream'

test('a browser hears of a held message, of its end, and of the handled count; after a gap it reads all anew', async (t) => {
  const { shop, url } = await served(t)
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what it expects
  const heard: { name: string; id: string; data: any }[] = []
  const source = new EventSource(`${url}/api/stream`)
  t.after(() => source.close())
  for (const name of ['pulse', 'desk', 'question', 'operation', 'reset']) {
    source.addEventListener(name, ({ lastEventId: id, data }) => void heard.push({ name, id, data: JSON.parse(data) }))
  }
  await until('the first pulse has come', () => heard.length > 0)
  await shop.send(Note, { sku: 'a' })
  await shop.send(Take, { sku: 'broken', quantity: 1 })
  await shop.idle()
  await until('the held message is heard of', () => heard.some(({ name }) => name === 'desk'))
  const [{ id } = { id: 0 }] = await shop.desk.list()
  assert.deepEqual(heard.find(({ name }) => name === 'desk')?.data, { parts: ['stock'], groups: [], items: [id] })
  await until('a pulse counts it', () => heard.at(-1)?.name === 'pulse' && heard.at(-1)?.data.parts[0].held === 1)
  const [part] = heard.at(-1)!.data.parts
  assert.deepEqual([part.name, part.handled, part.failed, part.lag], ['stock', 1, 1, 0])
  const headers = { 'last-event-id': 'another-1' }
  const { body } = await fetch(`${url}/api/stream`, { headers })
  const reader = body!.pipeThrough(new TextDecoderStream() as never).getReader()
  let text = ''
  while (!text.includes('event: pulse')) text += (await reader.read()).value
  assert.match(text, /event: reset/)
  await reader.cancel()
})

test('the stream ends when the app stops', async (t) => {
  const { shop, open } = await served(t)
  const answer = await open(route)
  assert.equal(answer.headers.get('content-type'), 'text/event-stream')
  const ended = answer.text()
  await shop.stop()
  assert.match(await ended, /^:\n/)
})
