// Apps whose SDK is absent, turned off, fails, or samples nothing; what batches and calls leave; and what is measured.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import test, { type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { trace } from '@opentelemetry/api'
import { AlwaysOffSampler, type Sampler, type SpanProcessor } from '@opentelemetry/sdk-trace'
import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { nodeWorld } from '../../src/adapters/node/world.ts'
import { place, started, until } from '../support.ts'
import { sdk } from './sdk.ts'

const Placed = event('placed', { schema: z.object({ n: z.number() }) })
const Echoed = event('echoed', { schema: z.object({ n: z.number() }) })
const Orders = topic('orders', [Placed, Echoed])

interface Wishes {
  readonly telemetry?: boolean
  readonly lines?: unknown[][]
  readonly fails?: boolean
  readonly inside?: () => void
}

function shopOn(t: TestContext, { lines = [], fails = false, inside = () => {}, ...options }: Wishes = {}) {
  const echoes = processor('echoes', {
    on: Orders,
    publishes: [Echoed],
    retry: { attempts: 2, firstDelayMs: 0 },
    handle: {
      placed: ({ data }, { publish, attempt }) => {
        inside()
        if (fails && attempt === 1) throw Object.assign(new Error('no luck'), { code: 'order 4711' })
        publish(Echoed, data)
      },
    },
  })
  const log = (...line: unknown[]) => void lines.push(line)
  return started(t, app({ name: 'shop', broker: sqlite({ file: place(t) }), log, parts: [Orders, echoes], ...options }))
}

test('without an SDK a run has no telemetry, and messages carry what they came with', async (t) => {
  assert.equal(await nodeWorld(() => {}).telemetry!(), undefined)
  const shop = await shopOn(t)
  const traces: (string | null)[] = []
  shop.tail((message) => traces.push(message.trace))
  await shop.publish(Placed, { n: 1 })
  await shop.idle()
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const { url } = await shop.serve({ port: 0, access: { open: true } })
  const headers = { 'content-type': 'application/json', traceparent, tracestate: 'vendor=1' }
  const body = JSON.stringify({ n: 2 })
  const answer = await fetch(`${url}/events/orders?type=placed`, { method: 'POST', headers, body })
  assert.equal(answer.status, 202)
  await shop.idle()
  const carried = `${traceparent} vendor=1`
  assert.deepEqual(traces, [null, null, carried, carried])
})

test('an app with telemetry: false gives no span, under any registered SDK', async (t) => {
  const seen = sdk(t)
  const shop = await shopOn(t, { telemetry: false })
  await shop.publish(Placed, { n: 1 })
  await shop.idle()
  assert.deepEqual(seen.spans(), [])
})

test('an SDK that throws changes nothing, and is told once', async (t) => {
  const wrong = () => {
    throw new Error('out of order')
  }
  const sampler: Sampler = { shouldSample: wrong, toString: () => 'wrong' }
  const processors: SpanProcessor = {
    onStart: wrong,
    onEnd: wrong,
    forceFlush: async () => {},
    shutdown: async () => {},
  }
  for (const options of [{ sampler }, { processor: processors }]) {
    await t.test(Object.keys(options)[0], async (one) => {
      sdk(one, options)
      const lines: unknown[][] = []
      const shop = await shopOn(one as TestContext, { lines, fails: true })
      const types: string[] = []
      shop.tail(({ type }) => types.push(type))
      await shop.publish(Placed, { n: 1 })
      await shop.publishMany(Placed, [{ data: { n: 2 } }, { data: { n: 3 } }])
      await shop.idle()
      assert.deepEqual(types.sort(), ['echoed', 'echoed', 'echoed', 'placed', 'placed', 'placed'])
      const told = lines.filter(([, text]) => String(text).startsWith('OpenTelemetry'))
      assert.deepEqual(told, [
        ['warn', 'OpenTelemetry failed, and the app continues without what it lost', { error: 'out of order' }],
      ])
    })
  }
})

