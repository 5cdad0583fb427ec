import assert from 'node:assert/strict'
import test from 'node:test'
import type { JournalEntry, StepKind } from '../../model/flow.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import { Calls, type CallsFlow } from './calls.ts'
import { Differences } from './differences.ts'
import { Ending } from './ending.ts'
import { Journal } from './journal.ts'
import { StepNames } from './names.ts'
import { Replay } from './replay.ts'
import { Steps } from './steps.ts'

const entry = (n: number, kind: StepKind, step: string, data: unknown = null): JournalEntry => ({
  n,
  of: null,
  kind,
  step,
  what: '',
  data,
  at: 0,
})

function callsOf(known: readonly JournalEntry[] = [], repeated?: number) {
  let number = 100
  const told: string[] = []
  const [replay, steps, ending] = [new Replay(), new Steps(), new Ending('sale')]
  replay.load(known, repeated)
  const spec = { name: 'sale' }
  const host = { spec, unprompted: () => told.push('unprompted'), newFlow: () => ({ id: 9 }) as FlowRow }
  const status = { isClosed: false, passNoReturn: () => told.push('no return') }
  const inbox = { isResting: false }
  const journal = new Journal(7, { now: () => 1_000, entryId: () => ++number })
  const differences = new Differences({ id: 7, row: { version: 1 }, host, replay, steps, ending })
  const branches = { isLost: false, join: () => {} }
  const undo = { add: () => {} }
  const flow = { id: 7, host, journal, replay, steps, branches, undo, inbox, status, differences, lose: () => {} }
  const calls = new Calls(flow as unknown as CallsFlow, new StepNames())
  const written = () => journal.take().changes.map((change) => (change.do === 'entry' ? change.entry : change.do))
  return { calls, replay, steps, status, inbox, branches, differences, told, written }
}

test('a new step is written; a known one is found and written no more', () => {
  const { calls, steps, written } = callsOf([entry(1, 'sleep', 'a day')])
  calls.step('sleep', 'a day', '', { dueAt: 5 })
  assert.deepEqual([steps.has(1), written()], [true, []])
  calls.step('sleep', 'a week', '', { dueAt: 6 })
  const [begun, timer] = written()
  assert.deepEqual([(begun as JournalEntry).step, timer], ['a week', 'timer'])
})

test('a noted value is that of the journal', () => {
  const { calls } = callsOf([entry(1, 'value', 'now', 500)])
  assert.equal(calls.note('value', 'now', '', { data: () => 900 }), 500)
  assert.equal(calls.note('value', 'now', '', { data: () => 900 }), 900)
})

test('a step of another kind, and one where the journal has others ahead, are differences', () => {
  const other = callsOf([entry(1, 'sleep', 'a')])
  other.calls.step('call', 'a', '', {})
  assert.match(String(other.differences.mismatch), /today's code does call "a" where the journal has sleep "a"/)
  const ahead = callsOf([entry(1, 'sleep', 'a')])
  ahead.calls.step('sleep', 'b', '', {})
  assert.match(String(ahead.differences.mismatch), /does sleep "b", the journal goes on with sleep "a"/)
  assert.deepEqual([ahead.written(), ahead.calls.note('value', 'now', '', {})], [[], undefined])
})

test('code that counts no more begins nothing; an undo does', () => {
  const { calls, status, branches, written } = callsOf()
  status.isClosed = true
  calls.step('sleep', 'a', '', {})
  status.isClosed = false
  branches.isLost = true
  calls.step('sleep', 'b', '', {})
  assert.deepEqual(written(), [])
})

test('a step that begins while the flow rests is unprompted', () => {
  const { calls, inbox, told, written } = callsOf()
  inbox.isResting = true
  calls.step('sleep', 'a', '', {})
  assert.deepEqual([told, written()], [['unprompted'], []])
})

test('a step that failed is done again as a new attempt of its own', () => {
  const journal = [entry(1, 'call', 'a', { context: 'old' }), { ...entry(2, 'call', ''), of: 1 }]
  const { calls, steps, written } = callsOf(journal, 1)
  calls.step('call', 'a', '', { data: () => ({ context: 'new' }) })
  assert.deepEqual(steps.get(1)?.attempt, 101)
  const [again] = written() as JournalEntry[]
  assert.deepEqual([again?.kind, again?.data], ['again', { context: 'new', of: 1, gone: [] }])
  assert.deepEqual(steps.get(1)?.entry.data, { context: 'new' })
})

test('a version is 0 in a flow that passed it, the newest in one that comes to it', () => {
  const passed = callsOf([entry(1, 'sleep', 'later')])
  assert.equal(passed.calls.version('remind', 2), 0)
  const first = callsOf()
  assert.equal(first.calls.version('remind', 2), 2)
  const known = callsOf([entry(1, 'version', 'remind', 1)])
  assert.equal(known.calls.version('remind', 2), 1)
})

test('a flow continues as another, and passes its point of no return', () => {
  const { calls, told } = callsOf()
  calls.continueAs({})
  calls.noReturn()
  assert.deepEqual([calls.successor?.id, told], [9, ['no return']])
})
