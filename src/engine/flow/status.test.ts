import assert from 'node:assert/strict'
import test from 'node:test'
import type { FlowState } from '../../model/flow.ts'
import { Ending } from './ending.ts'
import { Journal } from './journal.ts'
import { Status } from './status.ts'

function statusOf(state: FlowState) {
  let n = 0
  const journal = new Journal(7, { now: () => 1_000, entryId: () => ++n })
  const ending = new Ending('sale')
  return { status: new Status({ id: 7, row: { state }, ending, journal }), journal, ending }
}

test('a change of the state is written once, with the time of an end', () => {
  const { status, journal } = statusOf('running')
  status.become('compensating')
  status.become('compensating')
  status.become('compensated')
  const written = journal.take().changes.map((change) => change.do === 'state' && [change.state, change.endedAt])
  assert.deepEqual(written, [
    ['compensating', null],
    ['compensated', 1_000],
  ])
  assert(status.hasEnded)
})

test('a state that cannot follow is refused, and nothing is written', () => {
  const { status, journal } = statusOf('running')
  status.become('completed')
  journal.take()
  assert.throws(() => status.become('running'), /flow 7 is completed and cannot become running/)
  assert.deepEqual([status.state, journal.hasChanges], ['completed', false])
})

test('a stuck flow that is made anew runs until it comes to its obstacle', () => {
  assert.equal(statusOf('stuck').status.state, 'running')
})

test('an obstacle halts a flow with its reason', () => {
  const { status, journal, ending } = statusOf('running')
  const why = { code: 'Error', message: 'why' }
  status.halt('paused', why)
  assert.deepEqual([status.isHalted, status.hasEnded, ending.obstacle], [true, false, why])
  const [change] = journal.take().changes
  assert.deepEqual(change, { do: 'state', flow: 7, state: 'paused', error: why, result: undefined, endedAt: null })
})

test('a function is closed once, by its return or its failure', () => {
  const { status } = statusOf('running')
  assert.deepEqual([status.isOpen, status.close('undoing'), status.close('returned')], [true, true, false])
  assert(status.isClosed && !status.isDismissed)
})

test('after the point of no return a flow is not cancelled, and not undone', () => {
  const { status } = statusOf('running')
  status.checkCancel()
  status.passNoReturn()
  assert.throws(() => status.checkCancel(), { code: 'millrace/past-no-return' })
  assert.throws(() => status.close('undoing'), /is forward and cannot become undoing/)
  assert(!status.isClosed)
})

test('a flow whose function has ended is too busy to be cancelled', () => {
  const { status } = statusOf('running')
  status.close('returned')
  status.passNoReturn()
  assert.throws(() => status.checkCancel(), { code: 'millrace/flow-busy' })
})

test('a dismissed flow stays so', () => {
  const { status } = statusOf('running')
  status.dismiss()
  status.dismiss()
  assert(status.isDismissed && status.isClosed && !status.close('returned'))
})
