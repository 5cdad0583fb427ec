import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyFlows, stepOf } from '../../../test/support/flow-tables.ts'
import { JournalTable } from './journal.ts'

test('a journal is read whole, in order, with its data', () => {
  const journal = new JournalTable(emptyFlows().sql)
  const first = stepOf(1, { data: { a: [1] } })
  const end = stepOf(5, { of: 1, step: '', what: 'ok' })
  journal.enter(1, end)
  journal.enter(1, first)
  journal.enter(2, stepOf(3))
  assert.deepEqual(journal.of(1), [first, end])
  assert.equal(journal.hasEnd(1, 1), true)
  assert.equal(journal.hasEnd(2, 3), false)
  journal.clear(1)
  assert.deepEqual(journal.of(1), [])
})

test('an entry with a higher number stands behind what came before it', () => {
  const journal = new JournalTable(emptyFlows().sql)
  for (const n of [1, 2]) journal.enter(1, stepOf(n))
  journal.renumber(1, 1, 3)
  assert.deepEqual(
    journal.of(1).map(({ n, step }) => [n, step]),
    [
      [2, 'step 2'],
      [3, 'step 1'],
    ],
  )
  assert.ok(journal.numbers.highest >= 3)
})

test('an open wait is told with the mail that its type has had last', () => {
  const journal = new JournalTable(emptyFlows().sql)
  const wait = (n: number, what: string) => journal.enter(1, stepOf(n, { kind: 'wait', what }))
  wait(1, 'paid')
  journal.enter(1, stepOf(2, { of: 1, kind: 'wait', what: 'paid', data: { value: { mail: 17 } } }))
  wait(3, 'paid')
  wait(4, 'sent')
  wait(5, 'lost')
  journal.enter(1, stepOf(6, { of: 5, kind: 'wait', what: 'lost' }))
  assert.deepEqual(journal.waits(1), [
    { type: 'paid', had: 17 },
    { type: 'sent', had: 0 },
  ])
})
