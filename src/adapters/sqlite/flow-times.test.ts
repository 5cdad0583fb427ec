import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyFlows, flowOf } from '../../../test/support/flow-tables.ts'
import { FlowRows } from './flow-rows.ts'
import { FlowTimeTable } from './flow-times.ts'

function timesOf(...ids: number[]) {
  const { sql } = emptyFlows()
  const rows = new FlowRows(sql)
  for (const id of ids) rows.insert(flowOf(id))
  return { rows, times: new FlowTimeTable(sql) }
}

test('times come in their order, and the next one is the first that is awake', async () => {
  const { times } = timesOf(1, 2)
  times.set(1, 11, 30)
  times.set(2, 12, 20)
  assert.equal(times.next, 20)
  assert.deepEqual(
    (await times.due(30, 10)).map(({ n }) => n),
    [12, 11],
  )
  times.sleep(2, 12)
  assert.equal(times.next, 30)
  assert.deepEqual(await times.due(100, 10), [{ flow: 1, n: 11 }])
  assert.deepEqual(await times.asleep(undefined, 10), [{ due: -20, flow: 2, n: 12, mediator: 'm', state: 'running' }])
  times.wake(2, 12)
  assert.equal(times.next, 20)
})

test('the times of a paused flow sleep, and no wake for one of them counts before it is resumed', () => {
  const { rows, times } = timesOf(1)
  times.set(1, 11, 30)
  rows.become({ do: 'state', flow: 1, state: 'paused', error: null, endedAt: null })
  times.sleepAll(1)
  times.wake(1, 11)
  assert.equal(times.next, null)
  assert.deepEqual(times.of(1), [{ n: 11, due: 30 }])
  rows.become({ do: 'state', flow: 1, state: 'running', error: null, endedAt: null })
  times.wakeAll(1)
  assert.equal(times.next, 30)
})

test('a transaction that changes no time has no news of the next one', () => {
  const { times } = timesOf(1)
  times.begin()
  times.remove(1, 11)
  assert.equal(times.changedNext, undefined)
  times.set(1, 11, 30)
  assert.equal(times.changedNext, 30)
  times.begin()
  times.clear(1)
  assert.equal(times.changedNext, null)
})
