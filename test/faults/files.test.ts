// Files that are no file of ours, or somebody else's, and a clock that jumps.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { mock } from 'node:test'
import { fileURLToPath } from 'node:url'
import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'

const Asked = event('asked', { schema: z.object({ n: z.number().int() }), context: () => 'all' })
const Questions = topic('questions', [Asked])

function asking(file: string, handled: number[] = []) {
  const answer = processor('answer', { on: Questions, handle: { asked: ({ data: { n } }) => void handled.push(n) } })
  return app({ name: 'asking', broker: sqlite({ file }), log: () => {}, parts: [answer] })
}

function folder(t: { after(fn: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-files-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A file of ours with a hundred messages in it. */
async function written(t: { after(fn: () => void): void }): Promise<string> {
  const file = join(folder(t), 'app.db')
  const running = asking(file)
  await running.start()
  await Promise.all(Array.from({ length: 100 }, (_, n) => running.publish(Asked, { n })))
  await running.idle()
  await running.stop()
  return file
}

test('random bytes and a torn beginning are refused, and the file is left as it is', async (t) => {
  const file = join(folder(t), 'app.db')
  for (const content of [
    Buffer.from('this is no database, but a letter'),
    Buffer.from('SQLite form'),
    Buffer.alloc(5_000, 7),
  ]) {
    writeFileSync(file, content)
    await assert.rejects(asking(file).start(), (error: Error & { code: string }) => {
      assert.equal(error.code, 'millrace/corrupt-file')
      assert.ok(error.message.includes(file))
      return true
    })
    assert.deepEqual(readFileSync(file), content)
  }
})

test('a database that was cut off is refused', async (t) => {
  const file = await written(t)
  truncateSync(file, 3 * 4096)
  await assert.rejects(asking(file).start(), { code: 'millrace/corrupt-file' })
})

test('a database that is not ours is refused and not touched', async (t) => {
  const file = join(folder(t), 'other.db')
  const other = new DatabaseSync(file)
  other.exec('create table customers (name text)')
  other.close()
  const before = readFileSync(file)
  await assert.rejects(asking(file).start(), { code: 'millrace/foreign-file' })
  assert.deepEqual(readFileSync(file), before)
})

test('a file of a later format is refused', async (t) => {
  const file = await written(t)
  const db = new DatabaseSync(file)
  db.exec("update millrace_meta set value = 99 where key = 'format'")
  db.close()
  await assert.rejects(asking(file).start(), { code: 'millrace/newer-file' })
})

test('a missing folder is named', async (t) => {
  const file = join(folder(t), 'nowhere', 'app.db')
  await assert.rejects(asking(file).start(), { code: 'millrace/cannot-open', message: /there is no folder/ })
})

test('a folder in place of the file is refused', async (t) => {
  await assert.rejects(asking(folder(t)).start(), (error: { code: string }) => error.code.startsWith('millrace/'))
})

test('two apps of one process cannot have one file, and after a stop the other can', async (t) => {
  const file = join(folder(t), 'app.db')
  const first = asking(file)
  const second = asking(file)
  await first.start()
  await assert.rejects(second.start({ waitMs: 0 }), {
    code: 'millrace/in-use',
    message: new RegExp(`process ${process.pid} `),
  })
  await first.publish(Asked, { n: 1 })
  await first.stop()
  await second.start()
  await second.stop()
})

test('a start that waits for the file says so after a moment, with the process it waits for and how long', async (t) => {
  const file = join(folder(t), 'app.db')
  const first = asking(file)
  await first.start()
  const told = Promise.withResolvers<string>()
  const log = (level: string, text: string) => level === 'warn' && told.resolve(text)
  const second = app({ name: 'second', broker: sqlite({ file }), log, parts: [Questions] })
  const starting = second.start({ waitMs: 60_000 })
  assert.match(await told.promise, new RegExp(`app\\.db is in use by .*process ${process.pid} .*: .* at most 60 s$`))
  await first.stop()
  await starting
  await second.stop()
})

const owner = fileURLToPath(new URL('./support/owner-program.ts', import.meta.url))

test('a second process names the owner of the file, and kill -9 sets it free', async (t) => {
  const file = join(folder(t), 'app.db')
  const child = spawn(process.execPath, ['--conditions=millrace-source', owner, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  await new Promise((resolve) => child.stdout.once('data', resolve))
  await assert.rejects(asking(file).start({ waitMs: 0 }), {
    code: 'millrace/in-use',
    message: new RegExp(`process ${child.pid} `),
  })
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
  const heir = asking(file)
  await heir.start()
  await heir.idle()
  const rows = await heir.read`select count(*) as messages from millrace_log_1`
  assert.deepEqual(rows, [{ messages: 1 }], 'what was acknowledged before the kill is there')
  await heir.stop()
})

test('a copy of a stopped file is a whole app: nothing beside it is needed', async (t) => {
  const file = await written(t)
  const copy = join(folder(t), 'copy.db')
  copyFileSync(file, copy)
  assert.equal(existsSync(`${file}-wal`), false, 'a clean stop leaves one file')
  const handled: number[] = []
  const running = asking(copy, handled)
  await running.start()
  await running.publish(Asked, { n: 100 })
  await running.idle()
  assert.deepEqual(handled, [100])
  await running.stop()
})

test('when the clock jumps back and forth, ids and positions still rise and everything is handled in order', async (t) => {
  const handled: number[] = []
  const file = join(folder(t), 'app.db')
  const running = asking(file, handled)
  await running.start()
  const real = Date.now
  const jumps = [0, -3_600_000, 86_400_000, -86_400_000, 1, -1, 31_536_000_000, 0]
  let jump = 0
  const clock = mock.method(Date, 'now', () => real() + jump)
  const ids: string[] = []
  for (let n = 0; n < 80; n++) {
    jump = jumps[n % jumps.length]!
    ids.push((await running.publish(Asked, { n })).id)
  }
  clock.mock.restore()
  await running.idle()
  assert.deepEqual(ids, [...ids].sort())
  assert.equal(new Set(ids).size, ids.length)
  assert.deepEqual(
    handled,
    Array.from({ length: 80 }, (_, n) => n),
  )
  await running.stop()
})
