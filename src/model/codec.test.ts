import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { coded } from '../../test/support.ts'
import { decode, deepFreeze, encode, type Stamp, Stored } from './codec.ts'
import type { ErrorCode } from './errors.ts'
import { event, type MessageType } from './message.ts'

const stamp: Stamp = {
  stream: 1,
  id: 'id',
  ownId: false,
  source: '/app',
  time: 1_700_000_000_000,
  correlationId: 'first',
  causationId: null,
  trace: null,
}
const Any = event('any', { schema: z.unknown() })
const Text = event('text', { schema: z.string() })

/** As it comes from disk: nothing decoded yet. */
function stored(type: MessageType, json: string, version = type.version): Stored {
  return new Stored(type.name, version, stamp, null, json)
}

test('any JSON value comes back from encode and decode as it went in, frozen through and through', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const message = decode(Any, encode(Any, value, stamp, 1_000_000))
      assert.deepEqual(message.data, JSON.parse(JSON.stringify(value)))
      assert.deepEqual(message.data, decode(Any, stored(Any, JSON.stringify(value))).data)
      const frozen = (data: unknown): boolean =>
        typeof data !== 'object' || data === null || (Object.isFrozen(data) && Object.values(data).every(frozen))
      assert(frozen(message.data))
    }),
  )
})

test('any value is either carried by JSON to the letter or refused', () => {
  const odd = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true })
  fc.assert(
    fc.property(odd, (value) => {
      let json: string
      try {
        ;({ json } = encode(Any, value, stamp, 10_000_000))
      } catch (error) {
        return coded('millrace/not-json')(error)
      }
      // What is left out is undefined, and -0 is 0: nothing else may differ.
      assert.deepEqual(withoutUndefined(JSON.parse(json)), withoutUndefined(value))
      // From memory as from disk.
      assert.deepEqual(decode(Any, encode(Any, value, stamp, 10_000_000)).data, JSON.parse(json))
      return true
    }),
  )
})

function withoutUndefined(value: unknown): unknown {
  if (Object.is(value, -0)) return 0
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withoutUndefined)
  const entries = Object.entries(value).filter(([, child]) => child !== undefined)
  return Object.fromEntries(entries.map(([key, child]) => [key, withoutUndefined(child)]))
}

test('text of any kind comes back, half characters too', () => {
  const text = fc.string({
    unit: fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 2 }), fc.constant('\ud800')),
  })
  fc.assert(fc.property(text, (value) => assert.equal(decode(Text, encode(Text, value, stamp, 1e6)).data, value)))
})

test('the size limit counts bytes, not characters, and is still allowed itself', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 50 })
  fc.assert(
    fc.property(text, (value) => {
      const bytes = Buffer.byteLength(JSON.stringify(value))
      encode(Text, value, stamp, bytes)
      assert.throws(
        () => encode(Text, value, stamp, bytes - 1),
        coded('millrace/too-large', new RegExp(`event "text" is ${bytes} bytes, but must be at most ${bytes - 1}`)),
      )
    }),
  )
})

test('a value that JSON cannot carry is refused with its place', () => {
  class Money {
    cents = 1
  }
  const circle: unknown[] = []
  circle.push(circle)
  for (const [value, says] of [
    [undefined, /plain JSON: undefined$/],
    [{ a: [{ b: Number.NaN }] }, /a\.0\.b is NaN$/],
    [{ a: { b: new Date(0) } }, /a\.b is a Date$/],
    [{ a: new Money() }, /a is a Money$/],
    [[1, undefined], /1 is undefined$/],
    [{ toJSON: () => 1 }, /toJSON is function$/],
    [{ a: Symbol('s') }, /a is symbol$/],
    [new Uint8Array(1), /a Uint8Array$/],
    [1n, /plain JSON: bigint$/],
    [circle, /circular/],
  ] as const) {
    assert.throws(() => encode(Any, value, stamp, 1_000), coded('millrace/not-json', says))
  }
  const nulls = Object.assign(Object.create(null), { a: 1, left: undefined })
  assert.equal(encode(Any, nulls, stamp, 1_000).json, '{"a":1}')
})

test('an encoded message carries its stamps and the context and version of its type', () => {
  const Placed = event('placed', {
    version: 3,
    schema: z.object({ id: z.string() }),
    context: ({ id }) => `order ${id}`,
  })
  const encoded = encode(Placed, { id: 'ü', more: 1 }, stamp, 1_000)
  assert.deepEqual(
    { ...encoded },
    {
      ...stamp,
      position: 0,
      due: 0,
      asked: undefined,
      attributes: null,
      type: 'placed',
      version: 3,
      context: 'order ü',
      json: '{"id":"ü"}',
      plain: { id: 'ü' },
      decoded: undefined,
    },
  )
})

test('the context is a string of 1 to 1,024 whole characters, made of the output of the schema', () => {
  const of = (context: unknown) =>
    encode(event('a', { schema: z.unknown(), context: () => context as string }), null, stamp, 1_000).context
  for (const good of ['a', ' ', 'x'.repeat(1_024), '🚀', '\0']) assert.equal(of(good), good)
  for (const bad of ['', 'x'.repeat(1_025), '\udc00', 7, null, undefined, {}, Promise.resolve('a')]) {
    assert.throws(() => of(bad), coded('millrace/bad-context', /^context of event "a" is /))
  }
  const Lower = event('a', { schema: z.string().toLowerCase(), context: (text) => text })
  assert.equal(encode(Lower, 'ABC', stamp, 1_000).context, 'abc')
  assert.equal(encode(Any, null, stamp, 1_000).context, null)
  assert.equal(decode(Any, encode(Any, null, stamp, 1_000)).context, undefined)
})

