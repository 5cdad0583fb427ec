import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyDesk, entryOf, filledDesk } from '../../../test/support/desk-tables.ts'
import type { DeskState } from '../../model/desk.ts'

test('each change says which message became the head of its lane by it, and changes no entry', async () => {
  const { tables } = emptyDesk()
  const { desk } = tables
  const entry = (n: number, state: DeskState) => Object.freeze(entryOf(n, { state }))
  const stateOf = async (id: number) => (await desk.entry(id))?.state
  const [first, second, third] = [entry(0, 'line'), entry(1, 'line'), entry(2, 'line')]
  // A lane without a head takes the first that joins; the next in line stays in line.
  assert.equal(desk.apply({ do: 'put', entry: first }), 1)
  assert.equal(desk.apply({ do: 'put', entry: second }), 0)
  assert.equal(desk.apply({ do: 'put', entry: third }), 0)
  assert.deepEqual([await stateOf(1), await stateOf(2), await stateOf(3)], ['trying', 'line', 'line'])
  // When the head leaves, the next in line becomes the head.
  assert.equal(desk.apply({ do: 'remove', entry: first }), 2)
  assert.equal(desk.apply({ do: 'update', entry: { ...second, state: 'held', lane: null }, leaves: 'a' }), 3)
  assert.equal(desk.apply({ do: 'resolve', entry: third, state: 'discarded', at: 1 }), 0)
  // A message that stood alone joins a lane that has no head.
  assert.equal(desk.apply({ do: 'update', entry: { ...second, state: 'line' }, leaves: null }), 2)
  assert.equal(await stateOf(2), 'trying')
})

test('a change of a message that is not there fails', () => {
  const { desk } = emptyDesk().tables
  const entry = entryOf(0)
  const gone = /desk entry 1 no longer exists/
  assert.throws(() => desk.apply({ do: 'update', entry }), gone)
  assert.throws(() => desk.apply({ do: 'remove', entry }), gone)
  assert.throws(() => desk.apply({ do: 'resolve', entry, state: 'handled', at: 1 }), gone)
})

test('a place at the end of a lane is a number that no later message gets', () => {
  const { desk } = emptyDesk().tables
  const entry = entryOf(0)
  desk.apply({ do: 'put', entry })
  assert.equal(desk.lastNumber(), 1)
  desk.apply({ do: 'update', entry: { ...entry, place: 7 } })
  assert.equal(desk.lastNumber(), 7)
})

test('a start gets each lane once, however many there are', async () => {
  const { tables } = filledDesk()
  const names = Array.from({ length: 2_500 }, (_, n) => `lane "${n}"\0é`)
  for (const [n, context] of names.entries()) {
    tables.apply({ do: 'put', entry: entryOf(1_000 + n, { processor: 'r', stream: 2, context }) })
  }
  const found: string[] = []
  await tables.desk.lanes('r', 2, (context) => found.push(context))
  const others = ['a', 'b', 'c', 'd']
  assert.deepEqual(found.filter((context) => !others.includes(context)).toSorted(), names.toSorted())
  assert.equal(found.length, new Set(found).size)
})

test('resolved messages are forgotten after their time, and nothing else', async () => {
  const { tables, entries } = filledDesk()
  const resolved = entries.filter(({ state }) => state === 'handled' || state === 'discarded')
  const old = resolved.filter(({ id }) => id - 1 < 200)
  assert.equal(await tables.desk.forgetResolved(200), old.length)
  assert.equal(await tables.desk.forgetResolved(200), 0)
  for (const { id } of entries) {
    assert.equal(
      (await tables.desk.entry(id)) === undefined,
      old.some((entry) => entry.id === id),
    )
  }
})

test('no read or change reads more of the table than it returns', async () => {
  const { tables, views, asked, planOf } = filledDesk()
  const { desk } = tables
  const lane = { processor: 'p', stream: 1, lane: 'a' }
  await desk.heads('p', 1, () => {})
  await desk.lanes('p', 1, () => {})
  await desk.headOf(lane)
  await desk.line(lane, 0, 64)
  await desk.askedEntry('m4')
  await desk.forgetResolved(1)
  views.item(1, { line: 10, history: 10 })
  views.counts(0)
  views.processors()
  const later = entryOf(1_001, { context: 'new', state: 'line' })
  desk.apply({ do: 'put', entry: entryOf(1_000, { context: 'new' }) })
  desk.apply({ do: 'put', entry: later })
  desk.apply({ do: 'update', entry: { ...later, state: 'trying' } })
  desk.apply({ do: 'resolve', entry: later, state: 'handled', at: 1 })
  desk.apply({ do: 'remove', entry: later })
  desk.clear('q', 1)
  for (const sql of asked) {
    for (const step of planOf(sql)) assert.doesNotMatch(step, /^SCAN (millrace_desk|[dl])( |$)|\(rowid[<>]/, sql)
  }
})
