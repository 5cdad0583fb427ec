// The parts of the dashboard that need no browser.
import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { groupCards, partCards } from '../../src/dashboard/pure/cards.ts'
import { editable, jsonProblem, laidOut } from '../../src/dashboard/pure/json.ts'
import { valueAt } from '../../src/dashboard/pure/pointer.ts'
import { addressOf, placeOf } from '../../src/dashboard/pure/routes.ts'
import { timeOf } from '../../src/dashboard/pure/timeline.ts'
import { ago, count, quoted, visible } from '../../src/dashboard/pure/words.ts'
import type { AuditRow } from '../../src/model/desk.ts'
import type { DeskGroup } from '../../src/model/desk-views.ts'

test('the value at a JSON Pointer is found, and no other', () => {
  const data = { 'x/y': { '~': [1, { z: null }] } }
  assert.deepEqual(
    ['', '/x~1y/~0/0', '/x~1y/~0/1/z', '/x~1y/~0/2', '/toString', '/x~1y/~0/length/a'].map((path) =>
      valueAt(data, path),
    ),
    [data, 1, null, undefined, undefined, undefined],
  )
})

test('JSON is laid out with its digits and its texts as they are', () => {
  assert.equal(
    laidOut('{"n":1.10,"big":1152921504606846976,"t":"a, {\\"b\\": [1]}","e":{},"l":[[],1,null]}'),
    [
      '{',
      '  "n": 1.10,',
      '  "big": 1152921504606846976,',
      '  "t": "a, {\\"b\\": [1]}",',
      '  "e": {},',
      '  "l": [',
      '    [],',
      '    1,',
      '    null',
      '  ]',
      '}',
    ].join('\n'),
  )
  assert.equal(laidOut('no json'), 'no json')
  assert.equal(editable('"a\u202eb"'), '"a\\u202eb"')
  fc.assert(fc.property(fc.json(), (text) => assert.deepEqual(JSON.parse(editable(text)), JSON.parse(text))))
  fc.assert(fc.property(fc.json(), (text) => assert.deepEqual(JSON.parse(laidOut(text)), JSON.parse(text))))
})

test('an error in JSON is told with its line', () => {
  assert.equal(jsonProblem('{"a": 1}'), undefined)
  assert.equal(jsonProblem('{\n  "a": 1,\n  b\n}')?.line, 3)
  assert.equal(jsonProblem('{\n')?.line, 2)
})

test('each page has one address, and others are of no page', () => {
  assert.deepEqual(placeOf('/'), { page: 'home' })
  assert.deepEqual(placeOf('/desk/'), { page: 'desk' })
  assert.deepEqual(placeOf('/desk/17/correct'), { page: 'correct', id: 17 })
  assert.deepEqual(placeOf('/desk/g/3'), { page: 'group', id: 3 })
  for (const path of ['/desk/x', '/desk/1/2', '/DESK', '/desk/9999999999999999']) {
    assert.deepEqual(placeOf(path), { page: 'unknown' }, path)
  }
  assert.equal(addressOf('/desk', { part: 'a&b', state: undefined }), '/desk?part=a%26b')
})

test('signs that cannot be seen or turn the direction of writing are shown as what they are', () => {
  assert.equal(visible('a\u202eb\u0000c\u200bd\ue000 é 日本\n\t😀'), 'a\\u{202e}b\\u{0}c\\u{200b}d\ue000 é 日本\n\t😀')
})

test('counts and times are said as people say them, and texts are quoted for a shell', () => {
  assert.deepEqual(
    [1, 1_000].map((n) => count(n, 'message')),
    ['1 message', '1,000 messages'],
  )
  assert.deepEqual(
    [0, 59_999, 60_000, 7_200_000, 86_400_000, 200_000_000].map((ms) => ago(0, ms)),
    ['just now', 'just now', '1 min ago', '2 h ago', '1 day ago', '2 days ago'],
  )
  assert.deepEqual(['plain-1.ts', "it's $x"].map(quoted), ['plain-1.ts', `'it'\\''s $x'`])
})

test('a group that is kept quiet is no card; a part that is paused says by whom', () => {
  const group: DeskGroup = {
    ...{ id: 4, processor: 'labels', type: 'order.placed', error: 'Error: no such article', held: 2, snoozed: 0 },
    ...{ snooze: null, note: null, help: null, owner: null, firstAt: 5, lastAt: 9 },
  }
  assert.deepEqual(groupCards([group]), [
    {
      ...{ key: 'group 4 labels order.placed Error: no such article', to: '/desk/g/4', state: 'held', since: 5 },
      ...{ title: '2 messages of order.placed are held in labels', text: 'no such article' },
    },
  ])
  const snooze = { until: 1, orCount: 4, by: 'ada', at: 0, reason: 'later' }
  assert.deepEqual(groupCards([{ ...group, snooze }]), [])
  const paused = { processor: 'labels', at: 7, by: 'ada', reason: 'the printer' }
  const row = { name: 'labels', on: 'orders', state: 'paused', paused, lag: 3, held: 0 } as never
  const [card] = partCards([row])
  assert.match(card!.text, /ada paused it: the printer\. 3 messages to do\./)
  assert.equal(card!.since, 7)
})

test('attempts and people are on one line of time, the newest first', () => {
  const line = (
    at: number,
    by: string,
    action: AuditRow['action'],
    reason: string | null = null,
    detail: unknown = null,
  ) => ({ id: at, at, by, action, item: 1, group: null, subject: 'labels', reason, detail }) satisfies AuditRow
  const failed = { code: 'Error', message: 'no such article' }
  const tries = [
    { at: 1, ...failed },
    { at: 3, ...failed, version: '2' },
  ]
  const history = [
    line(4, 'millrace', 'held'),
    line(5, 'ada', 'noted', null, { text: 'ticket 7' }),
    line(6, 'ada', 'released'),
  ]
  assert.deepEqual(
    timeOf({ tries, history }).map(({ title, text }) => [title, text]),
    [
      ['ada released', ''],
      ['ada wrote', 'ticket 7'],
      ['It was held', ''],
      ['Attempt failed, version 2', 'as before'],
      ['Attempt failed', 'no such article'],
    ],
  )
})
