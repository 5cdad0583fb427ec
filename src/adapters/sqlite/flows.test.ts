import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyFlows, flowOf, stepOf } from '../../../test/support/flow-tables.ts'

test('a step that ends elsewhere is an entry of its flow and loses its time; of a flow that is gone nothing is written', async () => {
  const { flows } = emptyFlows()
  flows.write([
    { do: 'start', row: flowOf(1), journal: [stepOf(1)] },
    { do: 'timer', flow: 1, n: 1, due: 30 },
  ])
  const end = stepOf(2, { of: 1 })
  const written = flows.write([
    { do: 'ended', flow: 1, entry: end },
    { do: 'ended', flow: 99, entry: end },
  ])
  assert.deepEqual(written, { ended: [true, false], nextDue: null })
  assert.deepEqual(await flows.journal(1), [stepOf(1), end])
  assert.deepEqual(await flows.journal(99), [])
})

test('a flow that has ended keeps its journal, and has no times and no questions', async () => {
  const { db, flows } = emptyFlows()
  flows.write([
    { do: 'start', row: flowOf(1), journal: [stepOf(1)] },
    { do: 'timer', flow: 1, n: 1, due: 30 },
    { do: 'ask', flow: 1, entry: stepOf(1, { data: { to: null, due: null } }) },
    { do: 'state', flow: 1, state: 'completed', error: null, result: 7, endedAt: 50 },
  ])
  assert.equal(flows.times.next, null)
  assert.deepEqual(db.prepare('select * from millrace_questions').all(), [])
  assert.equal((await flows.row(1))!.result, 7)
  assert.equal(await flows.forget(50), 0)
  assert.equal(await flows.forget(51), 1)
  assert.deepEqual([await flows.row(1), await flows.journal(1)], [undefined, []])
})

test('a take-over counts on from the highest number used, even when its row was forgotten since', async () => {
  const { flows } = emptyFlows()
  flows.write([
    { do: 'start', row: flowOf(8), journal: [stepOf(70)] },
    { do: 'state', flow: 8, state: 'completed', error: null, endedAt: 1 },
  ])
  await flows.forget(9)
  const { last, nextDue } = flows.found()
  assert.equal(last.flow, 8)
  assert.ok(last.entry >= 70)
  assert.equal(nextDue, null)
})
