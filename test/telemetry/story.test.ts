// One trace through an app: in by HTTP, handled, through a flow, and out by HTTP.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type TestContext } from 'node:test'
import { type Attributes, trace } from '@opentelemetry/api'
import { app, channel, command, event, mediator, type Part, processor, Refused, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { deliver } from '../../src/http/deliver.ts'
import { place, started, until } from '../support.ts'
import { sdk } from './sdk.ts'

const schema = z.object({ order: z.string(), sku: z.string().optional() })
const context = ({ order }: { readonly order: string }) => order
const Placed = event('placed', { schema, context })
const Accepted = event('accepted', { schema, context })
const Shipped = event('shipped', { schema, context })
const Orders = topic('orders', [Placed, Accepted, Shipped])
const Ship = command('ship', { schema, reply: z.object({ parcel: z.number() }) })
const Shipping = channel('shipping', [Ship])

const given = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', tracestate: 'vendor=1' }

interface Got {
  readonly headers: Readonly<Record<string, unknown>>
  readonly event: Readonly<Record<string, unknown>>
}

/** An endpoint that takes what is delivered to it. */
async function endpoint(t: TestContext) {
  const got: Got[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      got.push({ headers: request.headers, event: JSON.parse(body) })
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return { got, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

const accepts = processor('accepts', {
  on: Orders,
  publishes: [Accepted],
  retry: { attempts: 1 },
  handle: {
    placed: async ({ data }, { publish }) => {
      // Code of the user's that OpenTelemetry follows, such as a client of HTTP.
      trace.getTracer('user').startSpan('looks').end()
      if (data.sku === 'wrong') throw new TypeError('the order is wrong')
      publish(Accepted, data)
    },
  },
})
const sells = mediator('sells', {
  on: Orders,
  startedBy: Accepted,
  sends: [Ship],
  publishes: [Shipped],
  run: async ({ data }, flow) => {
    await flow.call('ship', Ship, data)
    flow.publish(Shipped, data)
  },
})
const ships = processor('ships', {
  on: Shipping,
  handle: {
    ship: ({ data }) => {
      if (data.order === 'refused') throw new Refused('no such street')
      return { parcel: 1 }
    },
  },
})

function shopOn(file: string, parts: readonly Part[] = []) {
  return app({
    name: 'shop',
    broker: sqlite({ file }),
    log: () => {},
    parts: [Orders, accepts, sells, ships, ...parts],
  })
}

const typed = (type: string, processor?: string) => ({
  'messaging.millrace.message.type': type,
  ...(processor === undefined ? {} : { 'messaging.consumer.group.name': processor }),
})

test('a story in by HTTP, through handlers and a flow, and out by HTTP, is one trace', async (t) => {
  const seen = sdk(t)
  const { got, url } = await endpoint(t)
  const out = deliver('out', { on: Orders, types: ['shipped'], url, allow: ['127.0.0.1'] })
  const shop = await started(t, shopOn(place(t), [out]))
  const served = await shop.serve({ port: 0, access: { open: true } })
  const answer = await fetch(`${served.url}/events/orders?type=placed`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...given },
    body: JSON.stringify({ order: 'o-1' }),
  })
  assert.equal(answer.status, 202)
  await until('it is delivered', () => got.length === 1)
  await shop.idle()
  const [, traceId, caller] = given.traceparent.split('-')
  assert.deepEqual([...new Set(seen.spans().map((span) => span.trace))], [traceId])

  const chain: [name: string, attributes: Attributes, kind: string][] = [
    ['publish orders', typed('placed'), 'PRODUCER'],
    ['process orders', typed('placed', 'accepts'), 'CONSUMER'],
    ['publish orders', typed('accepted'), 'PRODUCER'],
    ['process orders', typed('accepted', 'sells'), 'CONSUMER'],
    ['send shipping', typed('ship'), 'PRODUCER'],
    ['process shipping', typed('ship', 'ships'), 'CONSUMER'],
  ]
  let parent = caller
  for (const [name, attributes, kind] of chain) {
    const span = seen.only(name, attributes)
    assert.deepEqual([span.kind, span.status, span.parent], [kind, 'UNSET', parent], name)
    assert.deepEqual(span.links, kind === 'CONSUMER' ? [parent] : [], name)
    parent = span.id
  }
  // The flow sends on behalf of the attempt that began it, after a reply on behalf of the attempt that replied; code of the
  // user's is within the attempt that runs it.
  const shipped = seen.only('publish orders', typed('shipped'))
  assert.equal(shipped.parent, parent)
  assert.equal(seen.only('looks').parent, seen.only('process orders', typed('placed', 'accepts')).id)
  // Each attempt is acknowledged within it.
  const acknowledged = seen.spans().filter(({ name }) => name.startsWith('acknowledge '))
  const attempts = seen.spans().filter(({ kind }) => kind === 'CONSUMER')
  assert.deepEqual(acknowledged.map((span) => span.parent).sort(), attempts.map(({ id }) => id).sort())
  // The event has the context of its publisher, and the request that of the attempt.
  const [{ headers, event: left }] = got as [Got]
  const state = { tracestate: given.tracestate }
  const at = (id: string) => ({ traceparent: `00-${traceId}-${id}-01`, ...state })
  assert.deepEqual({ traceparent: left['traceparent'], tracestate: left['tracestate'] }, at(shipped.id))
  const sent = { traceparent: headers['traceparent'], tracestate: headers['tracestate'] }
  assert.deepEqual(sent, at(seen.only('process orders', typed('shipped', 'out')).id))
})

test('the attributes of spans are those of the conventions for messaging', async (t) => {
  const seen = sdk(t)
  const shop = await started(t, shopOn(place(t)))
  const { id } = await shop.publish(Placed, { order: 'o-1' })
  await shop.idle()
  const common = { 'messaging.system': 'millrace', 'messaging.destination.name': 'orders' }
  const message = {
    'messaging.message.id': id,
    'messaging.message.conversation_id': id,
    'messaging.millrace.message.type': 'placed',
  }
  const operation = (type: string, name: string) => ({
    'messaging.operation.type': type,
    'messaging.operation.name': name,
  })
  const group = { 'messaging.consumer.group.name': 'accepts' }
  assert.deepEqual(seen.only('publish orders', typed('placed')).attributes, {
    ...common,
    ...operation('send', 'publish'),
    ...message,
  })
  assert.deepEqual(seen.only('process orders', typed('placed')).attributes, {
    ...common,
    ...operation('process', 'process'),
    ...group,
    ...message,
    'messaging.millrace.attempt': 1,
  })
  assert.deepEqual(seen.only('acknowledge orders', typed('placed')).attributes, {
    ...common,
    ...operation('settle', 'acknowledge'),
    ...group,
    ...message,
  })
})

test('a failed attempt has its error; a held and corrected message stays in its trace', async (t) => {
  const seen = sdk(t)
  const shop = await started(t, shopOn(place(t)))
  await shop.publish(Placed, { order: 'o-1', sku: 'wrong' })
  await until('it is held', () => seen.spans().some(({ name }) => name === 'hold orders'))
  const published = seen.only('publish orders')
  const failed = seen.only('process orders')
  assert.deepEqual([failed.status, failed.said], ['ERROR', 'the order is wrong'])
  assert.equal(failed.attributes['error.type'], 'TypeError')
  assert.equal(seen.only('hold orders').parent, failed.id)
  const [held] = await shop.desk.list()
  await shop.desk.resubmit(held!.id, { order: 'o-1' }, { by: 'ada', reason: 'a typing error' })
  await shop.idle()
  const resubmitted = seen.only('resubmit orders')
  assert.deepEqual([resubmitted.trace, resubmitted.links], [published.trace, [published.id]])
  const again = seen.spans().filter(({ name, id }) => name === 'process orders' && id !== failed.id)
  const [corrected] = again.filter(({ parent }) => parent === published.id)
  assert.equal(corrected?.status, 'UNSET')
  assert.deepEqual([...new Set(seen.spans().map((span) => span.trace))], [published.trace])
})

test('a refusal that its asker is told is no error', async (t) => {
  const seen = sdk(t)
  const shop = await started(t, shopOn(place(t)))
  await assert.rejects(shop.request(Ship, { order: 'refused' }), /no such street/)
  assert.equal(seen.only('process shipping').status, 'UNSET')
  assert.equal(seen.only('refuse shipping').parent, seen.only('process shipping').id)
})

test('a delayed message, and one that waits for the next start, stay in their trace', async (t) => {
  const seen = sdk(t)
  const file = place(t)
  const first = shopOn(file)
  await started(t, first)
  await first.processors.pause('accepts', { by: 'ada', reason: 'a test' })
  const { traceparent } = given
  await first.publish(Placed, { order: 'o-1' }, { delayMs: 1 })
  await first.publish(Placed, { order: 'o-2' })
  await first.stop()
  const published = seen.spans().filter(({ name }) => name === 'publish orders')
  assert.equal(published.length, 2)
  assert(published.every(({ parent, trace }) => parent === undefined && trace !== traceparent.split('-')[1]))
  const second = await started(t, shopOn(file))
  await second.processors.resume('accepts', { by: 'ada', reason: 'a test' })
  await until('both are handled', () => seen.spans().filter(({ name }) => name === 'acknowledge shipping').length === 2)
  const handled = seen.spans().filter((span) => span.attributes['messaging.consumer.group.name'] === 'accepts')
  const ofPlaced = handled.filter(({ name }) => name === 'process orders')
  assert.deepEqual(ofPlaced.map(({ parent }) => parent).sort(), published.map(({ id }) => id).sort())
  assert.deepEqual(new Set(seen.spans().map((span) => span.trace)), new Set(published.map((span) => span.trace)))
})

test('a flow that waits for a reply at the end of a run continues its trace in the next', async (t) => {
  const seen = sdk(t)
  const file = place(t)
  const first = shopOn(file)
  await started(t, first)
  await first.processors.pause('ships', { by: 'ada', reason: 'a test' })
  await first.publish(Placed, { order: 'o-1' })
  await until('the flow waits', () => seen.spans().some(({ name }) => name === 'send shipping'))
  await first.stop()
  const second = await started(t, shopOn(file))
  await second.processors.resume('ships', { by: 'ada', reason: 'a test' })
  await until('the flow has ended', () =>
    seen.spans().some((span) => span.attributes['messaging.millrace.message.type'] === 'shipped'),
  )
  const replied = seen.only('process shipping', typed('ship', 'ships'))
  const shipped = seen.only('publish orders', typed('shipped'))
  assert.deepEqual([shipped.parent, shipped.trace], [replied.id, seen.only('publish orders', typed('placed')).trace])
})

test('commands of a flow after an awaited event are in the trace of that event', async (t) => {
  const seen = sdk(t)
  const waits = mediator('waits', {
    on: Orders,
    startedBy: Placed,
    waits: [Accepted],
    sends: [Ship],
    run: async ({ data }, flow) => {
      await flow.wait('accepted', Accepted)
      await flow.call('ship', Ship, data)
    },
  })
  const parts = [Orders, ships, waits]
  const shop = await started(t, app({ name: 'shop', broker: sqlite({ file: place(t) }), log: () => {}, parts }))
  await shop.publish(Placed, { order: 'o-1' })
  await shop.idle()
  await shop.publish(Accepted, { order: 'o-1' })
  await until('it is shipped', () => seen.spans().some(({ name }) => name === 'acknowledge shipping'))
  const accepted = seen.only('publish orders', typed('accepted'))
  assert.notEqual(accepted.trace, seen.only('publish orders', typed('placed')).trace)
  assert.equal(seen.only('send shipping').parent, accepted.id)
})
