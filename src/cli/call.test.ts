import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { socketPath } from '../control/protocol.ts'
import { app, isMillraceError, type Offline, type StoreOwner, sqlite } from '../index.ts'
import { reach, runningOr, splitWords, wholeNumber } from './call.ts'

test('the app file is the word that ends like a program, wherever it stands', () => {
  assert.deepEqual(splitWords([]), { appFile: undefined, words: [] })
  assert.deepEqual(splitWords(['app.ts', '3']), { appFile: 'app.ts', words: ['3'] })
  assert.deepEqual(splitWords(['3', 'shop/app.mjs']), { appFile: 'shop/app.mjs', words: ['3'] })
  assert.deepEqual(splitWords(['order.placed', '{"a":1}']), { appFile: undefined, words: ['order.placed', '{"a":1}'] })
  assert.deepEqual(splitWords(['a.cts', 'b.js']), { appFile: 'a.cts', words: ['b.js'] })
})

test('numbers are whole and within their bounds', () => {
  const read = wholeNumber('--limit', 1, 100)
  assert.equal(read('100'), 100)
  for (const text of ['0', '101', '-1', '1.5', '1e1', '', ' 1', 'x']) assert.throws(() => read(text), /--limit is "/)
})

/** A store of which only its owner is known. */
function storeOf(path: string, owner: () => StoreOwner | undefined): Offline {
  return { where: path, controlPath: path, owner: async () => owner() } as unknown as Offline
}

test('a process that has the file is waited for until it listens', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-reach-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'a.db')
  const server = createServer((socket) => socket.write('{"millrace":3,"app":"a","pid":7}\n'))
  t.after(() => server.close())
  let looked = 0
  const starting = storeOf(path, () => {
    if (++looked === 2) server.listen(socketPath(path))
    return { pid: 7, host: 'here', since: 'now' }
  })
  const client = await reach(starting, 60_000)
  assert.equal(client!.pid, 7)
  assert.ok(looked >= 2)
  client!.close()
})

test('a process that never listens is named; a file without an owner is no running app', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-reach-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'a.db')
  const owner = { pid: 7, host: 'here', since: 'now' }
  const rejected = reach(
    storeOf(path, () => owner),
    1,
  )
  await assert.rejects(
    rejected,
    (error) => isMillraceError(error, 'millrace/no-answer') && /process 7/.test(error.message),
  )
  assert.equal(
    await reach(
      storeOf(path, () => undefined),
      1,
    ),
    undefined,
  )
})

test('an app that takes the file while a command wants to write is asked after all', async (t) => {
  const file = join(mkdtempSync(join(tmpdir(), 'millrace-')), 'app.db')
  t.after(() => rmSync(dirname(file), { recursive: true, force: true }))
  const broker = sqlite({ file })
  const starting = app({ name: 'starting', broker, parts: [], log: () => {} })
  t.after(() => starting.stop())
  const asked = await runningOr(
    broker.offline!,
    10_000,
    async ({ pid }) => pid,
    async () => {
      await starting.start()
      await broker.offline!.write({ waitMs: 0 })
      return assert.fail('the file is free')
    },
  )
  assert.equal(asked, process.pid)
})

test('other failures without an app are not tried again', async (t) => {
  const file = join(mkdtempSync(join(tmpdir(), 'millrace-')), 'app.db')
  t.after(() => rmSync(dirname(file), { recursive: true, force: true }))
  let times = 0
  const failing = async () => {
    times++
    throw new Error('no')
  }
  await assert.rejects(
    runningOr(sqlite({ file }).offline!, 10, async () => {}, failing),
    /no/,
  )
  assert.equal(times, 1)
})
