import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyDesk, entryOf } from '../../../test/support/desk-tables.ts'

const release = {
  action: 'release',
  by: 'ann',
  reason: null,
  change: null,
  perSecond: null,
  stopAfter: null,
  expiresAt: null,
  oneFirst: false,
  startedAt: 1,
} as const

function threeHeld() {
  const { tables, views } = emptyDesk()
  for (const n of [0, 1, 2]) tables.apply({ do: 'put', entry: entryOf(n, { context: null, inLane: false }) })
  return { tables, operations: tables.operations, views }
}

test('a selection is frozen: messages held later are not in it', async () => {
  const { tables, operations } = threeHeld()
  const { id, total, state } = await operations.select({ ...release, name: 'all' }, {})
  assert.deepEqual([total, state], [3, 'running'])
  tables.apply({ do: 'put', entry: entryOf(3, { context: null, inLane: false }) })
  assert.deepEqual(await operations.remaining(id, 0, 10), [1, 2, 3])
  assert.equal(await operations.firstSelected(id), 1)
})

test('a message counts once, as done or as refused with its reason', async () => {
  const { tables, operations } = threeHeld()
  const { id } = await operations.select({ ...release, name: 'all' }, {})
  for (const error of [null, 'again']) tables.apply({ do: 'selected', operation: id, item: 1, error })
  tables.apply({ do: 'selected', operation: id, item: 2, error: 'gone' })
  const [operation] = await operations.list({ name: 'all' })
  assert.deepEqual([operation!.done, operation!.refused], [2, 1])
  assert.deepEqual(await operations.remaining(id, 0, 10), [3])
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

test('lanes are counted; their messages come lane by lane, and show if their lane has begun', async () => {
  const { tables } = emptyDesk()
  const { operations } = tables
  for (const [n, context] of ['a', 'b', 'a', null, null, 'b'].entries()) {
    tables.apply({ do: 'put', entry: entryOf(n, { context, inLane: false }) })
  }
  tables.apply({ do: 'put', entry: entryOf(6, { context: 'a', inLane: false, processor: 'q' }) })
  const { id, total, lanes } = await operations.select({ ...release, name: 'all' }, {})
  assert.deepEqual([total, lanes], [7, 5])
  const next = async () =>
    (await operations.selected(id, 10)).map(({ item, lane, begun }) => `${item} of ${lane}${begun ? ' begun' : ''}`)
  assert.deepEqual(await next(), ['1 of 1', '3 of 1', '2 of 2', '6 of 2', '4 of 4', '5 of 5', '7 of 7'])
  tables.apply({ do: 'selected', operation: id, item: 1, error: null })
  tables.apply({ do: 'selected', operation: id, item: 2, error: 'gone' })
  assert.deepEqual(await next(), ['3 of 1 begun', '6 of 2', '4 of 4', '5 of 5', '7 of 7'])
})

test('an operation that is prepared runs once it is run, and expires where it is not', async () => {
  const { operations } = threeHeld()
  const by = { by: 'bob' }
  const prepare = (name: string, expiresAt: number) => operations.select({ ...release, name, expiresAt }, {})
  const [first, second, third] = [await prepare('1', 100), await prepare('2', 200), await prepare('3', 300)]
  assert.deepEqual([first.state, await operations.open(0, 10)], ['prepared', []])
  const run = await operations.run(second.id, { ...by, perSecond: 5, stopAfter: 2 }, 150)
  assert.deepEqual([run.state, run.perSecond, run.stopAfter, run.expiresAt], ['running', 5, 2, null])
  await assert.rejects(operations.run(second.id, by, 150), { code: 'millrace/already-running' })
  await assert.rejects(operations.run(first.id, by, 100), { code: 'millrace/operation-ended', message: /has expired/ })
  assert.equal(await operations.expire(150), 300)
  await operations.abort(third.id, by, 160)
  assert.equal(await operations.expire(150), undefined)
  const states = (await operations.list({})).map(({ state, endedAt }) => [state, endedAt])
  assert.deepEqual(states, [
    ['expired', 150],
    ['running', null],
    ['aborted', 160],
  ])
  await assert.rejects(operations.run(first.id, by, 1), { code: 'millrace/operation-ended' })
  await assert.rejects(operations.run(99, by, 1), { code: 'millrace/unknown-operation' })
})

test('a failure counts once, as refused or as held again; a run begins without any', async () => {
  const { tables, operations } = threeHeld()
  const { id } = await operations.select({ ...release, name: 'all', stopAfter: 2, perSecond: 1 }, {})
  tables.apply({ do: 'selected', operation: id, item: 1, error: null, follow: true, nextAt: 70 })
  tables.apply({ do: 'selected', operation: id, item: 2, error: 'gone' })
  assert.deepEqual(await operations.underWay(id, 0, 10), [1])
  for (const _ of [1, 2]) tables.apply({ do: 'tried', operation: id, item: 1, failed: true })
  const [counted] = await operations.list({})
  assert.deepEqual([counted!.failures, counted!.refused, counted!.nextAt], [2, 1, 70])
  assert.deepEqual(await operations.underWay(id, 0, 10), [])
  tables.apply({ do: 'operation', operation: { ...counted!, state: 'stopped', endedAt: 9 } })
  const run = await operations.run(id, { by: 'bob', stopAfter: 1 }, 10)
  const { state, failures, refused, stopAfter, perSecond, nextAt, endedAt } = run
  assert.deepEqual([state, failures, refused, stopAfter, perSecond, nextAt, endedAt], ['running', 0, 1, 1, 1, 70, null])
})
