import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { applyChange } from '../../model/change.ts'
import { applied, inexactIn, isExact, patchOf, patchText, textAt } from './patch.ts'

/** Text of JSON with numbers that JavaScript does not keep, odd names, white space. */
const space = fc.constantFrom('', '', ' ', '\n  ', '\t')
const number = fc.oneof(
  fc.constantFrom('1.10', '1.1', '12345678901234567890', '-0', '0', '1e400', '0.1000'),
  fc.integer().map(String),
)
const name = fc.oneof(fc.constantFrom('a', 'b', 'a/b', '~', '', '__proto__', '0', '-'), fc.string({ maxLength: 3 }))
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    number,
    fc.constantFrom('true', 'false', 'null'),
    fc.string({ unit: 'binary', maxLength: 4 }).map((text) => JSON.stringify(text)),
    fc
      .tuple(space, fc.array(tie('json'), { maxLength: 5 }))
      .map(([gap, all]) => `[${gap}${all.join(`,${gap}`)}${gap}]`),
    fc
      .tuple(space, fc.uniqueArray(fc.tuple(name, tie('json')), { selector: ([one]) => one, maxLength: 5 }))
      .map(
        ([gap, all]) => `{${gap}${all.map(([one, value]) => `${JSON.stringify(one)}${gap}:${gap}${value}`).join(',')}}`,
      ),
  ),
}))

test('the patch between two documents makes one of the other, to the digit', () => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      assert.deepEqual(patchOf(applied(before, patchOf(before, after)), after), [])
    }),
    { numRuns: 2_000 },
  )
})

const stored = (text: string) => JSON.stringify(JSON.parse(text))

test('the server makes of the patch what the page has shown', () => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      const changes = patchOf(before, after)
      const sent = JSON.parse(patchText(changes))
      // As JSON says the values: it has no -0 and no infinity.
      assert.equal(stored(applyChange(before, sent)), stored(applied(before, changes)))
    }),
    { numRuns: 1_000 },
  )
})

test('untouched values are not in the patch, and stay as they are', () => {
  const before = '{ "price": 1.10,\n  "n": 12345678901234567890, "lines": [{"sku":"a","q":1}, {"sku":"b","q":2}] }'
  const after = '{"lines":[{"sku":"a","q":1},{"q":3,"sku":"b"}],"n":12345678901234567890,"price":1.10}'
  const changes = patchOf(before, after)
  assert.deepEqual(changes, [{ op: 'replace', path: '/lines/1/q', text: '3' }])
  assert.equal(applied(before, changes), before.replace('"q":2', '"q":3'))
  assert.deepEqual(patchOf(before, before.replaceAll(/\s/g, '')), [])
  assert.deepEqual(patchOf('{"a":1.10}', '{"a":1.1}'), [{ op: 'replace', path: '/a', text: '1.1' }])
  assert.deepEqual(patchOf('"\\u0041"', '"A"'), [])
})

test('members are removed, added and replaced; names with slashes and tildes are escaped', () => {
  assert.deepEqual(patchOf('{"a":1,"b/c":2,"d":null}', '{"b/c":3,"d":null,"~e":[1]}'), [
    { op: 'remove', path: '/a' },
    { op: 'replace', path: '/b~1c', text: '3' },
    { op: 'add', path: '/~0e', text: '[1]' },
  ])
  assert.deepEqual(patchOf('{"a":{}}', '{"a":[]}'), [{ op: 'replace', path: '/a', text: '[]' }])
})

test('of lists the ends that are alike stay; one that is inserted or removed is one change', () => {
  assert.deepEqual(patchOf('[1,2,3,4]', '[1,3,4]'), [{ op: 'remove', path: '/1' }])
  assert.deepEqual(patchOf('[1,3,4]', '[1,2,3,4]'), [{ op: 'add', path: '/1', text: '2' }])
  assert.deepEqual(patchOf('[1,2,3,4]', '[1,9]'), [
    { op: 'replace', path: '/1', text: '9' },
    { op: 'remove', path: '/3' },
    { op: 'remove', path: '/2' },
  ])
})

test('a name that occurs twice is replaced together with its object', () => {
  assert.deepEqual(patchOf('{"x":{"a":1,"a":2}}', '{"x":{"a":3}}'), [{ op: 'replace', path: '/x', text: '{"a":3}' }])
})

test('many changes stay many, and data nested too deeply are replaced at the limit', () => {
  const list = (n: number) => JSON.stringify(Array.from({ length: 101 }, (_, at) => at + n))
  assert.equal(patchOf(list(0), list(1_000)).length, 101)
  const deep = (value: string) => `${'['.repeat(5_000)}${value}${']'.repeat(5_000)}`
  assert.throws(() => patchOf('{', '{}'), SyntaxError)
  assert.equal(patchOf(deep('1'), deep('2')).length, 1)
})

test('a number that JavaScript would change is named before it is sent', () => {
  for (const text of ['1', '1.10', '-0.5', '1e3', '100', '0', '0.10', '1E+2', '123456789012345680000']) {
    assert.equal(isExact(text), true, text)
  }
  for (const text of ['12345678901234567890', '0.12345678901234567890', '1e400', '9007199254740993']) {
    assert.equal(isExact(text), false, text)
  }
  const changes = patchOf('{"a":1,"b":"9007199254740993"}', '{"a":9007199254740993,"b":"12345678901234567890"}')
  assert.deepEqual(inexactIn(changes), ['/a'])
  assert.deepEqual(inexactIn([{ op: 'add', path: '/x', text: '[1,{"n":9007199254740993}]' }]), ['/x'])
})

test('the text at a path is found as it stands', () => {
  assert.equal(textAt(' {"a":[1.10, {"b~/":2}]}', '/a/0'), '1.10')
  assert.equal(textAt('{"a":[1.10, {"b~/":2}]}', '/a/1/b~0~1'), '2')
  for (const path of ['/a/2', '/a/0/x', '/b', '/a/-']) assert.equal(textAt('{"a":[1,2]}', path), undefined, path)
  assert.equal(textAt(' 7 ', ''), '7')
})
