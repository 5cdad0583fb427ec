import assert from 'node:assert/strict'
import test from 'node:test'
import vm from 'node:vm'
import { dateMs, isBytes, isError, isPattern, isPlainPrototype } from './kinds.ts'

const raises = () => {
  throw new Error('no')
}
const elsewhere = (code: string): unknown => vm.runInNewContext(code)

test('an error of any realm is one, and a look-alike is none', () => {
  for (const error of [
    new TypeError('a'),
    elsewhere('new RangeError("a")'),
    structuredClone(new Error('a')),
    Object.create(Error.prototype),
  ]) {
    assert(isError(error))
  }
  for (const none of [
    { name: 'Error', message: 'a' },
    new Proxy({}, { getPrototypeOf: raises }),
    null,
    undefined,
    'Error',
    1,
  ]) {
    assert(!isError(none))
  }
})

test('a date tells its time in whichever realm it was made', () => {
  assert.equal(dateMs(new Date(5)), 5)
  assert.equal(dateMs(elsewhere('new Date(7)')), 7)
  assert(Number.isNaN(dateMs(new Date('never'))))
  for (const none of [5, '2026-01-01', null, undefined, {}, Object.create(Date.prototype)]) {
    assert.equal(dateMs(none), undefined)
  }
})

test('bytes are an Uint8Array of any realm, and no other kind of array', () => {
  for (const bytes of [new Uint8Array(1), Buffer.from('a'), elsewhere('new Uint8Array(2)')]) assert(isBytes(bytes))
  const none = [
    new Uint16Array(1),
    new Uint8ClampedArray(1),
    new DataView(new ArrayBuffer(1)),
    [1],
    'a',
    null,
    undefined,
  ]
  for (const value of [...none, { [Symbol.toStringTag]: 'Uint8Array' }]) assert(!isBytes(value))
})

test('a regular expression is known in whichever realm it was made', () => {
  for (const pattern of [/a/, elsewhere('/a/g')]) assert(isPattern(pattern))
  for (const none of [{ source: 'a' }, 'a', null, undefined, RegExp.prototype]) assert(!isPattern(none))
})

test('the prototype of plain objects is that of any realm, and no other', () => {
  for (const plain of [{}, Object.create(null), elsewhere('({})'), structuredClone({})]) {
    assert(isPlainPrototype(Object.getPrototypeOf(plain)))
  }
  class Point {}
  for (const other of [new Point(), new Map(), [], Object.create({}), Object.create(Object.create(null))]) {
    assert(!isPlainPrototype(Object.getPrototypeOf(other)))
  }
  for (const code of ['new (class Point {})()', 'new Map()', 'new Date()']) {
    assert(!isPlainPrototype(Object.getPrototypeOf(elsewhere(code))))
  }
})
