import assert from 'node:assert/strict'
import test from 'node:test'
import type { JournalEntry, StepKind } from '../../model/flow.ts'
import { Replay } from './replay.ts'

const entry = (n: number, of: number | null, kind: StepKind = 'call'): JournalEntry => ({
  n,
  of,
  kind,
  step: of === null ? `step ${n}` : '',
  what: '',
  data: null,
  at: 0,
})

function replayOf(...entries: JournalEntry[]): Replay {
  const replay = new Replay()
  replay.load(entries, undefined)
  return replay
}

test('entries come once and in order; an end that was delivered before is passed over', () => {
  const replay = replayOf(entry(1, null), entry(2, null), entry(3, 1), entry(4, 2))
  assert.equal(replay.next()?.n, 1)
  replay.deliver(replay.endOf(1)!)
  assert.equal(replay.endOf(1), undefined)
  const rest: (number | undefined)[] = []
  while (!replay.isDone) rest.push(replay.next()?.n)
  assert.deepEqual(rest, [2, 4])
})

test('steps are ahead until the last of them is taken', () => {
  const replay = replayOf(entry(1, null), entry(2, null, 'cancel'), entry(3, 1))
  assert.equal(replay.hasSteps, true)
  replay.next()
  assert.equal(replay.hasSteps, false)
  assert.equal(new Replay().isDone, true)
})

test('a cancellation is seen from afar, where only ends come before it', () => {
  const replay = replayOf(entry(1, null), entry(2, null), entry(3, 1), entry(4, null, 'cancel'), entry(5, 2))
  assert.equal(replay.cancelAhead(), undefined)
  replay.next()
  replay.next()
  assert.equal(replay.cancelAhead()?.n, 4)
  replay.next()
  replay.next()
  assert.equal(replay.cancelAhead(), undefined)
})

test('a dropped step is found by its name no more', () => {
  const [one, other] = [entry(1, null), entry(2, null)]
  const replay = replayOf(one, other)
  assert.equal(replay.step('step 1'), one)
  replay.drop(one)
  assert.deepEqual([replay.step('step 1'), replay.step('step 2')], [undefined, other])
  assert.deepEqual(replay.steps(), [one, other])
})
