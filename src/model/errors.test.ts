import assert from 'node:assert/strict'
import test from 'node:test'
import vm from 'node:vm'
import fc from 'fast-check'
import { type ErrorCode, errors, fault, isMillraceError, recordError } from './errors.ts'
import { Refused } from './refused.ts'

test('every error has a help that is a sentence, and a code of words', () => {
  for (const [code, { help }] of Object.entries(errors)) {
    assert.match(code, /^millrace\/[a-z]+(-[a-z]+)*$/)
    assert.match(help, /^[A-Z].*[^.]\.$/, code)
  }
})

test('an error carries what the table says of its code', () => {
  for (const code of Object.keys(errors) as ErrorCode[]) {
    const cause = new Error('below')
    const error = fault(code, 'what happened', { cause, data: { n: 1 } })
    assert(error instanceof Error)
    assert.equal(error.name, errors[code].class)
    assert.equal(error.retryable, errors[code].retryable)
    assert.equal(error.help, errors[code].help)
    assert.deepEqual([error.code, error.message, error.cause, error.data], [code, 'what happened', cause, { n: 1 }])
  }
  assert(!('cause' in fault('millrace/denied', 'no cause')))
})

test('an error is recognised by its brand and code, also when another copy of the package made it', () => {
  const error = fault('millrace/denied', 'no')
  assert(isMillraceError(error))
  assert(isMillraceError(error, 'millrace/denied'))
  assert(!isMillraceError(error, 'millrace/bad-data'))
  const elsewhere = vm.runInNewContext(
    `Object.assign(new Error('no'), { code: 'millrace/denied', [Symbol.for('millrace.error')]: true })`,
  )
  assert(isMillraceError(elsewhere, 'millrace/denied'))
  for (const other of [
    undefined,
    null,
    'millrace/denied',
    new Error('no'),
    { code: 'millrace/denied' },
    new Refused('no'),
  ])
    assert(!isMillraceError(other))
})

test('the brand does not show when an error is printed or copied', () => {
  const error = fault('millrace/denied', 'no')
  assert.deepEqual(Object.keys(error).sort(), ['code', 'data', 'help', 'name', 'retryable'])
})

test('any thrown value becomes a record of plain JSON and bounded size', () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }), (value) => {
      const record = recordError(value)
      assert.equal(record.code, 'thrown')
      assert.match(record.message, /^thrown: /)
      assert.deepEqual(JSON.parse(JSON.stringify(record)), record)
    }),
  )
})

test('a thrown value that is no error is shown as well as it can be', () => {
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  for (const [value, message] of [
    [undefined, 'thrown: undefined'],
    [null, 'thrown: null'],
    ['a string', 'thrown: a string'],
    [7n, 'thrown: 7n'],
    [Symbol('s'), 'thrown: Symbol(s)'],
    [{ why: 1 }, 'thrown: {"why":1}'],
    [circle, 'thrown: {"self":[circle]}'],
  ] as const) {
    assert.deepEqual(recordError(value), { code: 'thrown', message })
  }
  assert(recordError('x'.repeat(1_000_000)).message.length <= 20_000)
})

test('a record of an error has its code, data and causes, cut to a bound', () => {
  const refused = recordError(new Refused('out of stock', { short: 3 }))
  assert.deepEqual([refused.code, refused.message, refused.data], ['refused', 'out of stock', { short: 3 }])
  assert.match(refused.stack!, /errors\.test/)
  assert.equal(recordError(new RangeError('far')).code, 'RangeError')
  assert.equal(recordError(Object.assign(new Error('no'), { code: 'ENOENT' })).code, 'ENOENT')
  assert.equal(recordError(Object.assign(new Error('no'), { code: 7 })).code, 'Error')
  assert.deepEqual(recordError(new Error('out', { cause: 'a string' })).cause, {
    code: 'thrown',
    message: 'thrown: a string',
  })

  const other = recordError(Object.assign(new TypeError('no'), { code: 'E1' }))
  assert.deepEqual([other.code, other.name], ['E1', 'TypeError'])
})

test('texts of an error are shortened, its data are whole or absent, and the record says which', () => {
  const large = Object.assign(new Error('x'.repeat(100_000)), { data: { text: 'y'.repeat(900_000) } })
  large.stack = 'z'.repeat(100_000)
  const record = recordError(large)
  assert.deepEqual(record.lost, ['message', 'stack'])
  assert(record.message.length <= 20_000 && record.stack!.length <= 20_000)
  assert.match(record.message, /x… \(\d+ more characters\)$/)
  assert.deepEqual(record.data, large.data)
  large.data.text = 'y'.repeat(1_000_001)
  assert.deepEqual([recordError(large).lost, 'data' in recordError(large)], [['message', 'stack', 'data'], false])
  const odd = recordError(Object.assign(new Error('odd'), { data: { big: 1n } }))
  assert.deepEqual([odd.data, odd.lost], ['{"big":1n}', ['data']])
  assert.equal(recordError(new Error('short')).lost, undefined)
})

test('fields and causes of an error are kept, to a bound, and no circle is followed', () => {
  const held = new AggregateError([new Error('one'), new TypeError('two'), 'three'], 'both failed')
  const { errors, message } = recordError(held)
  assert.deepEqual(
    errors!.map(({ code, message }) => [code, message]),
    [
      ['Error', 'one'],
      ['TypeError', 'two'],
      ['thrown', 'thrown: three'],
    ],
  )
  assert.equal(message, 'both failed')
  assert.equal(recordError(new AggregateError([new Error('one'), new Error('two')])).message, 'one; two')

  const endless = new Error('round')
  endless.cause = endless
  assert.deepEqual([recordError(endless).cause, recordError(endless).lost], [undefined, ['cause']])
  let chain = new Error('first')
  for (let n = 0; n < 100; n++) chain = new Error('next', { cause: chain })
  let depth = 0
  for (let record = recordError(chain).cause; record !== undefined; record = record.cause) depth++
  assert.equal(depth, 31)
  const tree = (levels: number): Error =>
    levels === 0 ? new Error('leaf') : new AggregateError(Array.from({ length: 9 }, () => tree(levels - 1)))
  assert(JSON.stringify(recordError(tree(4))).length < 500_000)
})

test('an error of another realm is recorded as any other', () => {
  const there = vm.runInNewContext(`
    const error = new RangeError('elsewhere', { cause: new TypeError('why') })
    Object.assign(error, { code: 'E1', data: { n: 1 } })`)
  const { code, name, message, data, cause, stack } = recordError(there)
  assert.deepEqual([code, name, message, data, cause!.code], ['E1', 'RangeError', 'elsewhere', { n: 1 }, 'TypeError'])
  assert.match(stack!, /elsewhere/)
})

test('an unreadable error is still recorded', () => {
  class Hostile extends Error {
    override get message(): string {
      throw new Error('not for you')
    }
  }
  const { code, message } = recordError(new Hostile())
  assert.deepEqual([code, message], ['Error', '[cannot be read: not for you]'])
  const odd = Object.defineProperty(new Error('fine'), 'stack', {
    get: () => {
      throw new Error('no')
    },
  })
  assert.equal(recordError(odd).message, 'fine')
  const { proxy, revoke } = Proxy.revocable(new Error('gone'), {})
  revoke()
  assert.equal(recordError(proxy).code, 'thrown')
  assert.equal(recordError(Object.assign(new Error('no name'), { name: undefined })).code, 'Error')
  assert(!isMillraceError(proxy))
})
