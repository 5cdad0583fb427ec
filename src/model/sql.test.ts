import assert from 'node:assert/strict'
import test from 'node:test'
import { coded } from '../../test/support.ts'
import { list, sql, statementOf } from './sql.ts'

const made = (text: TemplateStringsArray, ...values: unknown[]) => {
  const statement = statementOf(text, values)
  return [statement.text.join('?'), statement.values]
}

test('a list becomes one value for each element, in its place', () => {
  assert.deepEqual(made`a in ${list([1, 2n, 'x'])} and b = ${4}`, ['a in (?, ?, ?) and b = ?', [1, 2n, 'x', 4]])
  assert.deepEqual(made`a in ${list(new Set(['x']))}`, ['a in (?)', ['x']])
  assert.deepEqual(made`${1} in ${list([])} or ${2}`, ['? in () or ?', [1, 2]])
})

test('a list keeps the values it was made of', () => {
  const ids = [1, 2]
  const listed = list(ids)
  ids.push(3)
  assert.deepEqual(made`a in ${listed}`, ['a in (?, ?)', [1, 2]])
})

test('fragments go into queries, fragments and beside values, with their values in order', () => {
  const inner = sql`b = ${2} or c in ${list([3, 4])}`
  const outer = sql`(${1} = a and (${inner}))`
  assert.deepEqual(made`${0}${outer}${5}`, ['?(? = a and (b = ? or c in (?, ?)))?', [0, 1, 2, 3, 4, 5]])
  assert.deepEqual(made`where ${outer} or ${outer}`[1], [1, 2, 3, 4, 1, 2, 3, 4])
  assert.deepEqual(made`select 1 ${sql``}`, ['select 1 ', []])
  const all = [1, 2, 3].map((n) => sql`(${n})`).reduce((rows, row) => sql`${rows}, ${row}`)
  assert.deepEqual(made`values ${all}`, ['values (?), (?), (?)', [1, 2, 3]])
})

test('the text of values never becomes the text of a statement', () => {
  const evil = "'); drop table t; --"
  const [text] = made`select ${evil}, ${list([evil])}, ${sql`${evil}`}`
  assert.equal(text, 'select ?, (?), ?')
  const posing = { '#text': ['drop table t'], '#values': [], text: ['drop table t'], raw: [] }
  for (const value of [posing, Object.assign(Object.create(Object.getPrototypeOf(sql``)), posing)]) {
    assert.throws(
      () => made`select ${value}`,
      coded('millrace/bad-value', /value 1 of the statement is of type object/),
    )
  }
})

test('each store may write an empty list as its database takes it, in fragments too', () => {
  const text = (given: TemplateStringsArray, ...values: unknown[]) =>
    statementOf(given, values, '(select null where false)').text.join('?')
  assert.equal(
    text`${sql`a in ${list([])}`} or b in ${list([])}`,
    'a in (select null where false) or b in (select null where false)',
  )
})

test('a list in parentheses of the statement, which would be a row value, is refused at any length', () => {
  for (const ids of [[], [1], [1, 2]]) {
    const refused = coded('millrace/bad-value', /brings its parentheses: write none around it/)
    assert.throws(() => made`a in (${list(ids)})`, refused)
    assert.throws(() => made`a IN ( ${list(ids)} )`, refused)
  }
  assert.deepEqual(made`a = (${1}) or b in (${1}, ${2})`, ['a = (?) or b in (?, ?)', [1, 1, 2]])
})

test('a wrong value for a list is refused where the list is made', () => {
  for (const [value, says] of [
    ['abc', /list takes values, such as an array or a set/],
    [new Uint8Array(2), /list takes values/],
    [5, /list takes values/],
    [null, /list takes values/],
    [{ 0: 1, length: 1 }, /list takes values/],
    [[1, undefined], /value 2 of the list is of type undefined/],
    [[[1]], /value 1 of the list is an array/],
    [[list([1])], /value 1 of the list is of type object/],
    [[sql`1`], /value 1 of the list is of type object/],
  ] as const) {
    assert.throws(() => list(value as never), coded('millrace/bad-value', says))
  }
  assert.throws(
    () => sql`a = ${undefined as never}`,
    coded('millrace/bad-value', /value 1 of the fragment is of type undefined/),
  )
  assert.throws(() => sql`a in ${[1, 2] as never}`, coded('millrace/bad-value', /write list\(…\) for it/))
  assert.throws(
    () => (sql as unknown as (text: string) => unknown)('select 1'),
    coded('millrace/bad-value', /sql is a tag: write sql`/),
  )
})
