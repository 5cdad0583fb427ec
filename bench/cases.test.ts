import assert from 'node:assert/strict'
import { test } from 'node:test'
import { casesAt, only } from './cases.ts'
import { parseOptions } from './options.ts'
import { resultOf } from './result.ts'
import { scales } from './scale.ts'
import { header, row } from './table.ts'

const namesOf = (cases: ReturnType<typeof casesAt>) => cases.flatMap(({ lines }) => lines.map(({ name }) => name))
const all = casesAt(scales.full)

test('each name is there once', () => {
  assert.deepEqual(namesOf(all), [...new Set(namesOf(all))])
})

test('a pattern takes the name itself and the names below it', () => {
  assert.deepEqual(namesOf(only(all, ['publish.1'])), ['publish.1'])
  assert.deepEqual(namesOf(only(all, ['latency.1', 'restart'])), [
    'latency.1.p50',
    'latency.1.p99',
    'restart.1m',
    'restart.1m.start',
  ])
  assert.deepEqual(only(all, ['latenc']), [])
})

test('ratios are the value by each, the best peer is named, a case without counterpart is null', () => {
  const found = {
    columns: { millrace: { perSecond: 600 }, raw: { perSecond: 1000 }, rawShape: { perSecond: 800 } },
    peers: new Map([
      ['slow', { perSecond: 10 }],
      ['fast', { perSecond: 60 }],
    ]),
  }
  const [line] = only(all, ['handle.norow.1000'])[0]!.lines
  assert.deepEqual(resultOf(line!, found), {
    name: 'handle.norow.1000',
    value: 600,
    unit: '/s',
    raw: 1000,
    rawRatio: 0.6,
    rawShape: 800,
    rawShapeRatio: 0.75,
    peer: 'fast',
    peerValue: 60,
    ratio: 10,
    durability: 'fdatasync before acknowledgement',
  })
  const { value, raw, rawRatio, peer, peerValue, ratio } = resultOf(line!, { columns: {}, peers: new Map() })
  assert.deepEqual([value, raw, rawRatio, peer, peerValue, ratio], [null, null, null, null, null, null])
})

test('of times the lowest names the best peer, and the ratio says how many times faster this is', () => {
  const peers = new Map([
    ['quick to answer', { perSecond: 20, p50Ms: 30, p99Ms: 900 }],
    ['steady', { perSecond: 10, p50Ms: 50, p99Ms: 80 }],
  ])
  const columns = { millrace: { perSecond: 600, p50Ms: 2, p99Ms: 4 } }
  const compared = (pattern: string) =>
    only(all, [pattern])[0]!
      .lines.map((line) => resultOf(line, { columns, peers }))
      .map(({ name, peer, peerValue, ratio }) => [name, peer, peerValue, ratio])
  assert.deepEqual(compared('flow.3.seq'), [
    ['flow.3.seq', 'quick to answer', 30, 15],
    ['flow.3.seq.p99', 'steady', 80, 20],
    ['flow.3.seq.syncs', null, null, null],
  ])
  assert.deepEqual(compared('flow.3.100'), [
    ['flow.3.100', 'quick to answer', 20, 30],
    ['flow.3.100.p50', 'quick to answer', 30, 15],
    ['flow.3.100.p99', 'steady', 80, 20],
    ['flow.3.100.syncs', null, null, null],
  ])
  assert.deepEqual(compared('flow.wide1000')[0], ['flow.wide1000', null, null, null])
})

test('no line of the table is longer than 80 columns', () => {
  const columns = { millrace: { perSecond: 999_999 }, raw: { perSecond: 999_999 }, rawShape: { perSecond: 999_999 } }
  const peers = new Map([['openworkflow', { perSecond: 9_999, p50Ms: 9_999, p99Ms: 9_999 }]])
  const rows = all.flatMap(({ lines }) => lines.map((line) => row(resultOf(line, { columns, peers }))))
  for (const text of [header, ...rows]) assert.ok(text.length <= 80, text)
})

test('options that are unknown or do not go together are refused', () => {
  assert.throws(() => parseOptions(['--quik']), /--quik/)
  assert.throws(() => parseOptions(['--quick', '--full']), /--quick and --full/)
  assert.equal(parseOptions(['--quick']).scale, 'quick')
  assert.equal(parseOptions([]).scale, 'standard')
})
