import assert from 'node:assert/strict'
import test from 'node:test'
import { coded } from '../../test/support.ts'
import { checkValues } from './tx.ts'

test('strings, finite numbers, bigints, booleans, null and bytes are bound', () => {
  checkValues(['', 'ü', 0, -1.5, 10n, true, false, null, new Uint8Array(2), Buffer.from('a')])
  checkValues([])
})

test('anything else is refused, with its place', () => {
  for (const [value, says] of [
    [new Date(0), /value 2 .* is a Date/],
    [{}, /value 2 .* is of type object/],
    [[], /of type object/],
    [undefined, /of type undefined/],
    [() => {}, /of type function/],
    [Symbol('s'), /of type symbol/],
    [Number.NaN, /is NaN/],
    [Number.NEGATIVE_INFINITY, /is -Infinity/],
    [new ArrayBuffer(1), /of type object/],
    [new Uint16Array(1), /of type object/],
  ] as const) {
    assert.throws(() => checkValues(['fine', value]), coded('millrace/bad-value', says))
  }
})
