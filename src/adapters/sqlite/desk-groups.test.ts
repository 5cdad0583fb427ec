import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyDesk, entryOf, filledDesk } from '../../../test/support/desk-tables.ts'
import { DeskGroups } from './desk-groups.ts'

test('counts are those of the rows', () => {
  const { db, views } = filledDesk()
  const count = (where: string) =>
    (db.prepare(`select count(*) as n from millrace_desk where ${where}`).get() as { n: number }).n
  assert.deepEqual(views.counts(0), {
    held: count("state = 'held'"),
    snoozed: 0,
    waiting: count("state = 'line'"),
    discarded: count("state = 'discarded'"),
  })
  assert.deepEqual(
    views.processors().held.map(({ processor, destination, held }) => [processor, destination, held]),
    [
      ['p', 't1', count("state = 'held' and processor = 'p'")],
      ['q', 't1', count("state = 'held' and processor = 'q'")],
      ['r', 't2', count("state = 'held' and processor = 'r'")],
    ],
  )
})

test('messages with the same error are one group, which ends when the last of them leaves', () => {
  const { sql, tables } = emptyDesk()
  const groups = new DeskGroups(sql)
  const heldOf = () => groups.list('all', {}, 0).map(({ held, error }) => [error, held])
  const entries = ['order 7 is gone', 'order 8 is gone', 'no stock'].map((error, n) => {
    return entryOf(n, { error, context: null, inLane: false })
  })
  for (const entry of entries) tables.apply({ do: 'put', entry })
  assert.deepEqual(
    heldOf().map(([, held]) => held),
    [2, 1],
  )
  for (const entry of entries.slice(0, 2)) tables.apply({ do: 'resolve', entry, state: 'handled', at: 9 })
  assert.deepEqual(
    heldOf().map(([, held]) => held),
    [1],
  )
})

test('beyond a thousand errors of a processor, messages are grouped by the code of their error', () => {
  const { sql } = emptyDesk()
  const groups = new DeskGroups(sql)
  const letters = (n: number) => [...String(n)].map((digit) => 'abcdefghij'[Number(digit)]).join('')
  const ids = Array.from({ length: 1_003 }, (_, n) => groups.join(entryOf(10 * n, { error: `error ${letters(n)}` })))
  assert.equal(new Set(ids.slice(0, 1_000)).size, 1_000)
  assert.equal(new Set(ids.slice(1_000)).size, 1)
  assert.equal(groups.list('all', { processor: 'p' }, 0).find(({ id }) => id === ids.at(-1))?.error, 'E')
})
