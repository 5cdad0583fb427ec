import assert from 'node:assert/strict'
import { existsSync, mkdtempDisposableSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { DatabaseSync } from '../node/sqlite.ts'
import { Connection } from './connection.ts'
import { markedAlone } from './missing-wal.ts'
import { nodeDatabase } from './owner.ts'
import { formatKnown, formatOf } from './schema.ts'

const opened = (file: string, alone = false) =>
  new Connection({ file, database: nodeDatabase, random: 0.5, alone, adopt: false })

test('a new file gets the format of this version; a transaction that throws leaves nothing', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'millrace-connection-'))
  const file = join(folder.path, 'a.db')
  const connection = opened(file)
  assert.equal(formatOf(connection.db, file), formatKnown)
  const write = () => connection.db.exec("insert into millrace_meta values ('test', 1)")
  assert.throws(() =>
    connection.transaction(() => {
      write()
      throw new Error('no')
    }),
  )
  assert.equal(connection.db.isTransaction, false)
  connection.transaction(write)
  connection.take()
  connection.db.exec("delete from millrace_meta where key = 'test'")
  connection.rollBack()
  connection.rollBack()
  assert.equal(connection.reader.prepare("select value from millrace_meta where key = 'test'").get()?.['value'], 1)
  connection.close('clean')
})

test('a clean close leaves one file; a close in the middle of something leaves the -wal as it is', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'millrace-connection-'))
  const file = join(folder.path, 'a.db')
  const first = opened(file)
  first.close('clean')
  assert.equal(existsSync(`${file}-wal`), false)
  const second = opened(file, true)
  second.close('left')
  assert.ok(statSync(`${file}-wal`).size > 0)
  using db = new DatabaseSync(file)
  assert.equal(markedAlone(db), 0, 'as it was opened')
})

test('a look at the lock does nothing in a transaction, or once closed', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'millrace-connection-'))
  const connection = opened(join(folder.path, 'a.db'))
  connection.tryLock()
  connection.take()
  connection.tryLock()
  assert.equal(connection.db.isTransaction, true)
  connection.rollBack()
  connection.close('clean')
  connection.tryLock()
})
