import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import { coded } from '../../test/support.ts'
import { failures } from '../model/failures.ts'
import { channel, command, event, topic } from '../model/message.ts'
import type { Part } from './part.ts'
import { processor } from './processor.ts'
import { checkKnown, specOf, wire } from './wiring.ts'

const schema = z.object({ id: z.string() })
const Placed = event('order.placed', { schema })
const Moved = event('stock.moved', { schema })
const Take = command('stock.take', { schema })
const Orders = topic('orders', [Placed])
const Moves = topic('moves', [Moved])
const Stock = channel('stock', [Take])
const nothing = () => {}
const ledger = processor('ledger', { on: Orders, handle: { 'order.placed': nothing } })
const stock = processor('stock', { on: Stock, publishes: [Moved], handle: { 'stock.take': nothing } })
const orders = processor('orders', { on: Orders, sends: [Take], handle: {} })

test('topics and channels are known by their processors, or listed themselves, once', () => {
  const wiring = wire('shop', [Moves, Orders, stock, ledger, orders])
  assert.deepEqual(wiring.destinations, [Moves, Orders, Stock, failures])
  assert.deepEqual(wiring.processors, [stock, ledger, orders])
  assert.deepEqual(
    [...wiring.destinationOf],
    [[Moved, Moves], [Placed, Orders], [Take, Stock], ...failures.types.map((type) => [type, failures])],
  )
  assert.deepEqual(wire('shop', [Orders, Orders]).destinations, [Orders, failures])
  assert.deepEqual(wire('shop', []).destinations, [failures])
})

test('a value that is no part is refused, with advice when it is a type', () => {
  const wrong =
    (...parts: unknown[]) =>
    () =>
      wire('shop', parts as Part[])
  assert.throws(wrong(Orders, Placed), coded('millrace/bad-option', /part 1 is no part: an event; list it on a topic/))
  assert.throws(
    wrong(Take),
    coded('millrace/bad-option', /part 0 is no part: an? command; list it on a topic or channel/),
  )
  assert.throws(wrong(undefined), coded('millrace/bad-option', /part 0 is no part: undefined/))
  assert.throws(wrong('orders'), coded('millrace/bad-option', /part 0 is no part: string/))
  for (const parts of [undefined, null, ledger, { 0: ledger }]) {
    assert.throws(
      () => wire('shop', parts as unknown as Part[]),
      coded('millrace/bad-option', /app "shop": parts must be a list/),
    )
  }
})

test('two topics or channels of one name are refused, two processors too', () => {
  const says = /app "shop": two topics or channels are called "orders"/
  assert.throws(() => wire('shop', [Orders, topic('orders', [])]), coded('millrace/duplicate-name', says))
  assert.throws(() => wire('shop', [ledger, channel('orders', [])]), coded('millrace/duplicate-name', says))
  const twin = processor('ledger', { on: Orders, handle: {} })
  assert.throws(
    () => wire('shop', [ledger, twin]),
    coded('millrace/duplicate-name', /two processors are called "ledger"/),
  )
  assert.throws(() => wire('shop', [ledger, ledger]), coded('millrace/duplicate-name', /"ledger"/))
  wire('shop', [Orders, orders, Stock, stock, Moves])
})

test('a type on two topics is refused, and two types of one name', () => {
  assert.throws(
    () => wire('shop', [Orders, topic('others', [Placed])]),
    coded('millrace/type-on-two-topics', /"order\.placed" is on "orders" and on "others"/),
  )
  const twin = event('order.placed', { schema })
  assert.throws(
    () => wire('shop', [Orders, topic('others', [twin])]),
    coded('millrace/duplicate-name', /two types are called "order\.placed"/),
  )
})

test('a published or sent type has to be on a topic or channel of the app', () => {
  assert.throws(
    () => wire('shop', [stock]),
    coded('millrace/type-without-topic', /^processor "stock": "stock\.moved" is on no topic of the app/),
  )
  assert.throws(
    () => wire('shop', [orders]),
    coded('millrace/type-without-topic', /^processor "orders": "stock\.take" is on no channel of the app/),
  )
  const { destinationOf } = wire('shop', [Orders])
  assert.throws(
    () => checkKnown('app "shop"', event('order.placd', { schema }), destinationOf),
    coded('millrace/type-without-topic', /"order\.placd" is on no topic of the app; did you mean "order\.placed"\?/),
  )
  assert.throws(
    () => checkKnown('app "shop"', event('order.placed', { schema }), destinationOf),
    coded('millrace/type-without-topic', /the app has another type of that name: import the one that is listed/),
  )
  const noTypes: [unknown, RegExp][] = [
    ['order.placed', /^app "shop": the type has to be what event\(…\) or command\(…\) returned, not "order\.placed"$/],
    [topic('orders', []), /returned, not topic "orders"$/],
    [undefined, /returned, not undefined$/],
  ]
  for (const [given, says] of noTypes) {
    assert.throws(() => checkKnown('app "shop"', given as never, destinationOf), coded('millrace/bad-option', says))
  }
  checkKnown('app "shop"', Placed, destinationOf)
  // A command is not proposed where an event goes.
  assert.throws(
    () => checkKnown('app "shop"', command('order.placd', { schema }), destinationOf),
    coded('millrace/type-without-topic', /"order\.placd" is on no channel of the app$/),
  )
})

test('a channel is served by exactly one processor', () => {
  assert.throws(
    () => wire('shop', [Stock]),
    coded('millrace/channel-unserved', /channel "stock" has no processor: its commands would wait forever/),
  )
  const second = processor('second', { on: Stock, handle: { 'stock.take': nothing } })
  assert.throws(
    () => wire('shop', [Moves, stock, second]),
    coded('millrace/channel-served-twice', /channel "stock" is served by "stock" and "second"/),
  )
})

test('a processor passes over types without a handler, and retired ones', () => {
  const On = topic('on', [Placed, Moved], { retired: ['order.legacy'] })
  const spec = specOf(
    processor('some', { on: On, publishes: [Moved], sends: [Take], handle: { 'order.placed': nothing } }),
  )
  assert.deepEqual([...spec.handlers.keys()], ['order.placed'])
  assert.equal(spec.handlers.get('order.placed')!.type, Placed)
  assert.deepEqual([...spec.passedOver], ['order.legacy', 'stock.moved'])
  assert.deepEqual([...spec.declared], [Moved, Take])
  assert.equal(spec.destination, On)
})
