import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyDesk, entryOf, filledDesk } from '../../../test/support/desk-tables.ts'

test('a pause holds until it is resumed, and each change is one line of the audit log', async () => {
  const { tables, views } = emptyDesk()
  const { processors } = tables
  await processors.pause('p', { by: 'ann', reason: 'printer' }, 1)
  await processors.pause('p', { by: 'bob' }, 2)
  assert.deepEqual(await processors.paused(), [{ processor: 'p', at: 1, by: 'ann', reason: 'printer' }])
  await processors.resume('p', { by: 'bob' }, 3)
  await processors.resume('p', { by: 'bob' }, 4)
  assert.deepEqual(await processors.paused(), [])
  assert.deepEqual(
    views.audit({}).map(({ action, by, at }) => [action, by, at]),
    [
      ['resumed', 'bob', 3],
      ['paused', 'ann', 1],
    ],
  )
})

test('a processor that is retired leaves nothing on that stream, and all others stay', async () => {
  const { tables, views, db, entries } = filledDesk()
  tables.apply({ do: 'put', entry: entryOf(900, { processor: 'p', stream: 2 }) })
  await tables.processors.retire('p', 't1')
  const left = [...entries.filter(({ processor }) => processor !== 'p').map(({ id }) => id), 901]
  assert.deepEqual(
    db
      .prepare('select id from millrace_desk order by id')
      .all()
      .map((row) => row['id']),
    left,
  )
  assert.equal(views.processors().held.find(({ processor }) => processor === 'p')?.held, 1)
  const rows = db.prepare('select processor from millrace_progress order by processor').all()
  assert.deepEqual(
    rows.map((row) => row['processor']),
    ['q', 'r'],
  )
})
