import assert from 'node:assert/strict'
import test from 'node:test'
import { type JournalEntry, undoneBy, undoneSteps } from './flow.ts'

test('the step of an undo is the one with the longest name that fits, also when the undo was tried again', () => {
  assert.equal(undoneBy('undo a/back', ['a', 'a/b', 'a#2']), 'a')
  assert.equal(undoneBy('undo a/b/back', ['a', 'a/b']), 'a/b')
  assert.equal(undoneBy('undo a#2/back', ['a', 'a#2']), 'a#2')
  assert.equal(undoneBy('undo a#2/back', ['a', 'b']), 'a')
  assert.equal(undoneBy('undo a', ['a']), undefined)
})

test('undone are the steps whose undo has done something, or all when the flow is compensated', () => {
  let n = 0
  const entry = (step: string, of: number | null, data: unknown): JournalEntry => {
    return { n: ++n, of, kind: 'call', step, what: '', data, at: 0 }
  }
  const done = { ok: true, value: null }
  const journal = ['a', 'a#2', 'a/b'].flatMap((name) => [entry(name, null, { undo: true }), entry('', n, done)])
  journal.push(entry('undo a/b/back', null, {}), entry('', n, done))
  journal.push(entry('undo a#2/back', null, {}), entry('', n, { ok: false, code: 'refused', message: 'no' }))
  assert.deepEqual(undoneSteps('stopped', journal), ['a/b'])
  assert.deepEqual(undoneSteps('compensated', journal), ['a', 'a#2', 'a/b'])
})
