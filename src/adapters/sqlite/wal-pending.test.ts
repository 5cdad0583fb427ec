import assert from 'node:assert/strict'
import { mkdtempDisposableSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { pendingBytesOf } from './wal-pending.ts'

test('the part of the -wal file that is not in the database is counted, at any size of the file', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'millrace-'))
  const file = join(folder.path, 'a.db')
  using db = new DatabaseSync(file)
  db.exec('pragma journal_mode=wal; pragma wal_autocheckpoint=0; create table t (a blob)')
  using reader = new DatabaseSync(file, { readOnly: true })
  db.exec('insert into t values (zeroblob(1000000))')
  const { size } = statSync(`${file}-wal`)
  assert.equal(pendingBytesOf(reader), size - 32)
  db.exec('pragma wal_checkpoint(passive)')
  assert.equal(pendingBytesOf(reader), 0)
  assert.equal(statSync(`${file}-wal`).size, size)
  db.exec("insert into t values ('small')")
  assert.ok(pendingBytesOf(reader)! > 0 && pendingBytesOf(reader)! < 20_000)
})

test('a file without a -wal file has nothing pending', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'millrace-'))
  using db = new DatabaseSync(join(folder.path, 'a.db'))
  db.exec('create table t (a)')
  assert.equal(pendingBytesOf(db), 0)
})
