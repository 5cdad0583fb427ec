import assert from 'node:assert/strict'
import test from 'node:test'
import type { FlowState, JournalEntry, Outcome, StepKind } from '../../model/flow.ts'
import type { FunctionEnd } from './branches.ts'
import type { Step, StepPlan } from './host.ts'
import { StepNames } from './names.ts'
import { Steps } from './steps.ts'
import { Undo } from './undo.ts'

function undoOf() {
  const steps = new Steps()
  const told: string[] = []
  const journal = { hasChanges: false, lose: ({ entry }: Step) => told.push(`lose ${entry.step}`) }
  const status = {
    state: 'running' as FlowState,
    become: (state: FlowState) => {
      if (state !== status.state) told.push(state)
      status.state = state
    },
    halt: (state: FlowState, { message }: { readonly message: string }) => {
      told.push(`${state}: ${message}`)
      status.state = state
    },
  }
  const conclude = (step: Step, outcome: Outcome) => steps.close(step, outcome)
  const branches = {
    hasLosers: false,
    run: async (fn: () => unknown): Promise<FunctionEnd> => {
      try {
        return { ok: true, value: await fn() }
      } catch (value) {
        return { ok: false, value }
      }
    },
  }
  const host = {
    turn: () => new Promise<void>(setImmediate),
    withdraw: async ({ id }: { readonly id: string }) => {
      told.push(`withdraw ${id}`)
      return 'unknown' as const
    },
  }
  const delivery = { isOpen: ({ outcome }: Step) => outcome === undefined, deliverEndOf: () => false, conclude }
  const flow = { id: 7, steps, journal, replay: { isDone: true }, delivery, branches, status, host }
  const undo = new Undo(flow, new StepNames())
  const begin = (n: number, plan: StepPlan, kind: StepKind = 'call') => {
    const entry: JournalEntry = { n, of: null, kind, step: `step ${n}`, what: 'take', data: null, at: 0 }
    const step = steps.begin(entry, n, plan)
    undo.add(step)
    return step
  }
  const ended = (n: number, plan: StepPlan, outcome: Outcome = { ok: true, value: n }) =>
    steps.close(begin(n, plan), outcome)
  return { undo, begin, ended, told, journal, branches, steps, status }
}

test('steps are undone the last first, each with its result', async () => {
  const { undo, ended, told } = undoOf()
  const undone = (name: string) => (result: unknown) => told.push(`${name} ${JSON.stringify(result)}`)
  ended(1, { undo: undone('a') })
  ended(2, {})
  ended(3, { undo: undone('c') })
  await undo.advance()
  assert.deepEqual(told, [
    'compensating',
    'c {"state":"done","reply":3,"commandId":"flow/7/3"}',
    'a {"state":"done","reply":1,"commandId":"flow/7/1"}',
    'compensated',
  ])
})

test('a step without an effect is not undone, and a flow without one fails', async () => {
  const { undo, ended, told } = undoOf()
  ended(1, { undo: () => told.push('undone') }, { ok: false, code: 'refused', message: '' })
  await undo.advance()
  assert.deepEqual(told, ['failed'])
})

test('an open call is withdrawn when the changes of the flow are on disk', async () => {
  const { undo, begin, told, journal } = undoOf()
  begin(1, { undo: ({ state }) => told.push(state) })
  journal.hasChanges = true
  await undo.advance()
  assert.deepEqual([told, undo.waitsForDisk], [['compensating'], true])
  journal.hasChanges = false
  undo.saved()
  await undo.advance()
  assert.deepEqual(told, ['compensating', 'withdraw flow/7/1', 'unknown', 'compensated'])
  assert.equal(undo.waitsForDisk, false)
})

test('an undo that throws makes the flow stuck; after a retry it runs again', async () => {
  const { undo, ended, told } = undoOf()
  let fails = true
  const give = () => {
    told.push('undo')
    if (fails) throw new Error('down')
  }
  ended(1, { undo: give })
  await undo.advance()
  assert.deepEqual(told, ['compensating', 'undo', 'stuck: undo of "step 1": down'])
  fails = false
  undo.retry()
  await undo.advance()
  assert.deepEqual(told.slice(3), ['compensating', 'undo', 'compensated'])
})

test('an undo that awaits no step of its own makes the flow stuck', async () => {
  const { undo, ended, told } = undoOf()
  ended(1, { undo: () => new Promise(() => {}) })
  await undo.advance()
  assert.match(told.join(), /compensating,stuck: undo of "step 1": it waits for something that is no step/)
})

test('a subflow under way is told to end once, and its end is waited for', async () => {
  const { undo, begin, told, steps } = undoOf()
  const subflow = begin(1, {}, 'flow')
  await undo.advance()
  await undo.advance()
  assert.deepEqual(told, ['compensating', 'lose step 1'])
  steps.close(subflow, { ok: false, code: 'millrace/subflow-failed', message: '', effects: 'never' })
  await undo.advance()
  assert.deepEqual(told, ['compensating', 'lose step 1', 'failed'])
})

test('the flow does not end while a step that lost its race is open', async () => {
  const { undo, branches, told } = undoOf()
  branches.hasLosers = true
  await undo.advance()
  assert.deepEqual(told, [])
  branches.hasLosers = false
  await undo.advance()
  assert.deepEqual(told, ['failed'])
})
