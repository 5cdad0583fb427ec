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
  await tables.processors.pause('p', { by: 'ann' }, 1)
  await tables.processors.pause('q', { by: 'ann' }, 1)
  for (const at of [1, 2]) await tables.processors.retire('p', 't1', { by: 'ann', reason: 'gone' }, at)
  assert.deepEqual(
    views
      .audit({})
      .flatMap(({ action, ...row }) =>
        action === 'retired' ? [[row.subject, row.by, row.reason, row.at, row.detail]] : [],
      ),
    [['p', 'ann', 'gone', 1, { on: 't1' }]],
    'once, where there was progress',
  )
  assert.deepEqual(
    (await tables.processors.paused()).map(({ processor }) => processor),
    ['q'],
  )
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

test('a reset ends the messages of a processor on a stream in one step: failures are told, untried ones are gone', async () => {
  const { tables, views, db } = emptyDesk()
  db.exec("insert into millrace_progress values ('p', 1, 4, 9, x'01', 0), ('q', 1, 1, 9, null, 0)")
  db.exec("insert into millrace_marks values ('p', 1, 3), ('q', 1, 3)")
  const all = [
    entryOf(0, { state: 'held' }),
    { ...entryOf(1, { state: 'line' }), attempts: 0 },
    entryOf(2, { state: 'trying', context: 'b' }),
    { ...entryOf(3, { state: 'deciding', context: 'c' }), failures: 1 },
    entryOf(4, { state: 'held', context: 'd', inLane: false }),
    entryOf(5, { state: 'held', context: 'e', inLane: false }),
    entryOf(6, { processor: 'q' }),
    entryOf(7, { stream: 2 }),
  ]
  for (const entry of all) tables.apply({ do: 'put', entry })
  for (const entry of all.slice(4, 6)) tables.apply({ do: 'resolve', entry, state: 'discarded', at: 5 })
  assert.deepEqual(views.endedByReset('p', 1, 2), { held: 2, tried: 1, inLine: 1, left: 2, gathered: 0 })
  const actor = { by: 'ann', reason: 'rebuilt' }
  await tables.processors.reset({ processor: 'p', destination: 't1', after: 5, actor, at: 7, detail: { to: 5 } })
  const rows = db.prepare('select * from millrace_progress order by processor').all()
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [
      { processor: 'p', stream: 1, epoch: 5, low: 5, done: null, generation: 1 },
      { processor: 'q', stream: 1, epoch: 1, low: 9, done: null, generation: 0 },
    ],
  )
  assert.deepEqual(
    db
      .prepare('select processor from millrace_marks')
      .all()
      .map((row) => row['processor']),
    ['q'],
  )
  const ends = db.prepare('select id, state, lane, resolved_at from millrace_desk order by id').all()
  assert.deepEqual(
    ends.map((row) => Object.values(row)),
    [
      [1, 'reset', null, null],
      [3, 'reset', null, 7],
      [4, 'reset', null, null],
      [5, 'discarded', null, 5],
      [6, 'reset', null, 5],
      [7, 'held', 'a', null],
      [8, 'held', 'a', null],
    ],
  )
  assert.deepEqual(await tables.processors.untold(0, 10), [1, 4])
  const told = (await tables.desk.entry(1))!
  tables.apply({ do: 'resolve', entry: told, state: 'reset', at: 8 })
  assert.deepEqual(await tables.processors.untold(0, 10), [4])
  assert.equal(views.processors().held.find(({ processor }) => processor === 'p')?.held, 1)
  assert.deepEqual(
    views.audit({}).map(({ action, item, by, reason, detail }) => [action, item, by, reason, detail]),
    [
      ['reset', null, 'ann', 'rebuilt', { to: 5 }],
      ['reset', 1, 'ann', 'rebuilt', null],
      ['reset', 4, 'ann', 'rebuilt', null],
    ],
  )
})
