import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyDesk, entryOf } from '../../../test/support/desk-tables.ts'

const release = { action: 'release', by: 'ann', reason: null, change: null, oneFirst: false, startedAt: 1 } as const

function threeHeld() {
  const { tables, views } = emptyDesk()
  for (const n of [0, 1, 2]) tables.apply({ do: 'put', entry: entryOf(n, { context: null, inLane: false }) })
  return { tables, operations: tables.operations, views }
}

test('a selection is frozen: what is held later is not in it', async () => {
  const { tables, operations } = threeHeld()
  const { id, total, state } = await operations.select({ ...release, name: 'all' }, {})
  assert.deepEqual([total, state], [3, 'running'])
  tables.apply({ do: 'put', entry: entryOf(3, { context: null, inLane: false }) })
  assert.deepEqual(await operations.selected(id, 10), [1, 2, 3])
  assert.equal(await operations.firstSelected(id), 1)
})

test('a message counts once, as done or as refused with its reason', async () => {
  const { tables, operations } = threeHeld()
  const { id } = await operations.select({ ...release, name: 'all' }, {})
  for (const error of [null, 'again']) tables.apply({ do: 'selected', operation: id, item: 1, error })
  tables.apply({ do: 'selected', operation: id, item: 2, error: 'gone' })
  const [operation] = await operations.list({ name: 'all' })
  assert.deepEqual([operation!.done, operation!.refused], [2, 1])
  assert.deepEqual(await operations.selected(id, 10), [3])
  assert.deepEqual(await operations.refused(id, 10), [{ item: 2, why: 'gone' }])
})

test('an operation that has ended stays as it ended', async () => {
  const { tables, operations } = threeHeld()
  const made = await operations.select({ ...release, name: 'all' }, {})
  await operations.abort(made.id, { by: 'bob' }, 5)
  assert.deepEqual(await operations.open(0, 10), [])
  tables.apply({ do: 'operation', operation: { ...made, state: 'done', endedAt: 9 } })
  const [ended] = await operations.list({})
  assert.deepEqual([ended!.state, ended!.endedAt], ['aborted', 5])
  await assert.rejects(operations.abort(made.id, { by: 'bob' }, 6), { code: 'millrace/operation-ended' })
  await assert.rejects(operations.abort(77, { by: 'bob' }, 6), { code: 'millrace/unknown-operation' })
})

test('a name is used once, and a selection of nothing is refused', async () => {
  const { operations } = threeHeld()
  await operations.select({ ...release, name: 'all' }, {})
  await assert.rejects(operations.select({ ...release, name: 'all' }, {}), { code: 'millrace/duplicate-name' })
  const nothing = operations.select({ ...release, name: 'none' }, { processor: 'none' })
  await assert.rejects(nothing, { code: 'millrace/nothing-selected' })
})

test('the outcome is counted from the desk of now', async () => {
  const { tables, operations } = threeHeld()
  const { id } = await operations.select({ ...release, name: 'all' }, {})
  for (const item of [1, 2, 3]) tables.apply({ do: 'selected', operation: id, item, error: null })
  tables.apply({ do: 'update', entry: { ...entryOf(0, { context: null }), lane: null, state: 'trying' } })
  tables.apply({ do: 'remove', entry: entryOf(1, { context: null }) })
  assert.deepEqual(await operations.outcome(id), { handled: 1, trying: 1, held: 1, discarded: 0 })
})
