import assert from 'node:assert/strict'
import test from 'node:test'
import { changeLines, changesOf } from './changes.ts'

test('equal values are no change, in any order of names', () => {
  assert.deepEqual(changesOf({ a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 }), [])
})

test('each difference has its path and the values before and after', () => {
  const before = { id: 'o-1', lines: [{ quantity: -3 }, { quantity: 1 }], note: 'x', 'a b': 1 }
  const after = { id: 'o-1', lines: [{ quantity: 3 }], 'a b': 2, extra: null }
  assert.deepEqual(changesOf(before, after), [
    { path: 'lines[0].quantity', before: -3, after: 3 },
    { path: 'lines[1]', before: { quantity: 1 } },
    { path: 'note', before: 'x' },
    { path: '["a b"]', before: 1, after: 2 },
    { path: 'extra', after: null },
  ])
  assert.deepEqual(changesOf([1], { 0: 1 }), [{ path: '', before: [1], after: { 0: 1 } }])
})

test('lines of changes do not act on the terminal and are bounded', () => {
  assert.deepEqual(
    changeLines([
      { path: 'a', before: 'x\u009b31m', after: 'y' },
      { path: '', after: 1 },
    ]),
    ['- a: "x\\u009b31m"', '+ a: "y"', '+ 1'],
  )
  const many = changesOf({}, Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`n${n}`, n])))
  assert.deepEqual(changeLines(many).slice(99), ['+ n99: 99', '… and 200 lines more; --json has all'])
})

test('a name that JavaScript treats as special is a name like others', () => {
  assert.deepEqual(changesOf(JSON.parse('{}'), JSON.parse('{"__proto__":1}')), [{ path: '__proto__', after: 1 }])
})
