// The parts of the pages of messages, flows, the map and the system that need no browser.
import assert from 'node:assert/strict'
import test from 'node:test'
import { marksOf, markText, partOfIn, toneOf } from '../../src/dashboard/pure/marks.ts'
import { rateText } from '../../src/dashboard/pure/rates.ts'
import { placeOf } from '../../src/dashboard/pure/routes.ts'
import { filterOf, searchOf, timeOf } from '../../src/dashboard/pure/search.ts'
import { barOf, stepText } from '../../src/dashboard/pure/steps.ts'
import { treeOf } from '../../src/dashboard/pure/story.ts'
import { rolesWith, took } from '../../src/dashboard/pure/words.ts'
import type { MessageRow } from '../../src/model/message-views.ts'
import { permissions, roles } from '../../src/model/permissions.ts'
import type { ProcessorRow } from '../../src/operate/processors.ts'

const row = (name: string, handled: number, more: Partial<ProcessorRow> = {}) =>
  ({ name, on: 'orders', state: 'live', held: 0, lag: 0, counts: { handled, failed: 0 }, ...more }) as ProcessorRow

test('a part on the map has the rate between two looks, the sums of its processors and the worst of their states', () => {
  const partOf = partOfIn([{ name: 'flow' }, { name: 'ledger' }])
  const before = { at: 1_000, rows: [row('ledger', 10), row('flow', 5), row('flow.replies', 0)] }
  const now = {
    at: 3_000,
    rows: [
      row('ledger', 16, { held: 2 }),
      row('flow', 9, { lag: 1 }),
      row('flow.replies', 2, { lag: 3, state: 'paused' }),
    ],
  }
  const marks = marksOf(now, before, partOf)
  assert.deepEqual([...marks.keys()], ['ledger', 'flow'])
  const [ledger, flow] = [marks.get('ledger')!, marks.get('flow')!]
  assert.deepEqual([ledger.rate, ledger.held, toneOf(ledger), markText(ledger)], [3, 2, 'held', '2 held · 3/s'])
  assert.deepEqual([flow.rate, flow.lag, flow.state, markText(flow)], [3, 4, 'paused', 'paused · 4 to do · 3/s'])
})

test('a first look has no rate, and counters that began anew count from nothing', () => {
  const partOf = partOfIn([{ name: 'ledger' }])
  const first = { at: 1_000, rows: [row('ledger', 10)] }
  assert.equal(marksOf(first, undefined, partOf).get('ledger')!.rate, undefined)
  const anew = { at: 2_000, rows: [row('ledger', 4)] }
  assert.equal(marksOf(anew, first, partOf).get('ledger')!.rate, 4)
  assert.deepEqual([undefined, 0.01, 0.25, 3, 1_234.4].map(rateText), ['', '', '0.3/s', '3/s', '1,234/s'])
})

const told = (id: string, causationId: string | null) => ({ id, causationId }) as MessageRow

test('a story is a tree of causes, each message once, also where causes are missing or run in a circle', () => {
  const rows = [
    told('a', null),
    told('b', 'a'),
    told('c', 'a'),
    told('d', 'b'),
    told('lost', 'gone'),
    told('x', 'y'),
    told('y', 'x'),
  ]
  assert.deepEqual(
    treeOf(rows).map(({ row: { id }, depth, isLate }) => `${depth} ${id}${isLate ? ' late' : ''}`),
    ['0 a', '1 b', '2 d', '1 c', '0 lost late', '0 x late', '1 y'],
  )
  assert.deepEqual(
    treeOf([told('booked', null), told('take', 'booked/0')]).map(({ row: { id }, depth }) => `${depth} ${id}`),
    ['0 booked', '1 take'],
    'a flow that a route has started',
  )
  const chain = Array.from({ length: 20_000 }, (_, n) => told(`${n}`, n === 0 ? null : `${n - 1}`))
  assert.equal(treeOf(chain).at(-1)!.depth, 19_999)
})

test('a search of messages is its address, and times may be spans', () => {
  const search = searchOf(new URLSearchParams('type=order.placed&since=2h&flow=f-1&other=x'))
  assert.deepEqual(search, { type: 'order.placed', since: '2h', flow: 'f-1' })
  const now = Date.parse('2026-01-02T03:00:00Z')
  assert.deepEqual(filterOf(search, now), {
    ...{ type: 'order.placed', correlation: 'f-1', since: now - 7_200_000, until: undefined },
  })
  assert.equal(timeOf('2026-01-02T01:00Z', now), now - 7_200_000)
  assert.equal(timeOf('soon', now), undefined)
})

test('names in addresses are read as they are, and one that cannot be read is no page', () => {
  const name = 'a/b c%ü?#'
  assert.deepEqual(placeOf(`/messages/${encodeURIComponent(name)}/story`), { page: 'story', id: name })
  assert.deepEqual(placeOf(`/system/parts/${encodeURIComponent(name)}`), { page: 'part', id: name })
  assert.deepEqual(placeOf('/messages/%E0%A4%A'), { page: 'unknown' })
  assert.deepEqual(placeOf('/flows/12'), { page: 'flow', id: 12 })
})

test('the page names the roles that have a permission', () => {
  for (const permission of permissions) {
    const named = rolesWith[permission].split(/, | or /)
    const having = Object.entries(roles).filter(([, has]) => (has as readonly string[]).includes(permission))
    assert.deepEqual(
      named,
      having.map(([role]) => role),
      permission,
    )
  }
})

test('a step is a bar on the line of its flow, wide enough to be seen', () => {
  assert.deepEqual(barOf({ beganAt: 150, endedAt: 200 }, 100, 300), { x: 25, width: 25 })
  assert.deepEqual(barOf({ beganAt: 300, endedAt: 300 }, 100, 300), { x: 99, width: 1 })
  assert.deepEqual(barOf({ beganAt: 200, endedAt: null }, 100, 300), { x: 50, width: 50 })
  assert.equal(stepText({ kind: 'call', what: 'charge' }), 'the reply to the command charge')
  assert.deepEqual([0, 0.44, 130.4, 61_000].map(took), ['0 ms', '0.4 ms', '130 ms', '1 min'])
})
