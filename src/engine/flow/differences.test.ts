import assert from 'node:assert/strict'
import test from 'node:test'
import type { ErrorRecord } from '../../model/errors.ts'
import type { JournalEntry } from '../../model/flow.ts'
import { Differences } from './differences.ts'
import { Ending } from './ending.ts'
import { Replay } from './replay.ts'
import { Steps } from './steps.ts'

const entry = (n: number, of: number | null = null): JournalEntry => ({
  n,
  of,
  kind: 'call',
  step: of === null ? `step ${n}` : '',
  what: 'take',
  data: null,
  at: 0,
})

function differencesOf(journal: readonly JournalEntry[] = [], repeated?: number) {
  const reported: ErrorRecord[] = []
  const [replay, steps, ending] = [new Replay(), new Steps(), new Ending('sale')]
  replay.load(journal, repeated)
  const host = { spec: { name: 'sale' }, unprompted: (why: ErrorRecord) => reported.push(why) }
  const flow = { id: 7, row: { version: 2 }, host, replay, steps, ending }
  return { differences: new Differences(flow), replay, steps, ending, reported }
}

test('a mismatch names the steps before it, the journal and the code; the first counts', () => {
  const journal = [1, 2, 3, 4, 5].map((n) => entry(n))
  const { differences, steps } = differencesOf(journal)
  for (const one of journal.slice(0, 4)) steps.begin(one, one.n, {})
  differences.differs('one', journal[4]!, 'call "other"')
  differences.differs('two', journal[4]!, 'call "other"')
  const { message, code, data } = differences.mismatch as Error & { code: string; data: unknown }
  assert.deepEqual([message, code], ['mediator "sale" version 2, flow 7: one', 'millrace/flow-mismatch'])
  assert.deepEqual(data, {
    journal: 'call "step 5" (take)',
    code: 'call "other"',
    after: ['call "step 2" (take)', 'call "step 3" (take)', 'call "step 4" (take)'],
  })
})

test('a step that the code lacks is told with the step that the code has there', () => {
  const returned = differencesOf([entry(1)])
  returned.ending.ended({ ok: true, value: 1 })
  returned.differences.lacks(entry(1))
  assert.match(String(returned.differences.mismatch), /goes on with call "step 1" \(take\), today's code returns there/)
  const waiting = differencesOf([entry(1)])
  waiting.steps.begin(entry(9), 9, {})
  waiting.differences.lacks(entry(1))
  assert.match(String(waiting.differences.mismatch), /today's code waits for call "step 9" \(take\) there/)
})

test('a step that began because of a failure may be lacking when that is done again', () => {
  const { differences, replay } = differencesOf([entry(1), entry(2, 1), entry(3)], 1)
  differences.lacks(entry(3))
  assert.deepEqual([differences.mismatch, replay.repeats.isVoid(3)], [undefined, true])
})

test('an unprompted step is reported with the reason, which stays the first', () => {
  const { differences, reported } = differencesOf()
  differences.beganUnprompted('send "a"')
  differences.beganUnprompted('send "b"')
  assert.deepEqual(
    reported.map(({ code }) => code),
    ['millrace/flow-waits-outside', 'millrace/flow-waits-outside'],
  )
  assert.match(differences.unprompted!.message, /it came to send "a" after waiting/)
})

test('a wait outside the steps is told by the last step before it', () => {
  const { differences, steps } = differencesOf()
  assert.match(differences.awaitsOutside().message, /flow 7: it waits at its beginning for something/)
  steps.begin(entry(1), 1, {})
  assert.match(differences.awaitsOutside().message, /it waits after "step 1"/)
})
