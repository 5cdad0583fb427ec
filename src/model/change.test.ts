import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { applyChange, type ChangeList, changeData, checkChangeList, type DataChange } from './change.ts'
import { Stored } from './codec.ts'
import { event } from './message.ts'

const change = (json: string, ...list: DataChange[]) => applyChange(json, list)
const fits = (json: string, path: string) => ({ op: 'test', path, value: valueAt(JSON.parse(json), path) }) as const

/** The plain meaning of a path, for values. */
function valueAt(value: unknown, path: string): unknown {
  return namesOf(path).reduce((within, name) => (within as Record<string, unknown>)[name], value)
}

const namesOf = (path: string) =>
  path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))

/** The plain meaning of a change, for values. */
function applied(value: unknown, { op, path, ...rest }: DataChange): unknown {
  const names = namesOf(path)
  const given = 'value' in rest ? structuredClone(rest.value) : undefined
  if (op === 'test') return value
  if (names.length === 0) return given
  const copy = structuredClone(value)
  const name = names.at(-1)!
  const within = names.slice(0, -1).reduce((at, each) => (at as Record<string, unknown>)[each], copy)
  if (Array.isArray(within)) {
    const at = name === '-' ? within.length : Number(name)
    if (op === 'add') within.splice(at, 0, given)
    else if (op === 'remove') within.splice(at, 1)
    else within[at] = given
  } else {
    const table = within as Record<string, unknown>
    if (op === 'remove') delete table[name]
    else Object.defineProperty(table, name, { value: given, enumerable: true, configurable: true, writable: true })
  }
  return copy
}

