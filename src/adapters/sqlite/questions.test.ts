import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyFlows, flowOf, stepOf } from '../../../test/support/flow-tables.ts'
import { FlowRows } from './flow-rows.ts'
import { QuestionTable } from './questions.ts'

test('a question is open until it is closed, and may pass to another person', () => {
  const { sql } = emptyFlows()
  new FlowRows(sql).insert(flowOf(1))
  const questions = new QuestionTable(sql)
  questions.ask(1, stepOf(4, { step: 'approve', what: 'Approve it?', data: { to: 'ann', due: 30 }, at: 2 }))
  const asked = { id: 4, flow: 1, mediator: 'm', context: 'a', step: 'approve', title: 'Approve it?' }
  assert.deepEqual(questions.list({}), [{ ...asked, to: 'ann', escalated: false, askedAt: 2, dueAt: 30 }])
  questions.escalate(1, 4, 'bob')
  assert.deepEqual(questions.list({ to: 'ann' }), [])
  assert.equal(questions.list({ to: 'bob', mediator: 'm' })[0]!.escalated, true)
  questions.close(1, 'approve')
  assert.deepEqual(questions.list({}), [])
})
