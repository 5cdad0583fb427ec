import assert from 'node:assert/strict'
import test from 'node:test'
import { coded } from '../../test/support.ts'
import type { FoundParts } from '../seam/names.ts'
import { type AllParts, renameLines, renamesOf } from './renames.ts'

/** A processor on a topic that has messages; nobody else sees what it does. */
const part = (name: string, renamedFrom: readonly string[] = [], more: object = {}) => ({
  name,
  renamedFrom,
  destination: { kind: 'topic', name: 't' },
  declared: new Set(),
  runsAhead: false,
  isPlaced: false,
  ownsChannel: false,
  part: { kind: 'processor', name },
  ...more,
})

const parts = (processors: readonly object[], others: readonly object[] = []) =>
  ({ processors, leftOut: [], others }) as unknown as AllParts

const found = (...processors: string[]): FoundParts => ({
  progress: processors.map((processor) => ({ processor, stream: 1, epoch: 1, low: 3, done: null })),
  streams: [{ id: 1, kind: 'topic', name: 't', first: 2, head: 3 }],
  schedules: ['night'],
})

const rename = (from: string, to: string, what = 'processor') => ({ what, from, to })

test('a new name takes over from the one earlier name that is known, and once', () => {
  const renamed = parts([part('b', ['a'])])
  for (const [known, expected] of [
    [['a'], [rename('a', 'b')]],
    [['b'], []],
    [[], []],
  ] as const) {
    assert.deepEqual(renamesOf(renamed, found(...known)), expected, known.join())
  }
  assert.deepEqual(renamesOf(parts([part('c', ['b', 'a'])]), found('a')), [rename('a', 'c')])
  const refused = (all: AllParts, ...known: string[]) =>
    assert.throws(() => renamesOf(all, found(...known)), coded('millrace/both-names-known'))
  refused(renamed, 'a', 'b')
  refused(parts([part('c', ['b', 'a'])]), 'a', 'b')
})

test('the channel of a gather and its type are renamed with the processor that has them', () => {
  const due = part('b.due', ['a.due'], { ownsChannel: true })
  const expected = ['processor', 'stream', 'type'].map((what) => rename('a.due', 'b.due', what))
  assert.deepEqual(renamesOf(parts([due]), found('a.due')), expected)
})

test('a schedule takes over where it is new; a mediator without progress looks for flows at each start', () => {
  const others = [
    { kind: 'schedule', name: 'nightly', renamedFrom: ['night'] },
    { kind: 'schedule', name: 'night', renamedFrom: ['other'] },
    { kind: 'mediator', name: 'm', renamedFrom: ['k', 'l'] },
  ]
  const flows = [rename('k', 'm', 'mediator'), rename('l', 'm', 'mediator')]
  assert.deepEqual(renamesOf(parts([], others), found()), [rename('night', 'nightly', 'schedule'), ...flows])
  const own = part('m.t', [], { part: { kind: 'mediator', name: 'm' }, isPlaced: true })
  assert.deepEqual(renamesOf(parts([own], others), found()).slice(1), flows)
  assert.deepEqual(renamesOf(parts([own], others), found('m.t')).slice(1), [])
})

test('a new part is asked about where it repeats commands, somebody is gone, and messages are there', () => {
  const repeats = { declared: new Set([{ kind: 'command' }]) }
  const asked = (all: readonly object[], where: Partial<FoundParts> = {}) => {
    try {
      renamesOf(parts(all), { ...found('gone'), ...where })
      return false
    } catch (error) {
      return coded('millrace/renamed-or-new')(error)
    }
  }
  assert.equal(asked([part('new', [], repeats)]), true)
  assert.equal(asked([part('new', [], { runsAhead: true })]), true)
  assert.equal(asked([part('new', ['misspelt'])]), true)
  assert.equal(asked([part('new')]), false)
  assert.equal(asked([part('new', [], { declared: new Set([{ kind: 'event' }]) })]), false, 'it publishes only')
  assert.equal(asked([part('new', [], { ...repeats, isPlaced: true })]), false)
  assert.equal(asked([part('new', ['gone'], repeats)]), false)
  assert.equal(asked([part('new', [], repeats), part('gone')]), false, 'nobody is gone')
  const empty = { streams: [{ id: 1, kind: 'topic' as const, name: 't', first: 4, head: 3 }] }
  assert.equal(asked([part('new', [], repeats)], empty), false, 'all messages are removed')
  const other = { destination: { kind: 'topic', name: 'other' } }
  assert.equal(asked([part('new', [], { ...repeats, ...other })]), false, 'it is gone from another topic')
})

test('one line tells of each part that has taken over, for all that was renamed for it', () => {
  const flow = { kind: 'mediator', name: 'm' }
  const all = parts([part('m', [], { part: flow }), part('m.t', [], { part: flow })], [flow])
  const renamed = [rename('k', 'm'), rename('k.t', 'm.t'), rename('k', 'm', 'mediator')] as never
  assert.deepEqual(renameLines(all, renamed), [['mediator "m" takes over what "k" had', {}]])
})
