import assert from 'node:assert/strict'
import test from 'node:test'
import type { JournalEntry, Outcome, StepKind } from '../../model/flow.ts'
import type { Message } from '../../model/message.ts'
import type { Step, StepPlan } from './host.ts'
import { Outside } from './outside.ts'
import { Steps } from './steps.ts'

const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const

function outsideOf() {
  const steps = new Steps()
  const status = { isClosed: false, isDismissed: false }
  const ends: string[] = []
  const conclude = (step: Step, outcome: Outcome) => {
    steps.close(step, outcome)
    ends.push(`${step.entry.step}: ${outcome.ok ? 'ok' : outcome.code}`)
  }
  const inbox = { mailHad: () => 4 }
  const begin = (n: number, kind: StepKind, step: string, plan: StepPlan = {}) =>
    steps.begin({ n, of: null, kind, step, what: 'paid', data: null, at: 0 } satisfies JournalEntry, n, plan)
  return { outside: new Outside({ id: 7, steps, inbox, delivery: { conclude }, status }), begin, ends, status }
}
const paid = { type: 'paid', data: {} } as Message

test('a sleep ends well by its time, a wait fails, a call is withdrawn first', () => {
  const { outside, begin, ends } = outsideOf()
  begin(1, 'sleep', 'a day')
  begin(2, 'wait', 'payment')
  const call = begin(3, 'call', 'take')
  assert.deepEqual([outside.timeUp(1), outside.timeUp(2), outside.timeUp(3)], [undefined, undefined, call])
  outside.withdrawn(call, 'never', 'took too long')
  outside.withdrawn(call, 'never', 'lost a race')
  assert.deepEqual(ends, ['a day: ok', 'payment: millrace/step-timed-out', 'take: millrace/step-timed-out'])
  assert.equal(outside.timeUp(1), undefined)
})

test('mail ends the first wait for its type, once', () => {
  const { outside, begin, ends } = outsideOf()
  begin(1, 'wait', 'first')
  begin(2, 'wait', 'second')
  assert.deepEqual([...outside.awaited], ['paid'])
  assert.equal(outside.mail(4, paid), false)
  assert.equal(outside.mail(5, paid), true)
  assert.deepEqual(ends, ['first: ok'])
})

test('after its function has ended a flow awaits only what its undos await', () => {
  const { outside, begin, ends, status } = outsideOf()
  begin(1, 'wait', 'payment')
  status.isClosed = true
  assert.deepEqual([outside.awaited.size, outside.mail(5, paid)], [0, false])
  begin(2, 'wait', 'undo take/returned')
  assert.equal(outside.mail(5, paid), true)
  assert.deepEqual(ends, ['undo take/returned: ok'])
})

test('a dismissed flow awaits nothing', () => {
  const { outside, begin, status } = outsideOf()
  begin(1, 'wait', 'undo take/returned')
  status.isClosed = true
  status.isDismissed = true
  assert.equal(outside.awaited.size, 0)
})

test('an answer ends the question of that name; another name is refused with those that are asked', () => {
  const { outside, begin, ends } = outsideOf()
  assert.throws(() => outside.answer('large?', 1), /it asks nothing now/)
  begin(1, 'ask', 'large?', { schema })
  assert.throws(() => outside.answer('small?', 1), /flow 7 does not ask "small\?": it asks "large\?"/)
  outside.answer('large?', { ok: true })
  assert.deepEqual(ends, ['large?: ok'])
})
