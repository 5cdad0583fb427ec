import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { place } from '../../../test/support.ts'
import { takeUp } from './schema.ts'
import { foreignWal } from './wal.ts'
import { fieldsNow, rowAfter, WalMarks } from './wal-marks.ts'

/** A file that was taken up, and whose rows are only changed in place: its header stays the same. */
function takenUp(t: TestContext) {
  const file = place(t)
  const db = new DatabaseSync(file)
  t.after(() => db.close())
  db.exec('create table theirs (n integer); insert into theirs values (0)')
  db.exec('pragma journal_mode = wal; pragma wal_autocheckpoint = 0')
  takeUp(db, () => rowAfter(0, fieldsNow(db)))
  const marks = new WalMarks(db)
  return {
    file,
    db,
    /** Empties the -wal into the file, and begins it anew. */
    beginWal(): void {
      db.exec('pragma wal_checkpoint(truncate)')
      db.exec('begin immediate')
      marks.write()
      db.exec('update theirs set n = n + 1; commit')
    },
    /** The file as it is without its -wal, under another name. */
    copy(name: string): string {
      copyFileSync(file, file + name)
      return file + name
    },
    /** Puts the -wal beside a copy. */
    besides(copy: string): string | undefined {
      copyFileSync(`${file}-wal`, `${copy}-wal`)
      return foreignWal(copy)
    },
  }
}

test('a -wal of a file that was taken up is told from that of an earlier state by the row, though the header is the same', (t) => {
  const { file, beginWal, copy, besides, db } = takenUp(t)
  assert.equal(foreignWal(file), undefined, 'the first, which takes the file up')
  beginWal()
  const earlier = copy('-earlier')
  assert.equal(besides(earlier), undefined, 'what it begins on')
  beginWal()
  const later = copy('-later')
  assert.match(besides(earlier)!, /it begins on a file with another header/)
  assert.equal(besides(later), undefined)
  db.exec('pragma wal_checkpoint(passive)')
  assert.equal(besides(copy('-checkpointed')), undefined, 'a checkpoint has written it, and the -wal is there')
  assert.equal(foreignWal(file), undefined)
})

test('a file whose pages another program has moved keeps its -wal', (t) => {
  const { file, beginWal, db, copy, besides } = takenUp(t)
  beginWal()
  db.exec('create table gone (text text); insert into gone values (hex(randomblob(100000))); drop table gone')
  db.exec('vacuum')
  assert.equal(foreignWal(file), undefined)
  db.exec('pragma wal_checkpoint(passive)')
  assert.equal(besides(copy('-moved')), undefined)
  beginWal()
  assert.equal(foreignWal(file), undefined)
})
