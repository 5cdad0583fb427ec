import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { FilesInPlace, type Left } from './in-place.ts'

function place(t: TestContext): { file: string; left: Left } {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-in-place-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'shop.db')
  for (const ending of ['', '-wal', '-shm', '-owner']) writeFileSync(file + ending, '')
  return { file, left: { files: [] } }
}

function opened(left: Left, file: string): FilesInPlace {
  const files = new FilesInPlace(left)
  files.takeLeft()
  files.opened(file, file)
  return files
}

test('a store that was closed in the middle of something opens the files it left, and no others', (t) => {
  const { file, left } = place(t)
  opened(left, file).closed('left')
  assert.deepEqual(
    left.files.map(({ path }) => path),
    [file, `${file}-wal`],
  )
  unlinkSync(`${file}-wal`)
  assert.throws(() => opened(left, file), { code: 'millrace/files-replaced' })
  opened(left, file)
})

test('a clean close leaves nothing to look for', (t) => {
  const { file, left } = place(t)
  const files = opened(left, file)
  files.closed('clean')
  assert.deepEqual(left.files, [])
  unlinkSync(file)
  files.check()
})

test('replaced files are told while they are open, and once told they are not checked again', (t) => {
  const { file, left } = place(t)
  const files = opened(left, file)
  assert.equal(files.misplaced(), undefined)
  unlinkSync(file)
  assert.throws(() => files.check(), { code: 'millrace/files-replaced' })
  files.replaced()
  assert.match(files.misplaced()!, /was removed or moved/)
  files.closed('left')
  assert.deepEqual(left.files, [])
})
