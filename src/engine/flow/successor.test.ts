import assert from 'node:assert/strict'
import test from 'node:test'
import type { FlowRow } from '../../model/flow-views.ts'
import { successorOf } from './successor.ts'

const row = { id: 1, context: 'o-1', once: 'k', parent: { flow: 5, n: 2 }, state: 'running' } as unknown as FlowRow
const next = { id: 2, context: 'o-1', once: null, parent: null, state: 'queued', mailAfter: null } as unknown as FlowRow

test('a flow takes over what its predecessor had: its value, its parent, its turn and its mail', () => {
  const taken = successorOf({ row, mail: { paid: 3 } }, next)
  assert.deepEqual(taken, {
    ...next,
    state: 'running',
    mailAfter: { paid: 3 },
    continues: 1,
    once: 'k',
    parent: { flow: 5, n: 2 },
  })
})

test('in another context it waits for its turn, and has mail of its own', () => {
  const taken = successorOf({ row, mail: { paid: 3 } }, { ...next, context: 'o-2' })
  assert.deepEqual([taken.state, taken.mailAfter, taken.once], ['queued', null, 'k'])
})
