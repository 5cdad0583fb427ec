// Limits of what one sender may send, on a clock that the test sets.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { ServeOptions } from 'millrace'
import { gateway } from 'millrace/http'
import { Rates } from '../../src/http/access/rates.ts'
import { client } from '../support/http-client.ts'
import { coded, place, started } from '../support.ts'
import { shopOn } from './shop.ts'

function rated(limits: { readonly requestsPerMinute?: number; readonly bytesPerMinute?: number }) {
  const clock = { now: 0 }
  return { clock, rates: new Rates({ requestsPerMinute: 0, bytesPerMinute: 0, ...limits }, () => clock.now) }
}

const many = coded('millrace/too-many-requests')

test('a sender may send what a minute allows at once, and then at its rate; others are not held up', () => {
  const { clock, rates } = rated({ requestsPerMinute: 6 })
  for (let n = 0; n < 6; n++) rates.take('ada')
  assert.throws(() => rates.take('ada'), { ...many, message: /more than 6 requests a minute .*wait 10 s/ })
  rates.take('ben')
  clock.now = 10_000
  rates.take('ada')
  assert.throws(() => rates.take('ada'), many)
  assert.deepEqual(rates.headers('ada'), {
    ratelimit: '"requests";r=0;t=60',
    'ratelimit-policy': '"requests";q=6;w=60',
  })
})

test('a body larger than the rest of the minute is taken, and owed', () => {
  const { clock, rates } = rated({ bytesPerMinute: 600 })
  rates.take('ada')
  rates.read('ada', 1_200)
  assert.throws(() => rates.take('ada'), { ...many, message: /more than 600 bytes a minute .*wait 61 s/ })
  clock.now = 61_000
  rates.take('ada')
})

async function limited(t: TestContext, limits: Partial<Pick<ServeOptions, 'requestsPerMinute' | 'bytesPerMinute'>>) {
  const shop = await started(t, shopOn({ file: place(t) }))
  const access = (request: Request) => ({
    name: request.headers.get('x-me') ?? 'x',
    grants: [{ role: 'admin' as const }],
  })
  const edge = gateway(shop, { access, ...limits })
  return client('http://shop.example', edge)
}

const say = (name: string) => ({
  params: { topic: 'talk' },
  query: { type: 'said' },
  headers: { 'x-me': name },
  json: 'hello',
})

test('a sender over its rate gets 429 with the time to wait, by name, and each answer has the remaining number', async (t) => {
  const { ask } = await limited(t, { requestsPerMinute: 2 })
  const first = await ask('POST /events/{topic}', say('ada'))
  assert.deepEqual([first.status, first.headers.get('ratelimit')], [202, '"requests";r=1;t=30'])
  await ask('POST /events/{topic}', say('ada'))
  const { status, headers, body } = await ask('POST /events/{topic}', say('ada'))
  assert.deepEqual([status, body.code, body.retryable], [429, 'millrace/too-many-requests', true])
  assert.ok(Number(headers.get('retry-after')) >= 29)
  assert.equal(headers.get('ratelimit-policy'), '"requests";q=2;w=60')
  assert.equal((await ask('POST /events/{topic}', say('ben'))).status, 202)
})

test('nothing is limited, and no header says so, unless an option does', async (t) => {
  const { ask } = await limited(t, {})
  const { status, headers } = await ask('POST /events/{topic}', say('ada'))
  assert.deepEqual([status, headers.get('ratelimit')], [202, null])
})

test('the bytes of bodies are counted as they are read', async (t) => {
  const { ask } = await limited(t, { bytesPerMinute: 10 })
  assert.equal((await ask('POST /events/{topic}', say('ada'))).status, 202)
  assert.equal((await ask('POST /events/{topic}', { ...say('ada'), json: 'x'.repeat(50) })).status, 202)
  assert.equal((await ask('POST /events/{topic}', say('ada'))).status, 429)
})
