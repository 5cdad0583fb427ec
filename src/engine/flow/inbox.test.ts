import assert from 'node:assert/strict'
import test from 'node:test'
import type { JournalEntry } from '../../model/flow.ts'
import { Inbox } from './inbox.ts'

const end = (n: number, of: number): JournalEntry => ({ n, of, kind: 'call', step: '', what: '', data: null, at: 0 })

test('ends leave in the order of the journal, however they came', () => {
  const inbox = new Inbox(null)
  for (const [n, of] of [
    [5, 1],
    [3, 2],
    [4, 0],
  ] as const) {
    inbox.receive(end(n, of))
  }
  const left: number[] = []
  for (let next = inbox.firstEnd(); next !== undefined; next = inbox.firstEnd()) {
    left.push(next.n)
    inbox.delivered(next)
  }
  assert.deepEqual(left, [3, 4, 5])
  assert.equal(inbox.hasEnds, false)
})

test('ends are taken out all together, in the order of the journal', () => {
  const inbox = new Inbox(null)
  inbox.receive(end(5, 1))
  inbox.receive(end(4, 2))
  assert.deepEqual(
    inbox.takeEnds().map(({ n }) => n),
    [4, 5],
  )
  assert.deepEqual([inbox.hasEnds, inbox.firstEnd()], [false, undefined])
})

test('it rests, replays or works, one at a time', () => {
  const inbox = new Inbox(null)
  assert(inbox.isResting)
  inbox.become('replaying')
  assert(!inbox.isResting && !inbox.works)
  assert.throws(() => inbox.become('working'), /is replaying and cannot become working/)
  inbox.become('resting')
  inbox.become('working')
  assert(inbox.works)
})

test('inputs are taken in order, and dropped together', () => {
  const inbox = new Inbox(null)
  const taken: number[] = []
  for (const n of [1, 2, 3]) inbox.put(() => taken.push(n))
  inbox.nextInput()!()
  inbox.nextInput()!()
  inbox.dropInputs()
  assert.deepEqual([taken, inbox.nextInput()], [[1, 2], undefined])
})

test('a flow continues with the mail that its predecessor had', () => {
  const inbox = new Inbox({ paid: 3 })
  assert.deepEqual([inbox.mailHad('paid'), inbox.mailHad('sent')], [3, 0])
  inbox.mailRead('sent', 5)
  assert.deepEqual(inbox.mailOfAll, { paid: 3, sent: 5 })
  assert.equal(new Inbox(null).mailOfAll, null)
})