test('a message is decoded once for all, and fails for all with the same error', () => {
  const good = stored(Text, '"a"')
  assert.equal(decode(Text, good), decode(Text, good))
  const bad = stored(Text, '7')
  const thrown: unknown[] = []
  for (let time = 0; time < 2; time++) {
    try {
      decode(Text, bad)
    } catch (error) {
      thrown.push(error)
    }
  }
  assert.equal(thrown.length, 2)
  assert.equal(thrown[0], thrown[1])
})

test('stored data that is no JSON, or does not fit, is bad data', () => {
  for (const [json, says] of [
    ['{"a', /^stored data of event "text": SyntaxError/],
    ['', /SyntaxError/],
    ['7', /^stored data of event "text" does not fit its schema/],
  ] as const) {
    assert.throws(() => decode(Text, stored(Text, json)), coded('millrace/bad-data', says))
  }
})

const V1 = z.object({ amount: z.number() })
const V3 = event('paid', {
  version: 3,
  schema: z.object({ cents: z.number(), currency: z.string() }),
  upcast: {
    1: ({ amount }: z.infer<typeof V1>) => ({ cents: amount * 100 }),
    2: (old: object) => ({ ...old, currency: 'GBP' }),
  },
})

test('older versions are brought up step by step, and keep the version they were stored in', () => {
  for (const [version, json] of [
    [1, '{"amount":2}'],
    [2, '{"cents":200}'],
    [3, '{"cents":200,"currency":"GBP"}'],
  ] as const) {
    const message = decode(V3, stored(V3, json, version))
    assert.deepEqual([message.version, message.data], [version, { cents: 200, currency: 'GBP' }])
    assert(Object.isFrozen(message.data))
  }
})

test('the result of an upcast is data like any other: stripped by the schema, and only values that JSON carries', () => {
  const at = new Date(0)
  const Dated = event('dated', {
    version: 2,
    schema: z.object({ at: z.string() }),
    upcast: { 1: (old: object) => ({ ...old, at }) },
  })
  assert.deepEqual(decode(Dated, stored(Dated, '{"left":1}', 1)).data, { at: at.toISOString() })
  at.setTime(1)
  assert(!Object.isFrozen(at))
})

for (const [what, upcast, from, code, says] of [
  [
    'is newer than the code knows',
    {},
    4,
    'millrace/newer-version',
    /"failing" is stored in version 4, this code knows 3/,
  ],
  ['has no upcast', { 2: (old: unknown) => old }, 1, 'millrace/no-upcast', /version 1 and has no upcast from 1/],
  ['has no upcast further up', { 1: (old: unknown) => old }, 1, 'millrace/no-upcast', /has no upcast from 2/],
  [
    'has an upcast that throws',
    {
      2: () => {
        throw new Error('forgot')
      },
    },
    2,
    'millrace/bad-data',
    /Error: forgot/,
  ],
  ['has an upcast that makes nothing', { 2: () => undefined }, 2, 'millrace/bad-data', /does not fit its schema/],
  ['has an upcast that makes something else', { 2: () => 'text' }, 2, 'millrace/bad-data', /does not fit its schema/],
  ['has an upcast that makes what JSON cannot carry', { 2: () => 1n }, 2, 'millrace/bad-data', /BigInt/],
  ['has an upcast that takes its time', { 2: async () => ({}) }, 2, 'millrace/bad-data', /returned a promise/],
] as [string, Record<number, () => unknown>, number, ErrorCode, RegExp][]) {
  test(`a stored message that ${what} fails with its code`, () => {
    const Failing = event('failing', { version: 3, schema: z.object({ a: z.number() }), upcast })
    assert.throws(() => decode(Failing, stored(Failing, '{"a":1}', from)), coded(code, says))
  })
}

test('freezing goes all the way down and gives the same value', () => {
  const value = { a: [{ b: { c: 1 } }], d: null, e: 'text' }
  assert.equal(deepFreeze(value), value)
  assert.throws(() => Object.assign(value.a[0]!.b, { c: 2 }), TypeError)
  assert.throws(() => value.a.push({ b: { c: 2 } }), TypeError)
  for (const plain of [1, 'a', null, undefined, true]) assert.equal(deepFreeze(plain), plain)
})

test('later changes of the data by the publisher change nothing of the message, from memory or from disk', () => {
  const data = { list: [{ n: 1 }], __proto__: { inherited: 1 } } as { list: { n: number }[] }
  Object.setPrototypeOf(data, Object.prototype)
  const message = encode(Any, data, stamp, 1_000)
  data.list[0]!.n = 2
  data.list.push({ n: 3 })
  assert.deepEqual(decode(Any, message).data, { list: [{ n: 1 }] })
  assert.equal(message.json, '{"list":[{"n":1}]}')
})

test('a key that is called __proto__ is data like any other, and a getter is asked once', () => {
  const data = JSON.parse('{"__proto__":{"a":1},"b":[{"__proto__":null}]}') as object
  const { json } = encode(Any, data, stamp, 1_000)
  const fromMemory = decode(Any, encode(Any, data, stamp, 1_000)).data
  assert.equal(json, '{"__proto__":{"a":1},"b":[{"__proto__":null}]}')
  assert.equal(JSON.stringify(fromMemory), json)
  assert.equal(Object.getPrototypeOf(fromMemory), Object.prototype)
  let asked = 0
  const counts = {
    get n() {
      return ++asked
    },
  }
  const message = encode(Any, counts, stamp, 1_000)
  assert.equal(message.json, '{"n":1}')
  assert.deepEqual(decode(Any, message).data, { n: 1 })
})
