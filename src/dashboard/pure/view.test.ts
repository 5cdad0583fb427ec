import assert from 'node:assert/strict'
import test from 'node:test'
import { formOf } from './form.ts'
import { elementsOf, entriesOf, isNumber, isSecret, under, viewOf } from './view.ts'

const shown = (schema: Readonly<Record<string, unknown>>, text: string, depth = 0) => {
  const view = viewOf(formOf(schema), text, depth)
  return view.is === 'json' ? view.why : view.is
}

test('a value is shown by its field where it is of its kind, and else as JSON with the reason', () => {
  const number = { type: 'number' }
  assert.deepEqual([shown(number, '1.10'), shown(number, '"1"')], ['number', 'it is no number now'])
  const text = { type: 'string' }
  assert.deepEqual(
    ['"a\\nb"', '7', '"a\\u200bb"', '"\\ud800"'].map((json) => shown(text, json)),
    ['text', 'it is no text now', 'it has signs that cannot be seen', 'it has signs that cannot be seen'],
  )
  const flag = { type: 'boolean' }
  assert.deepEqual([shown(flag, 'false'), shown(flag, '0')], ['flag', 'it is neither true nor false now'])
  const object = { properties: { a: {} } }
  assert.deepEqual(
    ['{}', '[]', '{"a":1,"a":2}'].map((json) => shown(object, json)),
    ['object', 'it is no object now', 'a name is there twice'],
  )
  assert.equal(shown({ items: {} }, '{}'), 'it is no list now')
  assert.equal(shown({ enum: ['a'] }, '"b"'), 'choice')
})

test('a schema that is one of its own shapes ends as JSON', () => {
  assert.equal(shown({ anyOf: [{ $ref: '#' }, { type: 'string' }] }, '"a"', 8), 'it is nested deeply')
})

test('an object has the fields of its schema in their order, then what the schema does not name', () => {
  const form = formOf({ properties: { a: { type: 'number' }, 'b/c': {} }, required: ['a'] })
  assert(form.is === 'object')
  assert.deepEqual(
    entriesOf(form.fields, '{ "z": [1, 2], "b/c": 1.10 }').map(({ name, named, text }) => [
      name,
      named?.required,
      text,
    ]),
    [
      ['a', true, undefined],
      ['b/c', false, '1.10'],
      ['z', undefined, '[1, 2]'],
    ],
  )
  assert.deepEqual(elementsOf('[1.10, {"a": 2}]'), ['1.10', '{"a": 2}'])
  assert.equal(under('/a', 'b/~c'), '/a/b~1~0c')
})

test('numbers are those of JSON', () => {
  assert.deepEqual(
    ['0', '-1.50', '1e3', '12345678901234567890', '', '-', '1.', '01', '+1', '1,5', 'NaN'].filter(isNumber),
    ['0', '-1.50', '1e3', '12345678901234567890'],
  )
})

test('a secret path is found, also where it names all elements', () => {
  const secret = ['/card', '/cards/*/pin']
  assert.deepEqual(
    ['/card', '/cards/7/pin', '/cards/7', '/card/pin', ''].filter((path) => isSecret(path, secret)),
    ['/card', '/cards/7/pin'],
  )
})
