import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { fault, isMillraceError } from '../model/errors.ts'
import { fromSent, socketPath, toSent } from './protocol.ts'

test('the socket is beside the file, and in the temporary folder when that is too long an address', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-socket-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  assert.equal(socketPath(join(folder, 'a.db')), join(folder, 'a.db-control'))
  const deep = join(folder, 'd'.repeat(120))
  mkdirSync(deep)
  const path = socketPath(join(deep, 'a.db'))
  assert.equal(dirname(path), tmpdir())
  assert.ok(Buffer.byteLength(path) <= 103)
  assert.notEqual(path, socketPath(join(deep, 'b.db')))
})

test('the same file under two names has one socket', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-socket-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'a.db'), '')
  symlinkSync('a.db', join(folder, 'link.db'))
  assert.equal(socketPath(join(folder, 'link.db')), socketPath(join(folder, 'a.db')))
})

test('errors come out as they went in, those of others by their words', () => {
  const sent = toSent(fault('millrace/id-conflict', 'was there', { data: { id: 'a' } }))
  const got = fromSent(JSON.parse(JSON.stringify(sent)))
  assert.ok(isMillraceError(got, 'millrace/id-conflict'))
  assert.deepEqual([got.message, got.data, got.name], ['was there', { id: 'a' }, 'DataError'])
  assert.equal(fromSent(toSent(new Error('theirs'))).message, 'theirs')
  assert.equal(fromSent({ code: 'millrace/of-tomorrow', message: 'new' }).message, 'new')
})
