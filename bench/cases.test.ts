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

test('ratios are the value by each, the best peer is named, what has no counterpart is null', () => {
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

test('no line of the table is longer than 80 columns', () => {
  const columns = { millrace: { perSecond: 999_999 }, raw: { perSecond: 999_999 }, rawShape: { perSecond: 999_999 } }
  const peers = new Map([['plainjob', { perSecond: 999_999 }]])
  const rows = all.flatMap(({ lines }) => lines.map((line) => row(resultOf(line, { columns, peers }))))
  for (const text of [header, ...rows]) assert.ok(text.length <= 80, text)
})

test('options that are unknown or do not go together are refused', () => {
  assert.throws(() => parseOptions(['--quik']), /--quik/)
  assert.throws(() => parseOptions(['--quick', '--full']), /--quick and --full/)
  assert.equal(parseOptions(['--quick']).scale, 'quick')
  assert.equal(parseOptions([]).scale, 'standard')
})
