import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyFlows, flowOf } from '../../../test/support/flow-tables.ts'
import { messageJson, messageOf } from '../shared/flow-row.ts'
import { FlowRows } from './flow-rows.ts'

test('a flow is read as it was written, and as it ended', () => {
  const rows = new FlowRows(emptyFlows().sql)
  const flow = flowOf(1, { once: 'o', parent: { flow: 7, n: 8 }, rerunOf: 5, mailAfter: { paid: 3 } })
  rows.insert(flow)
  const read = rows.row(1)!
  const { plain: _, ...message } = flow.message
  assert.deepEqual({ ...read, message: { ...read.message } }, { ...flow, message, held: null })
  rows.become({ do: 'state', flow: 1, state: 'completed', error: null, result: { ok: 1 }, endedAt: 9 })
  const { state, result, endedAt } = rows.row(1)!
  assert.deepEqual([state, result, endedAt], ['completed', { ok: 1 }, 9])
  assert.equal(rows.startedBy({ flow: 7, n: 8 }), undefined)
})

test('a successor takes over the value that only one flow may have', () => {
  const rows = new FlowRows(emptyFlows().sql)
  rows.insert(flowOf(1, { once: 'o' }))
  rows.insert(flowOf(2, { once: 'o', continues: 1 }))
  assert.deepEqual([rows.row(1)!.once, rows.row(2)!.once], [null, 'o'])
  assert.equal(rows.hasOnce('m', 'o'), true)
})

test('the first queued flow is next once no other flow of its context is under way', () => {
  const rows = new FlowRows(emptyFlows().sql)
  const of = { mediator: 'm', context: 'a' }
  rows.insert(flowOf(1))
  rows.insert(flowOf(2, { state: 'queued' }))
  rows.insert(flowOf(3, { state: 'queued' }))
  assert.equal(rows.next(of), undefined)
  assert.deepEqual(rows.underWay(of, 0, 10), [1])
  rows.become({ do: 'state', flow: 1, state: 'completed', error: null, endedAt: 9 })
  assert.equal(rows.next(of), 2)
})

test('a message that was written under the old name of its trace has it, and one of today keeps its own', () => {
  const { message } = flowOf(1)
  const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const { trace: _, ...old } = JSON.parse(messageJson(message))
  assert.equal(messageOf(JSON.stringify({ ...old, traceparent: trace })).trace, trace)
  assert.equal(messageOf(JSON.stringify({ ...old, traceparent: null })).trace, null)
  assert.equal(messageOf(JSON.stringify({ ...old, trace })).trace, trace)
})
