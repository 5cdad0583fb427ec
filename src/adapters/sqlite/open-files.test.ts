import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { FilesLook, openFiles } from './open-files.ts'

const ends = ['', '-wal', '-shm', '-owner']

/** Files in a folder that was changed at a time, and a look at them that has found all in their places. */
function looked(t: TestContext, changedAt: Date): { folder: string; file: string; look: FilesLook } {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-look-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'shop.db')
  for (const end of ends) writeFileSync(file + end, '')
  utimesSync(folder, changedAt, changedAt)
  const look = new FilesLook(file, openFiles(file, file))
  assert.equal(look.glance(), undefined)
  return { folder, file, look }
}

const longAgo = new Date(Date.UTC(2026, 0, 1))

for (const end of ends) {
  test(`a ${end === '' ? 'database' : end} that is removed or replaced is noticed at once, though its folder was quiet`, (t) => {
    for (const does of [
      (path: string) => unlinkSync(path),
      (path: string) => renameSync(path, `${path}.aside`),
      (path: string) => {
        writeFileSync(`${path}.new`, '')
        renameSync(`${path}.new`, path)
      },
    ]) {
      const { file, look } = looked(t, longAgo)
      does(file + end)
      assert.ok(look.glance()?.includes(`shop.db${end}`))
      assert.ok(look.glance()?.includes(`shop.db${end}`), 'and stays noticed')
    }
  })
}

test('a folder that was changed just now is not relied on: its next change may have the same time', (t) => {
  const now = new Date()
  const { folder, file, look } = looked(t, now)
  unlinkSync(`${file}-wal`)
  utimesSync(folder, now, now)
  assert.match(look.glance()!, /shop\.db-wal was removed/)
})

test('files made beside, or writes into the database files, raise no alarm; a write into the owner file does', (t) => {
  const { folder, file, look } = looked(t, longAgo)
  writeFileSync(`${file}.log`, 'beside')
  writeFileSync(`${file}-wal`, 'frames')
  assert.equal(look.glance(), undefined)
  utimesSync(`${file}-owner`, longAgo, longAgo)
  utimesSync(folder, longAgo, longAgo)
  assert.match(look.misplaced()!, /another process has written \S+shop\.db-owner/)
})
