import assert from 'node:assert/strict'
import test from 'node:test'
import vm from 'node:vm'
import fc from 'fast-check'
import { fault } from './errors.ts'
import { forPeople, inBrief, messageOf, readFields } from './people.ts'

const raises = () => {
  throw new Error('detached')
}
const circle: Record<string, unknown> = { n: 1 }
circle['self'] = circle
const revoked = Proxy.revocable({}, {})
revoked.revoke()
const hostile = new Proxy({}, { get: raises, ownKeys: raises, getPrototypeOf: raises, has: raises })

test('plain JSON looks as JSON does, a text by itself as it is', () => {
  assert.equal(forPeople('a "text"\n'), 'a "text"\n')
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      if (typeof value !== 'string' && !JSON.stringify(value).includes('-0'))
        assert.equal(forPeople(value, 1e6), JSON.stringify(value))
    }),
  )
})

test('each kind of value has a text', () => {
  for (const [value, text] of [
    [undefined, 'undefined'],
    [null, 'null'],
    [Number.NaN, 'NaN'],
    [10n, '10n'],
    [2n ** 5_000n, '[bigint of more than 1024 bits]'],
    [Symbol('s'), 'Symbol(s)'],
    [function named() {}, '[function named]'],
    [{ a: 10n, b: undefined, c: circle }, '{"a":10n,"c":{"n":1,"self":[circle]}}'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [new Date('never'), 'an invalid Date'],
    [/a"b/g, '/a"b/g'],
    [new Map<unknown, unknown>([['a', new Map()]]), 'Map[["a",Map[]]]'],
    [new Set([1, 'b']), 'Set[1,"b"]'],
    [new Uint8Array([1, 255]), '[2 bytes 01ff]'],
    [new Float64Array(2), '[Float64Array of 16 bytes]'],
    [new URL('https://a.example/'), '"https://a.example/"'],
    [{ toJSON: () => ({ shown: 1n }) }, '{"shown":1n}'],
    [new Error('connection refused'), 'Error: connection refused'],
    [Object.assign(new TypeError('no'), { code: 'E1' }), 'TypeError: no {"code":"E1"}'],
    [{ reason: new Error('a', { cause: 'b' }) }, '{"reason":Error: a {"cause":"b"}}'],
    [new AggregateError([new Error('one'), 2], 'both'), 'AggregateError: both {"errors":[Error: one,2]}'],
    [vm.runInNewContext('new RangeError("elsewhere")'), 'RangeError: elsewhere'],
    [vm.runInNewContext('new Map([[1, new Date(0)]])'), 'Map[[1,"1970-01-01T00:00:00.000Z"]]'],
    [fault('millrace/bad-id', 'what'), 'DataError: what {"code":"millrace/bad-id"}'],
  ] as const) {
    assert.equal(forPeople(value), text)
  }
})

test('an unreadable value is shown as that, and the rest is still shown', () => {
  const lazy = { a: 1, b: 2 }
  Object.defineProperty(lazy, 'b', { get: raises, enumerable: true })
  assert.equal(forPeople(lazy), '{"a":1,"b":"[cannot be read: detached]"}')
  assert.equal(forPeople([revoked.proxy, 1]), '[[cannot be looked at],1]')
  assert.equal(forPeople(hostile), '[cannot be looked at]')
  assert.equal(forPeople({ toJSON: raises }), '[cannot be looked at]')
  const odd = Object.defineProperty(new Error('fine'), 'cause', { get: raises })
  assert.match(forPeople(odd), /^Error: fine .*cannot be read/)
})

test('nothing that can be made makes it throw, and no text is longer than asked for', () => {
  const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true })
  fc.assert(
    fc.property(anything, fc.integer({ min: 0, max: 200 }), (value, charsMax) => {
      for (const text of [forPeople(value, charsMax), inBrief(value, charsMax), messageOf(value, charsMax)]) {
        assert(text.length <= charsMax, `${text.length} of ${charsMax}: ${text}`)
      }
    }),
  )
  let deep: unknown = 1
  for (let n = 0; n < 100_000; n++) deep = [deep]
  assert.equal(forPeople(deep), '[[[[[[[[…]]]]]]]]')
  assert.match(forPeople(Array.from({ length: 1_000_000 }, (_, n) => n)), /,99,… 999900 more]$/)
  assert(forPeople({ text: 'x'.repeat(1_000_000) }).length <= 4_000)
  assert(forPeople(`${'x'.repeat(3_999)}\u{1f600}`, 4_000).isWellFormed())
})

test('fields are read once each, and one that throws is told as a text', () => {
  let reads = 0
  const fields = {
    get counted() {
      return ++reads
    },
    get lazy() {
      return raises()
    },
    ['__proto__' as string]: 5,
  }
  const read = readFields(fields)
  assert.deepEqual([read['counted'], read['counted'], read['lazy']], [1, 1, '[cannot be read: detached]'])
  assert.deepEqual(readFields(undefined), {})
  assert.deepEqual(readFields(hostile), {})
  assert.deepEqual(readFields('text'), { fields: 'text' })
})

test('an error in brief is its name and message, and its message alone is that', () => {
  const error = Object.assign(new TypeError('no'), { code: 'E1', cause: new Error('why') })
  assert.deepEqual([inBrief(error), messageOf(error), inBrief({ a: 1 })], ['TypeError: no', 'no', '{"a":1}'])
  assert.equal(messageOf(vm.runInNewContext('new Error("elsewhere")')), 'elsewhere')
  assert.equal(inBrief(new Error('')), 'Error')
})
