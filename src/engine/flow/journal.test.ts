import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import type { JournalEntry, StepKind } from '../../model/flow.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import { Journal } from './journal.ts'

function journalOf() {
  let n = 0
  return new Journal(7, { now: () => 1_000, entryId: () => ++n })
}

const begun = (journal: Journal, kind: StepKind): JournalEntry => {
  const entry = { n: journal.newNumber(), of: null, kind, step: 'a', what: 'b', data: null, at: journal.now }
  journal.enter(entry)
  return entry
}

test('messages that leave with a step are written with its entry', () => {
  const journal = journalOf()
  const entry = begun(journal, 'call')
  const message = { id: 'm' } as Stored
  const leaving = journal.makeLeaving({ outgoing: (n) => ({ ...message, id: `m ${n}` }) as Stored }, entry.n)
  journal.leave(entry, { dueAt: 1_500 }, leaving)
  const { changes, outgoing } = journal.take()
  assert.deepEqual(changes, [
    { do: 'entry', flow: 7, entry },
    { do: 'timer', flow: 7, n: 1, due: 1_500 },
  ])
  assert.deepEqual(
    outgoing.map(({ id }) => id),
    ['m 1'],
  )
})

test('a wait offers the mailbox, a question goes to people, a subflow starts', () => {
  const journal = journalOf()
  const none = { message: undefined, flow: undefined }
  journal.leave(begun(journal, 'wait'), {}, none)
  const question = begun(journal, 'ask')
  journal.leave(question, {}, none)
  journal.leave(begun(journal, 'flow'), {}, { ...none, flow: { id: 9 } as FlowRow })
  const { changes, waits, starts } = journal.take()
  assert.deepEqual(
    changes.map((change) => change.do),
    ['entry', 'entry', 'ask', 'entry', 'start'],
  )
  assert.deepEqual([waits, starts], [true, [9]])
})

test('the end of a step takes its timer away', () => {
  const journal = journalOf()
  const end: JournalEntry = { n: 4, of: 2, kind: 'sleep', step: 'a', what: '', data: null, at: 0 }
  journal.end(end)
  assert.deepEqual(journal.take().changes, [
    { do: 'entry', flow: 7, entry: end },
    { do: 'untimer', flow: 7, n: 2 },
  ])
})

test('an outbox is taken once, and the flow is written when nothing is on its way', () => {
  const journal = journalOf()
  assert(journal.isWritten)
  journal.record('cancel', 'too late')
  assert(journal.hasChanges && !journal.isWritten)
  assert.equal(journal.take().changes.length, 1)
  assert.equal(journal.take().changes.length, 0)
  journal.unwritten++
  assert(!journal.hasChanges && !journal.isWritten)
  journal.unwritten--
  journal.ahead = Promise.resolve()
  assert(!journal.isWritten)
})

test('a message that does not fit leaves nothing', () => {
  const journal = journalOf()
  const outgoing = () => {
    throw new Error('too large')
  }
  assert.throws(() => journal.makeLeaving({ outgoing }, 1), /too large/)
  assert.equal(journal.hasChanges, false)
})
