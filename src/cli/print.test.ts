import assert from 'node:assert/strict'
import test from 'node:test'
import { bytes, cut, duration, facts, moment, safe, safeJson, table, widthOf, wrap } from './print.ts'

test('nothing that is shown acts on the terminal', () => {
  assert.equal(
    safe('a\u001b[31mred\n\ttab\u009bx\u202eback\u0000'),
    'a\\u001b[31mred\\n\\ttab\\u009bx\\u202eback\\u0000',
  )
  assert.equal(safe('Mühle 水車 🌾'), 'Mühle 水車 🌾')
})

test('JSON that is shown does not act on the terminal and means the same', () => {
  const value = { text: 'a\u009b31m\u202e\u007f\u2028 🌾 \u{e0001}', lines: '\n' }
  const shown = safeJson(JSON.stringify(value, null, 2))
  assert.match(shown, /^\{\n {2}"text": "a\\u009b31m\\u202e\\u007f\\u2028 🌾 \\udb40\\udc01",\n/)
  assert.deepEqual(JSON.parse(shown), value)
})

test('a cut text fits and says so', () => {
  assert.equal(cut('millrace', 8), 'millrace')
  assert.equal(cut('millraces', 8), 'millrac…')
  assert.equal(cut('水車水車', 6), '水車…')
  for (let columns = 1; columns < 20; columns++)
    assert.ok(widthOf(cut('a水b車c\u0301d🌾'.repeat(3), columns)) <= columns)
})

test('a table fits its width; the widest columns give way first, numbers stand to the right', () => {
  const columns = [
    { title: 'ID', value: ({ id }: { id: number; text: string; other: string }) => id },
    { title: 'TEXT', value: ({ text }: { text: string }) => text, shrinksTo: 4 },
    { title: 'OTHER', value: ({ other }: { other: string }) => other, shrinksTo: 5 },
  ]
  const rows = [
    { id: 1, text: 'a'.repeat(100), other: 'short' },
    { id: 12, text: 'b', other: 'c\nd' },
  ]
  assert.deepEqual(table(columns, rows, 24), [
    'ID  TEXT           OTHER',
    ' 1  aaaaaaaaaaaa…  short',
    '12  b              c\\nd',
  ])
  for (let width = 15; width < 130; width++)
    for (const line of table(columns, rows, width)) assert.ok(widthOf(line) <= Math.max(width, 15), line)
})

test('facts wrap below their beginning', () => {
  const shown = facts(
    [
      ['name', 'one two three four five six'],
      ['none', undefined],
      ['x', 'y'],
    ],
    28,
  )
  assert.deepEqual(shown, ['  name  one two three four', '        five six', '  x     y'])
  assert.deepEqual(wrap('a bb ccc', 4), ['a bb', 'ccc'])
})

test('sizes and times are short', () => {
  assert.equal(moment(Date.UTC(2026, 1, 3, 4, 5, 6, 789)), '2026-02-03 04:05:06')
  assert.deepEqual([0, 999, 1_000, 9_960, 53_248, 999_600, 3_000_000_000].map(bytes), [
    '0 bytes',
    '999 bytes',
    '1.0 kB',
    '10.0 kB',
    '53 kB',
    '1.0 MB',
    '3.0 GB',
  ])
  assert.deepEqual([-5, 0, 59_999, 60_000, 3_600_000, 47 * 3_600_000, 48 * 3_600_000].map(duration), [
    '0 s',
    '0 s',
    '59 s',
    '1 min',
    '1 h',
    '47 h',
    '2 d',
  ])
})

test('a column keeps what is worth showing as long as others can be narrower', () => {
  const wide = { type: 'x'.repeat(30), error: 'y'.repeat(60) }
  const columns = [
    { title: 'TYPE', value: (row: typeof wide) => row.type, shrinksTo: 6 },
    { title: 'ERROR', value: (row: typeof wide) => row.error, shrinksTo: 8, keeps: 20 },
  ]
  const widths = (most: number) =>
    table(columns, [wide], most)[1]!
      .split('  ')
      .map((cell) => cell.length)
  assert.deepEqual(widths(60), [29, 29])
  assert.deepEqual(widths(32), [10, 20])
  assert.deepEqual(widths(28), [6, 20])
  assert.deepEqual(widths(20), [6, 12])
  assert.deepEqual(widths(10), [6, 8])
})
