import assert from 'node:assert/strict'
import test from 'node:test'
import type { JournalEntry, StepKind } from '../../model/flow.ts'
import { Repeats } from './repeats.ts'

const entry = (n: number, of: number | null, kind: StepKind = 'call', data: unknown = null): JournalEntry => ({
  n,
  of,
  kind,
  step: of === null ? `step ${n}` : '',
  what: '',
  data,
  at: 0,
})
/** `a` fails, and the function begins `clean up` because of that. */
const journal = [entry(1, null), entry(2, 1), entry(3, null)]

test('the end of a step that is done again no longer counts; later ends may be void', () => {
  const repeats = new Repeats()
  assert.deepEqual(
    repeats.load(journal, 1).map(({ n }) => n),
    [1, 3],
  )
  assert(repeats.isRepeated(journal[0]!))
  assert.deepEqual([repeats.mayBeVoid(journal[0]!), repeats.mayBeVoid(journal[2]!)], [false, true])
})

test('a step is done again once, with a number of its own', () => {
  const repeats = new Repeats()
  repeats.load(journal, 1)
  const again = repeats.begin(journal[0]!, 4, { context: 'o-1' })
  assert.deepEqual(again, { context: 'o-1', of: 1, gone: [] })
  assert.equal(repeats.isRepeated(journal[0]!), false)
  assert.deepEqual([repeats.firstOf(4), repeats.lastOf(1), repeats.lastOf(3)], [1, 4, 3])
})

test('the entry of a repetition names the steps that are found void after it began', () => {
  const repeats = new Repeats()
  repeats.load(journal, 1)
  const again = repeats.begin(journal[0]!, 4, {})
  repeats.void(journal[2]!)
  assert.deepEqual(again.gone, [3])
  assert(repeats.isVoid(3))
})

test('a journal with a repetition is loaded without what that voids', () => {
  const repeats = new Repeats()
  const repeated = [...journal, entry(4, null, 'again', { of: 1, gone: [3] }), entry(5, 4)]
  const entries = repeats.load(repeated, undefined)
  assert.deepEqual(
    entries.map(({ n, of }) => [n, of]),
    [
      [1, null],
      [5, 1],
    ],
  )
  assert.deepEqual([repeats.firstOf(4), repeats.lastOf(1), repeats.isVoid(3)], [1, 4, true])
})
