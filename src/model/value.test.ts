import assert from 'node:assert/strict'
import test from 'node:test'
import vm from 'node:vm'
import { coded } from '../../test/support.ts'
import { checkValues } from './value.ts'

test('strings, finite numbers, bigints, booleans, null and bytes are bound', () => {
  checkValues(['', 'ü', 0, -1.5, 10n, true, false, null, new Uint8Array(2), Buffer.from('a')])
  checkValues([2n ** 63n - 1n, -(2n ** 63n), 1e300, -0, 'a\0b', vm.runInNewContext('new Uint8Array(2)')])
  checkValues([])
})

test('anything else is refused, with its place', () => {
  for (const [value, says] of [
    [new Date(0), /value 2 .* is a Date/],
    [{}, /value 2 .* is of type object/],
    [[], /value 2 .* is an array \(in a query write list/],
    [undefined, /of type undefined/],
    [() => {}, /of type function/],
    [Symbol('s'), /of type symbol/],
    [Number.NaN, /is NaN/],
    [Number.NEGATIVE_INFINITY, /is -Infinity/],
    [new ArrayBuffer(1), /of type object/],
    [new Uint16Array(1), /of type object/],
    [2n ** 63n, /is a bigint of more than 64 bits/],
    [-(2n ** 63n) - 1n, /is a bigint of more than 64 bits/],
    ['\ud83d', /is a string with half a character/],
    [new Number(5), /of type object/],
    [vm.runInNewContext('new Date(0)'), /is a Date/],
  ] as const) {
    assert.throws(() => checkValues(['fine', value]), coded('millrace/bad-value', says))
  }
})
