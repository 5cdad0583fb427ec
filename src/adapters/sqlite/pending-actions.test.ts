import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyDesk } from '../../../test/support/desk-tables.ts'

test('one action waits for each message, until it is carried out', async () => {
  const { tables } = emptyDesk()
  const { pendingActions } = tables
  const first = { item: 4, action: { do: 'retry' }, at: 1, by: 'ann', reason: undefined } as const
  await pendingActions.add(first)
  await assert.rejects(pendingActions.add({ ...first, by: 'bob' }), {
    code: 'millrace/not-held',
    message: 'ann has asked for "retry" of message 4; the app does it at its start',
  })
  assert.deepEqual(await pendingActions.list(undefined, 10), [first])
  tables.apply({ do: 'granted', item: 4 })
  assert.deepEqual(await pendingActions.list(undefined, 10), [])
  await pendingActions.add({ ...first, by: 'bob' })
})

test('actions come oldest first, slice by slice', async () => {
  const { pendingActions } = emptyDesk().tables
  for (const [item, at] of [
    [3, 5],
    [1, 7],
    [2, 5],
  ] as const) {
    await pendingActions.add({ item, action: { do: 'take back' }, at, by: 'ann' })
  }
  const slice = await pendingActions.list(undefined, 2)
  const rest = await pendingActions.list(slice.at(-1), 2)
  assert.deepEqual(
    [...slice, ...rest].map(({ item }) => item),
    [2, 3, 1],
  )
})
