import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyDesk, entryOf } from '../../../test/support/desk-tables.ts'
import { DeskRows } from './desk-rows.ts'
import { Log } from './log.ts'

test('an entry is read as it was written, and as it was changed', () => {
  const { db, sql } = emptyDesk()
  const rows = new DeskRows(sql, new Log(db))
  const plain = entryOf(0)
  const message = {
    ...plain.message,
    correlationId: 'first',
    causationId: 'before',
    trace: '00-1-2-03',
    attributes: { subject: 's' },
    source: '/elsewhere',
    json: '{"a":1}',
  }
  const entry = { ...plain, message, tries: [{ at: 1, code: 'E', message: 'down' }], dueAt: 5, heldAt: 3 }
  rows.insert(entry, 'held', null)
  const read = rows.entry(1)!
  assert.deepEqual({ ...read, message: { ...read.message } }, entry)
  const changed = {
    ...entry,
    message: { ...message, json: '{"a":2}' },
    state: 'handled' as const,
    lane: null,
    place: 4,
    dueAt: 6,
    attempts: 7,
    kills: 8,
    corrections: 9,
    failures: 10,
    decisions: 11,
    error: null,
    tries: [],
    original: '{"a":1}',
    resolvedAt: 12,
  }
  assert.equal(rows.update(changed, 'handled', null), true)
  const again = rows.entry(1)!
  assert.deepEqual({ ...again, message: { ...again.message } }, changed)
  assert.equal(rows.update({ ...changed, id: 2 }, 'handled', null), false)
})

test('the state and the group that the store decided are written instead of those of the entry', () => {
  const { db, sql } = emptyDesk()
  const rows = new DeskRows(sql, new Log(db))
  rows.insert(entryOf(0, { state: 'line' }), 'trying', 17)
  assert.equal(rows.entry(1)!.state, 'trying')
  assert.equal(sql.one<{ group_id: number }>('select group_id from millrace_desk')!.group_id, 17)
})

test('the head of a lane shows how many wait behind it, and no other message does', () => {
  const { db, sql } = emptyDesk()
  const rows = new DeskRows(sql, new Log(db))
  for (const n of [0, 1, 2]) rows.insert(entryOf(n), n === 0 ? 'held' : 'line', null)
  assert.deepEqual(
    rows.list([1, 2, 3]).map(({ id, waiting }) => [id, waiting]),
    [
      [1, 2],
      [2, 0],
      [3, 0],
    ],
  )
  const head = { processor: 'p', stream: 1, lane: 'a', place: 1 }
  assert.deepEqual(
    rows.shownLine(head, 1).map(({ id }) => id),
    [2],
  )
})
