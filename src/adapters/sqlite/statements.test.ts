import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { Statements } from './statements.ts'

test('a statement is prepared once, and none after the end', () => {
  const db = new DatabaseSync(':memory:')
  let prepared = 0
  const prepare = db.prepare.bind(db)
  db.prepare = (sql) => {
    prepared++
    return prepare(sql)
  }
  const sql = new Statements(db)
  sql.run('create table some (n integer)')
  for (const n of [1, 2, 3]) assert.equal(sql.run('insert into some values (?)', n), 1)
  assert.equal(prepared, 2)
  assert.deepEqual(sql.all('select n from some where n > ?', 1), [{ n: 2 }, { n: 3 }])
  for (const { n } of sql.each<{ n: number }>('select n from some')) if (n === 2) break
  assert.equal(sql.one<{ n: number }>('select max(n) as n from some')?.n, 3)
  sql.close()
  db.close()
  assert.throws(() => sql.one('select max(n) as n from some'), { code: 'millrace/not-started' })
})