test('a sampler that drops a trace is obeyed: its messages carry that they are not sampled', async (t) => {
  const seen = sdk(t, { sampler: new AlwaysOffSampler() })
  const shop = await shopOn(t)
  const traces: string[] = []
  shop.tail((message) => traces.push(message.trace!))
  await shop.publish(Placed, { n: 1 })
  await shop.idle()
  assert.equal(traces.length, 2)
  for (const text of traces) assert.match(text, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  assert.deepEqual(seen.spans(), [])
})

test('a batch is one span, linked to a creation of each of its messages', async (t) => {
  const seen = sdk(t)
  const shop = await shopOn(t)
  await shop.publishMany(Placed, [{ data: { n: 1 } }, { data: { n: 2 } }])
  await shop.idle()
  const created = seen.spans().filter(({ name }) => name === 'create orders')
  assert.deepEqual(
    created.map(({ kind }) => kind),
    ['PRODUCER', 'PRODUCER'],
  )
  const sent = seen.only('publish orders', { 'messaging.batch.message_count': 2 })
  assert.deepEqual([sent.kind, sent.links], ['CLIENT', created.map(({ id }) => id)])
  const handled = seen
    .spans()
    .filter(
      ({ name, attributes }) => name === 'process orders' && attributes['messaging.millrace.message.type'] === 'placed',
    )
  assert.deepEqual(handled.map(({ parent }) => parent).sort(), created.map(({ id }) => id).sort())
})

test('a message that a handler publishes and drops with its failure has no span', async (t) => {
  const seen = sdk(t)
  const shop = await shopOn(t, { fails: true })
  await shop.publish(Placed, { n: 1 })
  await shop.idle()
  const echoes = seen
    .spans()
    .filter(
      ({ name, attributes }) => name === 'publish orders' && attributes['messaging.millrace.message.type'] === 'echoed',
    )
  assert.equal(echoes.length, 1)
  const attempts = seen.spans().filter(({ name }) => name === 'process orders')
  assert.deepEqual(
    attempts.map(({ status, attributes }) => [
      status,
      attributes['error.type'],
      attributes['messaging.millrace.attempt'],
    ]),
    [
      ['ERROR', 'order 4711', 1],
      ['UNSET', undefined, 2],
    ],
  )
  assert.equal(echoes[0]!.parent, attempts[1]!.id)
})

test('a call that is refused leaves a span with its code; one that adds nothing is no error', async (t) => {
  const seen = sdk(t)
  const shop = await shopOn(t)
  await shop.publish(Placed, { n: 1 }, { id: 'p' })
  await shop.publish(Placed, { n: 1 }, { id: 'p' })
  await assert.rejects(shop.publish(Placed, { n: 2 }, { id: 'p' }))
  const placed = seen
    .spans()
    .filter(({ name, attributes }) => name === 'publish orders' && attributes['messaging.message.id'] === 'p')
  assert.deepEqual(
    placed.map(({ status, attributes }) => [status, attributes['error.type']]),
    [
      ['UNSET', undefined],
      ['UNSET', undefined],
      ['ERROR', 'millrace/id-conflict'],
    ],
  )
})

test('a call within a span of the user is its child', async (t) => {
  const seen = sdk(t)
  const shop = await shopOn(t)
  await trace.getTracer('user').startActiveSpan('checkout', async (span) => {
    await shop.publish(Placed, { n: 1 })
    await shop.transaction(({ publish }) => void publish(Placed, { n: 2 }))
    span.end()
  })
  const { id } = seen.only('checkout')
  const placed = seen.spans().filter(({ name, parent }) => name === 'publish orders' && parent === id)
  assert.equal(placed.length, 2)
})

test('durations and counts are measured, with labels of declared names alone', async (t) => {
  const seen = sdk(t)
  const shop = await shopOn(t, { fails: true })
  await shop.publish(Placed, { n: 1 })
  await shop.idle()
  await until('all is told', () => seen.spans().filter(({ name }) => name === 'acknowledge orders').length === 1)
  const common = { 'messaging.system': 'millrace', 'messaging.destination.name': 'orders' }
  const group = { ...common, 'messaging.consumer.group.name': 'echoes' }
  const processed = { ...group, 'messaging.operation.name': 'process', 'messaging.operation.type': 'process' }
  const published = { ...common, 'messaging.operation.name': 'publish', 'messaging.operation.type': 'send' }
  const settled = { ...group, 'messaging.operation.name': 'acknowledge', 'messaging.operation.type': 'settle' }
  const durations = async (name: string) => {
    const [metric] = await seen.points(name)
    assert.equal(metric!.descriptor.unit, 's')
    return metric!.dataPoints.map(({ attributes, value }) => {
      const { buckets, count } = value as { buckets: { boundaries: number[] }; count: number }
      assert.deepEqual(buckets.boundaries, [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10])
      return [count, attributes]
    })
  }
  assert.deepEqual(await durations('messaging.process.duration'), [
    [1, { ...processed, 'error.type': '_OTHER' }],
    [1, processed],
  ])
  assert.deepEqual(await durations('messaging.client.operation.duration'), [
    [2, published],
    [1, settled],
  ])
  const counts = async (name: string) =>
    (await seen.points(name))[0]!.dataPoints.map(({ attributes, value }) => [value, attributes])
  assert.deepEqual(await counts('messaging.client.sent.messages'), [[2, published]])
  assert.deepEqual(await counts('messaging.client.consumed.messages'), [[2, processed]])
})

test('an app whose package has no @opentelemetry/api starts and works, and says nothing of it', async (t) => {
  const hooks = `import { registerHooks } from 'node:module'
registerHooks({
  resolve: (name, context, next) => {
    if (name !== '@opentelemetry/api') return next(name, context)
    throw Object.assign(new Error("Cannot find package '@opentelemetry/api'"), { code: 'ERR_MODULE_NOT_FOUND' })
  },
})`
  const program = `import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
const Placed = event('placed', { schema: z.object({ n: z.number() }) })
const Orders = topic('orders', [Placed])
const parts = [Orders, processor('p', { on: Orders, handle: { placed: ({ data }) => console.log('handled', data.n) } })]
const shop = app({ name: 'shop', broker: sqlite({ file: process.argv[1] }), parts, log: (...line) => console.log(...line) })
await shop.start({ control: false })
await shop.publish(Placed, { n: 1 })
await shop.idle()
await shop.stop()`
  const imported = `data:text/javascript,${encodeURIComponent(hooks)}`
  const words = [
    '--conditions=millrace-source',
    '--import',
    imported,
    '--input-type=module',
    '--eval',
    program,
    place(t),
  ]
  const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: import.meta.dirname })
  const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('info'))
  assert.deepEqual(lines, ['handled 1'])
})
