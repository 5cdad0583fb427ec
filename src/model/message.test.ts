import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import { coded } from '../../test/support.ts'
import { channel, command, event, topic } from './message.ts'

const schema = z.object({ id: z.string() })
const Placed = event('order.placed', { schema })
const Take = command('stock.take', { schema })

/** Declares as plain JavaScript would, where the compiler says nothing. */
// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const loose = { event, command, topic, channel } as Record<'event' | 'command' | 'topic' | 'channel', any>

test('an event and a command have what was declared, and cannot be changed', () => {
  const context = (data: { id: string }) => data.id
  const reply = z.object({ left: z.number() })
  const refusal = z.object({ short: z.number() })
  const upcast = { 1: (old: unknown) => old }
  const Whole = command('stock.take', { schema, context, reply, refusal, version: 2, upcast, deadlineMs: 60_000 })
  assert.deepEqual(
    { ...Whole },
    {
      ...{ kind: 'command', name: 'stock.take', version: 2, schema, contextOf: context, upcasts: upcast },
      ...{ reply, refusal, deadlineMs: 60_000, title: undefined, secret: [] },
    },
  )
  assert.deepEqual(
    { ...Placed },
    {
      ...{ kind: 'event', name: 'order.placed', version: 1, schema, contextOf: undefined, upcasts: {} },
      ...{ title: undefined, secret: [] },
    },
  )
  assert.throws(() => Object.assign(Placed, { name: 'other' }), TypeError)
})

for (const kind of ['event', 'command'] as const) {
  test(`each wrong ${kind} is refused with its code`, () => {
    const declare = loose[kind]
    for (const name of ['', 'order placed', '7', undefined, null, 7]) {
      assert.throws(() => declare(name, { schema }), coded('millrace/bad-name', new RegExp(`^${kind} name`)))
    }
    for (const options of [undefined, null, 7]) {
      assert.throws(() => declare('a', options), coded('millrace/bad-option', new RegExp(`^${kind} "a": options must`)))
    }
    for (const wrong of [{}, { schema: {} }, { schema: z.string }, { schema: null }, { schema: { id: 'string' } }]) {
      assert.throws(
        () => declare('a', wrong),
        coded('millrace/bad-option', /schema is .*, but must be a schema of a Standard Schema/),
      )
    }
    for (const version of [0, -1, 1.5, '2', null, 1_000_001, Number.NaN]) {
      assert.throws(
        () => declare('a', { schema, version }),
        coded('millrace/bad-option', /version is .*, but must be a whole number from 1 to 1,000,000/),
      )
    }
    assert.throws(
      () => declare('a', { schema, context: 'id' }),
      coded('millrace/bad-option', /context must be a function/),
    )
    const step = () => ({})
    for (const upcast of [
      { 0: step },
      { 2: step },
      { 3: step },
      { '1.0': step },
      { one: step },
      { '01': step },
      { 1: 'x' },
    ]) {
      assert.throws(() => declare('a', { schema, version: 2, upcast }), coded('millrace/bad-option', /upcast from "/))
    }
    assert.throws(() => declare('a', { schema, upcast: { 1: step } }), coded('millrace/bad-option', /below 1/))
    for (const upcast of [null, step, 7]) {
      assert.throws(() => declare('a', { schema, version: 2, upcast }), coded('millrace/bad-option', /upcast must be/))
    }
    assert.throws(
      () => declare('a', { schema, contxt: step }),
      coded('millrace/unknown-option', new RegExp(`^${kind} "a": unknown option "contxt"; did you mean "context"\\?`)),
    )
  })
}

test('reply and refusal have to be schemas, and events have none', () => {
  for (const part of ['reply', 'refusal']) {
    assert.throws(
      () => loose.command('a', { schema, [part]: {} }),
      coded('millrace/bad-option', new RegExp(`^command "a": ${part} is an object, but must be a schema`)),
    )
    assert.throws(() => loose.event('a', { schema, [part]: schema }), coded('millrace/unknown-option'))
  }
})

test('a topic and a channel have what was declared, and cannot be changed, not even through the list given', () => {
  const types = [Placed]
  const retired = ['order.legacy']
  const Orders = topic('orders', types, { retired, retain: { ageMs: 1, bytes: 2 } })
  types.pop()
  retired.pop()
  assert.deepEqual(
    { ...Orders },
    { kind: 'topic', name: 'orders', types: [Placed], retired: ['order.legacy'], retain: { ageMs: 1, bytes: 2 } },
  )
  assert.throws(() => Object.assign(Orders, { name: 'other' }), TypeError)
  assert.deepEqual(
    { ...channel('stock', [Take]) },
    { kind: 'channel', name: 'stock', types: [Take], retired: [], retain: undefined },
  )
})

for (const [kind, one, other] of [
  ['topic', Placed, Take],
  ['channel', Take, Placed],
] as const) {
  test(`each wrong ${kind} is refused with its code`, () => {
    const declare = loose[kind]
    assert.throws(() => declare('a b', [one]), coded('millrace/bad-name', new RegExp(`^${kind} name`)))
    for (const types of [undefined, one, 'order.placed', { 0: one }]) {
      assert.throws(() => declare('a', types), coded('millrace/bad-option', /types must be a list/))
    }
    for (const types of [[other], [one, undefined], ['order.placed'], [{}]]) {
      assert.throws(
        () => declare('a', types),
        coded('millrace/bad-option', new RegExp(`entry ${types.length - 1} of its types is no ${one.kind}`)),
      )
    }
    assert.throws(() => declare('a', [one, one]), coded('millrace/duplicate-name', new RegExp(`"${one.name}" twice`)))
    const twin = loose[one.kind](one.name, { schema })
    assert.throws(() => declare('a', [one, twin]), coded('millrace/duplicate-name', new RegExp(`"${one.name}" twice`)))
    assert.throws(
      () => declare('a', [one], { retird: [] }),
      coded('millrace/unknown-option', /"retird"; did you mean "retired"\?/),
    )
    assert.throws(
      () => declare('a', [one], { retired: ['a b'] }),
      coded('millrace/bad-name', /retired type name "a b"/),
    )
    assert.throws(() => declare('a', [one], { retired: 'old' }), coded('millrace/bad-option', /retired must be a list/))
    assert.throws(
      () => declare('a', [one], { retired: [one.name] }),
      coded('millrace/bad-option', new RegExp(`"${one.name}" is both a type of it and retired`)),
    )
    for (const value of [-1, 1.5, '7', null, Number.NaN]) {
      for (const part of ['ageMs', 'bytes']) {
        assert.throws(
          () => declare('a', [one], { retain: { [part]: value } }),
          coded('millrace/bad-option', new RegExp(`retain\\.${part} is .*, but must be a whole number from 0`)),
        )
      }
    }
    assert.throws(() => declare('a', [one], { retain: 7 }), coded('millrace/bad-option', /retain: options must be/))
    assert.throws(
      () => declare('a', [one], { retain: { age: 1 } }),
      coded('millrace/unknown-option', /"age"; did you mean "ageMs"\?/),
    )
    assert.throws(() => declare('a', [one], null), coded('millrace/bad-option', /options must be an object/))
  })
}
