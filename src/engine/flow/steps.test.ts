import assert from 'node:assert/strict'
import test from 'node:test'
import type { JournalEntry, StepKind } from '../../model/flow.ts'
import { nameOf, openCallOf, Steps } from './steps.ts'

const entry = (n: number, kind: StepKind = 'call', what = 'take'): JournalEntry => ({
  n,
  of: null,
  kind,
  step: `step ${n}`,
  what,
  data: null,
  at: 0,
})

test('a step is open until it is closed, and known after that', () => {
  const steps = new Steps()
  const step = steps.begin(entry(1), 1, {})
  assert.deepEqual([...steps.open], [step])
  steps.close(step, { ok: true, value: null })
  assert.equal(steps.open.size, 0)
  assert.deepEqual([steps.has(1), steps.get(1), steps.last], [true, step, step])
})

test('a noted step is known, but never open', () => {
  const steps = new Steps()
  steps.note(entry(2, 'value'))
  assert.deepEqual([steps.has(2), steps.get(2), steps.open.size], [true, undefined, 0])
})

test('the step that failed is found by the very error that the function was given', () => {
  const steps = new Steps()
  const [one, other] = [steps.begin(entry(1), 1, {}), steps.begin(entry(2), 2, {})]
  one.thrown = new Error('down')
  other.thrown = new Error('down')
  assert.equal(steps.failedWith(other.thrown), other)
  assert.equal(steps.failedWith(new Error('down')), undefined)
  assert.equal(steps.failedWith(undefined), undefined)
})

test('the command of a step is that of its last attempt', () => {
  const step = new Steps().begin(entry(1), 6, {})
  assert.deepEqual(openCallOf(7, step), { id: 'flow/7/6', type: 'take' })
})

test('a step is named by its kind, its name and its type where that differs', () => {
  assert.equal(nameOf(entry(1)), 'call "step 1" (take)')
  assert.equal(nameOf(entry(1, 'sleep', '')), 'sleep "step 1"')
  assert.equal(nameOf({ kind: 'send', step: 'take', what: 'take' }), 'send "take"')
})
