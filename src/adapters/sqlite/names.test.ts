import assert from 'node:assert/strict'
import test from 'node:test'
import { emptyDesk } from '../../../test/support/desk-tables.ts'
import { rename } from './names.ts'

test('a rename reaches every table that has names of parts', () => {
  const { db, sql, asked } = emptyDesk()
  const columns = db
    .prepare(
      `select t.name as "table", c.name as "column" from sqlite_schema t, pragma_table_info(t.name) c
       where t.type = 'table' and c.name in ('processor', 'mediator', 'gather', 'schedule')`,
    )
    .all() as { table: string; column: string }[]
  assert(columns.length >= 12)
  asked.clear()
  for (const what of ['processor', 'mediator', 'schedule'] as const) rename(sql, { what, from: 'a', to: 'b' })
  const missing = columns.filter(
    ({ table, column }) =>
      ![...asked].some((text) => text.startsWith('update ') && text.includes(`${table} set ${column} = ?1`)),
  )
  assert.deepEqual(missing, [])
})

test('a rename tells if it has found anything, and gives keys the name under which the processor began', () => {
  const { db, sql } = emptyDesk()
  const keys = () => db.prepare("select key, value from millrace_meta where key like 'keys%'").all().map(Object.values)
  const renamed = (from: string, to: string) => rename(sql, { what: 'processor', from, to })
  db.exec("insert into millrace_progress (processor, stream, epoch, low) values ('a', 1, 1, 0), ('z', 1, 1, 0)")
  assert.deepEqual([renamed('none', 'b'), renamed('a', 'b'), renamed('a', 'b')], [false, true, false])
  assert.deepEqual(keys(), [['keys of b', 'a']])
  renamed('b', 'c')
  assert.deepEqual(keys(), [['keys of c', 'a']])
  renamed('c', 'a')
  assert.deepEqual(keys(), [])
  const rows = db.prepare('select processor from millrace_progress order by processor').all()
  assert.deepEqual(
    rows.map(({ processor }) => processor),
    ['a', 'z'],
  )
})
