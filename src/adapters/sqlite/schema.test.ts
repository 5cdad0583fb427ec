import assert from 'node:assert/strict'
import test from 'node:test'
import { DatabaseSync } from '../node/sqlite.ts'
import { formatKnown, migrate } from './schema.ts'

test('a new file has the tables, indexes and rows that the steps from format to format make', () => {
  const stepped = new DatabaseSync(':memory:')
  for (let format = 1; format <= formatKnown; format++) migrate(stepped, 'memory', format)
  const made = new DatabaseSync(':memory:')
  migrate(made, 'memory')
  const contents = contentsOf(made)
  assert.deepEqual(contents, contentsOf(stepped))
  assert(contents.tables.length > 50)
  assert.deepEqual(Object.keys(contents.rows), ['millrace_meta'])
})

/** All tables and indexes as they are written, and the rows of each table that has some. */
function contentsOf(db: DatabaseSync) {
  const tables = db.prepare('select type, name, tbl_name, sql from sqlite_schema order by type, name').all()
  const rows: Record<string, unknown[]> = {}
  for (const { type, name } of tables) {
    // The counter of a table without rows may be there or not.
    const all =
      type === 'table' && name !== 'sqlite_sequence' ? db.prepare(`select * from ${name} order by 1`).all() : []
    if (all.length > 0) rows[String(name)] = all
  }
  const id = db.prepare('pragma application_id').get()
  db.close()
  return { tables, rows, id }
}