const partOf = (name: string) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`

/** Every place of a value, as a path. */
function pathsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return ['']
  return ['', ...Object.entries(value).flatMap(([name, child]) => pathsIn(child).map((path) => partOf(name) + path))]
}

/** JSON text of a value with white space, escapes and digits that JSON.stringify would not write. */
function loosely(value: unknown, space: () => string): string {
  const within = (open: string, parts: readonly string[], close: string) =>
    `${open}${space()}${parts.join(`${space()},${space()}`)}${space()}${close}`
  if (Array.isArray(value))
    return within(
      '[',
      value.map((one) => loosely(one, space)),
      ']',
    )
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(
      ([name, one]) => `${escaped(name)}${space()}:${space()}${loosely(one, space)}`,
    )
    return within('{', members, '}')
  }
  if (typeof value === 'string') return escaped(value)
  return typeof value === 'number' && Number.isInteger(value) ? `${JSON.stringify(value + 0)}` : JSON.stringify(value)
}

const escaped = (text: string) => JSON.stringify(text).replaceAll('e', '\\u0065')

const documents = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown)

/** A document as loose text, and a change that fits it. */
const fitting = fc
  .record({
    value: documents,
    spaces: fc.array(fc.constantFrom('', ' ', '\n  ', '\t', '\r\n'), { minLength: 1, maxLength: 5 }),
    op: fc.constantFrom('test', 'add', 'replace', 'remove'),
    at: fc.nat(),
    name: fc.oneof(fc.string(), fc.constantFrom('a/b', '~', '__proto__', '', 'constructor')),
    given: documents,
  })
  .map(({ value, spaces, op, at, name, given }) => {
    let turn = 0
    const text = loosely(value, () => spaces[turn++ % spaces.length]!)
    const paths = pathsIn(value)
    let path = paths[at % paths.length]!
    if (op === 'add') {
      const within = valueAt(value, path)
      if (Array.isArray(within)) path += at % 3 === 0 ? '/-' : `/${at % (within.length + 1)}`
      else if (typeof within === 'object' && within !== null) path += partOf(name)
      else path = ''
    }
    if (op === 'remove' && path === '') return { text, made: { op: 'replace', path, value: given } as DataChange }
    const expected = op === 'test' ? valueAt(value, path) : given
    return { text, made: (op === 'remove' ? { op, path } : { op, path, value: expected }) as DataChange }
  })

test('a change of a text makes what the same change of its value makes', () => {
  fc.assert(
    fc.property(fitting, ({ text, made }) => {
      assert.deepEqual(JSON.parse(change(text, made)), applied(JSON.parse(text), made))
    }),
    { numRuns: 500 },
  )
})

const mark = '\u0001 the mark'

test('every character outside of the change stays as it was', () => {
  fc.assert(
    fc.property(fitting, ({ text, made }) => {
      if (made.op === 'test') return assert.equal(change(text, made), text)
      if (made.op === 'remove') {
        // One part is gone, and nothing came in its place.
        const after = change(text, made)
        let start = 0
        while (start < after.length && text[start] === after[start]) start++
        const gone = text.length - after.length
        return assert.equal(text.slice(0, start) + text.slice(start + gone), after)
      }
      const [before, behind, ...none] = change(text, { ...made, value: mark }).split(JSON.stringify(mark))
      assert.equal(none.length, 0)
      const start = before!.replace(/,?("(\\.|[^"\\])*":)?$/, '')
      assert(text.startsWith(start) && text.endsWith(behind!.replace(/^,/, '')))
      if (made.op === 'add' && made.path !== '') return
      // What the mark stands for is the value that was there, and nothing else.
      assert(text.startsWith(before!) && text.endsWith(behind!))
      const was = text.slice(before!.length, text.length - behind!.length)
      assert.deepEqual(JSON.parse(was), valueAt(JSON.parse(text), made.path))
    }),
    { numRuns: 500 },
  )
})

test('numbers keep their digits, names their order, white space its place', () => {
  const text = '{ "b": 1.10,\n  "n": 1152921504606846977, "sku": "seive", "é": [1.0 , 2.50],"a":-0 }'
  assert.equal(change(text, { op: 'replace', path: '/sku', value: 'sieve' }), text.replace('seive', 'sieve'))
  assert.equal(change(text, { op: 'replace', path: '/é/0', value: 3 }), text.replace('1.0 ,', '3 ,'))
  assert.equal(change(text, { op: 'remove', path: '/n' }), text.replace('"n": 1152921504606846977, ', ''))
  assert.equal(change(text, { op: 'remove', path: '/a' }), text.replace(',"a":-0', ''))
  assert.equal(change(text, { op: 'add', path: '/é/-', value: 4 }), text.replace('2.50]', '2.50,4]'))
  assert.equal(change(text, { op: 'add', path: '/é/1', value: 4 }), text.replace('2.50]', '4,2.50]'))
  assert.equal(change(text, { op: 'add', path: '/b', value: 2 }), text.replace('1.10', '2'))
  assert.equal(change(text, { op: 'add', path: '/a~1b', value: {} }), text.replace('-0', '-0,"a/b":{}'))
  assert.equal(change('{}', { op: 'add', path: '/a', value: 1 }), '{"a":1}')
})

test('changes are made one after the other, and a test that fails leaves nothing changed', () => {
  const text = '{"lines":[{"sku":"a"},{"sku":"b"}]}'
  const list: ChangeList = [
    { op: 'test', path: '/lines/0', value: { sku: 'a' } },
    { op: 'remove', path: '/lines/0' },
    { op: 'replace', path: '/lines/0/sku', value: 'c' },
  ]
  assert.equal(applyChange(text, list), '{"lines":[{"sku":"c"}]}')
  // Applied again it does not fit: the test sees it.
  assert.throws(() => applyChange(applyChange(text, list), list), { code: 'millrace/change-does-not-fit' })
})

test('a change that does not fit is told with the change, the path and the kind found, never a value', () => {
  const text = '{"card":"4111","lines":[1],"twice":1,"twice":2,"gone":null}'
  for (const [made, message] of [
    [{ op: 'replace', path: '/sku', value: 1 }, 'change 1 of 1 (replace "/sku") does not fit: there is no "/sku"'],
    [{ op: 'remove', path: '/lines/1' }, /there is no "\/lines\/1"/],
    [{ op: 'add', path: '/lines/7', value: 1 }, /there is no "\/lines\/7": the list has 1 elements/],
    [{ op: 'remove', path: '/lines/-' }, /there is no "\/lines\/-"/],
    [{ op: 'add', path: '/lines/x', value: 1 }, /"\/lines" is a list, and "x" is no place in it/],
    [{ op: 'add', path: '/card/number', value: 1 }, /"\/card" is a string, not an object or a list/],
    [{ op: 'replace', path: '/gone/a/b', value: 1 }, /"\/gone" is null, not an object/],
    [{ op: 'test', path: '/card', value: '4000' }, /found a string, which is another value/],
    [{ op: 'replace', path: '/twice', value: 3 }, /"\/twice" is there twice/],
  ] as const) {
    assert.throws(() => change(text, made), { code: 'millrace/change-does-not-fit', message })
  }
  assert.throws(() => change('7', { op: 'remove', path: '/a' }), /all of the data is a number/)
  assert.throws(() => change('{not json', { op: 'remove', path: '/a' }), /the data are no JSON/)
})

test('data that are nested as deeply as JSON goes are changed too', () => {
  const text = `{"deep":${'['.repeat(5_000)}${']'.repeat(5_000)},"a":1}`
  assert.equal(change(text, { op: 'replace', path: '/a', value: 2 }), text.replace('"a":1', '"a":2'))
})

test('an invalid change list is refused with the fault, its place and the allowed values', () => {
  for (const [given, message] of [
    [undefined, /the change is no list/],
    [[], /has 0 changes, but must be a list of 1 to 100/],
    [Array(101).fill({ op: 'remove', path: '/a' }), /has 101 changes/],
    [['x'], /change 1 must be an object/],
    [[{ op: 'replase', path: '/a', value: 1 }], /did you mean "replace"/],
    [[{ op: 'move', from: '/a', path: '/b' }], /has op "move", but must have test, add, replace, remove/],
    [[{ op: 'add', path: '/a' }], /change 1 \(add\) needs a value/],
    [[{ op: 'remove', path: '/a', value: 1 }], /value/],
    [[{ op: 'remove', path: '' }], /removes all of the data/],
    [[{ op: 'remove', path: 'a' }], /JSON Pointer/],
    [[{ op: 'remove', path: '/~2' }], /JSON Pointer/],
    [[{ op: 'remove', path: `/${'a'.repeat(1_024)}` }], /JSON Pointer/],
    [[{ op: 'add', path: '/a', value: () => 1 }], /not plain JSON/],
    [[{ op: 'add', path: '/a', value: 'x'.repeat(65_536) }], /at most 65536/],
  ] as const) {
    assert.throws(() => checkChangeList('desk.select', given), { message })
  }
  const given = [{ op: 'add', path: '', value: { a: 1 } }] as const
  assert.deepEqual(checkChangeList('desk.select', given), given)
})

test('the test of a change fits what it was made from', () => {
  const text = '{"a":{"b":[1,{"c":null}]}}'
  for (const path of pathsIn(JSON.parse(text))) assert.equal(change(text, fits(text, path)), text)
})

const stamp = { stream: 1, id: 'id', ownId: false, source: '', time: 1, correlationId: 'id', causationId: null }
const sku: ChangeList = [{ op: 'replace', path: '/sku', value: 'sieve' }]

test('a message keeps the text of its data but for the change, where the schema returns them as they are', () => {
  const Sold = event('sold', {
    schema: z.object({ sku: z.string(), cents: z.number() }),
    context: ({ sku }) => sku[0]!,
  })
  const text = '{ "cents": 1.10, "sku": "seive" }'
  const message = new Stored('sold', 1, { ...stamp, trace: null }, 's', text)
  message.position = 7
  const made = changeData(Sold, message, sku, 1_000)
  assert.deepEqual([made.json, made.position, made.id], ['{ "cents": 1.10, "sku": "sieve" }', 7, 'id'])
  assert.equal(message.json, text)
  const moved: ChangeList = [{ op: 'replace', path: '/sku', value: 'x' }]
  assert.throws(() => changeData(Sold, message, moved, 1_000), { code: 'millrace/context-changed' })
  assert.throws(() => changeData(Sold, message, [{ op: 'remove', path: '/cents' }], 1_000), {
    code: 'millrace/bad-data',
  })
  assert.throws(() => changeData(Sold, message, sku, 10), { code: 'millrace/too-large' })
})

test('data of which the schema drops a part, or that come from an older version, are stored in the shape of today', () => {
  const schema = z.object({ sku: z.string() })
  const Sold = event('sold', { schema, version: 2, upcast: { 1: (old) => ({ sku: (old as { name: string }).name }) } })
  const old = new Stored('sold', 1, { ...stamp, trace: null }, null, '{ "name":"seive" }')
  const made = changeData(Sold, old, [{ op: 'replace', path: '/name', value: 'sieve' }], 1_000)
  assert.deepEqual([made.version, made.json], [2, '{"sku":"sieve"}'])
  const today = new Stored('sold', 2, { ...stamp, trace: null }, null, '{ "sku":"seive", "more":1 }')
  assert.equal(changeData(Sold, today, sku, 1_000).json, '{"sku":"sieve"}')
})
