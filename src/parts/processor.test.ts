import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import { coded } from '../../test/support.ts'
import { channel, command, event, topic } from '../model/message.ts'
import { processor } from './processor.ts'

const schema = z.object({ id: z.string() })
const Placed = event('order.placed', { schema })
const Cancelled = event('order.cancelled', { schema })
const Orders = topic('orders', [Placed, Cancelled])
const Take = command('stock.take', { schema })
const Return = command('stock.return', { schema })
const Stock = channel('stock', [Take, Return])
const nothing = () => {}

/** Declares as plain JavaScript would, where the compiler says nothing. */
// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const declare = processor as any
const wrong = (options: object) => () => declare('ledger', { on: Orders, handle: {}, ...options })

test('a processor has what was declared, every default filled in, and cannot be changed', () => {
  const handle = { 'order.placed': nothing }
  const ledger = processor('ledger', { on: Orders, handle })
  assert.deepEqual(
    { ...ledger },
    {
      kind: 'processor',
      name: 'ledger',
      on: Orders,
      publishes: [],
      sends: [],
      concurrency: 16,
      timeoutMs: 30_000,
      trial: false,
      lingerMs: 30_000,
      retry: {
        attempts: 5,
        immediate: 0,
        firstDelayMs: 200,
        maxDelayMs: 30_000,
        factor: 2,
        jitter: 0.5,
        byError: undefined,
      },
      onHold: 'block',
      probeAfter: 20,
      probeFirstMs: 1_000,
      probeEveryMs: 30_000,
      probeMaxMs: 900_000,
      startAt: undefined,
      renamedFrom: [],
      owner: undefined,
      handle,
    },
  )
  assert.throws(() => Object.assign(ledger, { name: 'other' }), TypeError)
  const date = new Date(0)
  const byError = () => undefined
  const retry = { attempts: 1, immediate: 100, firstDelayMs: 0, maxDelayMs: 0, factor: 1.5, jitter: 0, byError }
  const probes = { probeAfter: 2, probeFirstMs: 1, probeEveryMs: 1, probeMaxMs: 0 }
  const times = {
    concurrency: 1,
    timeoutMs: 1,
    trial: true,
    lingerMs: 0,
    startAt: date,
    renamedFrom: ['part'],
    owner: 'us',
    ...probes,
  }
  const whole = { publishes: [Placed], sends: [Take], retry, onHold: 'pass' as const, ...times }
  const { kind, name, on, handle: handlers, ...rest } = processor('whole', { on: Orders, handle: {}, ...whole })
  assert.deepEqual(rest, whole)
})

test('topics and types of a processor have to be declared values', () => {
  for (const on of [undefined, null, 'orders', Placed, [Orders]]) {
    assert.throws(wrong({ on }), coded('millrace/bad-option', /^processor "ledger": on must be a topic or a channel/))
  }
  for (const publishes of [[Take], [Placed, undefined], ['order.placed'], [Orders]]) {
    assert.throws(wrong({ publishes }), coded('millrace/bad-option', /publishes: entry [01] is no event/))
  }
  for (const sends of [[Placed], [Take, {}]]) {
    assert.throws(wrong({ sends }), coded('millrace/bad-option', /sends: entry [01] is no command/))
  }
  assert.throws(wrong({ publishes: Placed }), coded('millrace/bad-option', /publishes must be a list/))
  assert.throws(wrong({ sends: null }), coded('millrace/bad-option', /sends must be a list/))
})

test('handlers have to be functions, named after types of the topic or channel', () => {
  assert.throws(
    wrong({ handle: { 'order.plcaed': nothing } }),
    coded(
      'millrace/unknown-handler',
      /^processor "ledger": "order\.plcaed" is not on topic "orders"; did you mean "order\.placed"\?$/,
    ),
  )
  assert.throws(wrong({ handle: { 'stock.take': nothing } }), coded('millrace/unknown-handler', /on topic "orders"$/))
  for (const handle of [undefined, null, nothing, 'order.placed']) {
    assert.throws(wrong({ handle }), coded('millrace/bad-option', /handle must be an object with a function per type/))
  }
  for (const handler of [null, 7, 'x', {}, []]) {
    assert.throws(
      wrong({ handle: { 'order.placed': handler } }),
      coded('millrace/bad-option', /the handler of "order\.placed" is no function/),
    )
  }
  wrong({ handle: { 'order.placed': undefined } })()
})

test('on a channel every command has its handler', () => {
  for (const handle of [{}, { 'stock.take': nothing }, { 'stock.take': nothing, 'stock.return': undefined }]) {
    assert.throws(
      wrong({ on: Stock, handle }),
      coded('millrace/missing-handler', /no handler for command "stock\.(take|return)" of channel "stock"/),
    )
  }
  wrong({ on: Stock, handle: { 'stock.take': nothing, 'stock.return': nothing } })()
})

test('names, options and bounds are checked', () => {
  assert.throws(() => declare('led ger', { on: Orders, handle: {} }), coded('millrace/bad-name', /^processor name/))
  assert.throws(() => declare('ledger'), coded('millrace/bad-option', /options must be an object/))
  assert.throws(
    wrong({ concurency: 1 }),
    coded('millrace/unknown-option', /^processor "ledger": unknown option "concurency"; did you mean "concurrency"\?$/),
  )
  assert.throws(
    wrong({ retry: { atempts: 1 } }),
    coded(
      'millrace/unknown-option',
      /^processor "ledger": retry: unknown option "atempts"; did you mean "attempts"\?$/,
    ),
  )
  assert.throws(wrong({ retry: null }), coded('millrace/bad-option', /retry: options must be an object/))
  assert.throws(wrong({ concurrency: 0 }), coded('millrace/bad-option', /^processor "ledger": concurrency is 0, but/))
  assert.throws(wrong({ retry: { attempts: 0 } }), coded('millrace/bad-option', /retry: attempts is 0, but/))
  for (const startAt of ['end', null, 0, new Date(Number.NaN), '2026-01-01']) {
    assert.throws(
      wrong({ startAt }),
      coded('millrace/bad-option', /startAt must be 'beginning', 'now' or a valid Date/),
    )
  }
})
