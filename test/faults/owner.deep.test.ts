// Who may have the file: one process at a time; others wait for a moment, then they are told who has it.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, chownSync, existsSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type App, app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { coded, kept, place, rows, until } from '../support.ts'

const Asked = event('asked', { schema: z.object({ n: z.number().int() }), context: () => 'all' })

interface Ends {
  after(fn: () => unknown): void
}

function asking(t: Ends, file: string): App {
  const one = app({ name: 'asking', broker: sqlite({ file }), log: () => {}, parts: [topic('questions', [Asked])] })
  t.after(() => one.stop({ graceMs: 0 }))
  return one
}

async function startedAndStopped(t: Ends, file: string): Promise<void> {
  const one = asking(t, file)
  await one.start({ control: false })
  await one.stop()
}

const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8)

test('FILE-owner is for its user only, also where it was made for all', async (t) => {
  const file = place(t)
  await startedAndStopped(t, file)
  assert.equal(modeOf(`${file}-owner`), '600')
  chmodSync(`${file}-owner`, 0o644)
  await startedAndStopped(t, file)
  assert.equal(modeOf(`${file}-owner`), '600')
})

test('files that root makes beside a file belong to the user of the file', async (t) => {
  const file = place(t)
  const nobody = 65_534
  await startedAndStopped(t, file)
  assert.equal(process.geteuid?.(), 0, 'this test gives a file to another user, which only root may do')
  chownSync(file, nobody, nobody)
  rmSync(`${file}-owner`)
  await startedAndStopped(t, file)
  assert.equal(statSync(`${file}-owner`).uid, nobody)
})

test('a reader of FILE-owner keeps no app from starting, and two apps are never let in', async (t) => {
  const file = place(t)
  await startedAndStopped(t, file)
  const reader = new DatabaseSync(`${file}-owner`, { readOnly: true })
  t.after(() => reader.close())
  reader.exec('begin')
  reader.prepare('select * from owner').all()
  const first = asking(t, file)
  await first.start({ control: false })
  await first.publish(Asked, { n: 1 })
  await assert.rejects(
    asking(t, file).start({ control: false, waitMs: 0 }),
    coded('millrace/in-use', /is in use by another process$/),
  )
  reader.exec('commit')
  await first.stop()
  await startedAndStopped(t, file)
})

test('a foreign program that locks FILE-owner is not taken for the last owner', async (t) => {
  const file = place(t)
  await startedAndStopped(t, file)
  const other = new DatabaseSync(`${file}-owner`)
  t.after(() => other.close())
  other.exec('begin immediate')
  await assert.rejects(
    asking(t, file).start({ control: false, waitMs: 0 }),
    coded('millrace/in-use', /is in use by another process$/),
  )
})

test('an app that another of its process has the file of is told that, and has not dropped its locks', async (t) => {
  const file = place(t)
  const first = asking(t, file)
  await first.start({ control: false })
  await assert.rejects(
    asking(t, file).start({ control: false, waitMs: 0 }),
    coded(
      'millrace/in-use',
      new RegExp(`is in use by this process ${process.pid} itself: another app in it has the file since `),
    ),
  )
  await first.publish(Asked, { n: 1 })
  // The system drops all locks of a process on a file when it closes any descriptor of it: then another process could
  // take the whole file for itself.
  const program = `const { DatabaseSync } = require('node:sqlite')
    const db = new DatabaseSync(${JSON.stringify(file)})
    db.exec('pragma locking_mode=exclusive')
    try { db.exec('begin exclusive; create table stolen (n); commit'); console.log('stolen') } catch (e) { console.log(e.message) }`
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', program])
  assert.equal(stdout.trim(), 'database is locked')
  await first.stop()
})

test('a start waits for a file that another has, and takes it when that one has let go', async (t) => {
  const file = place(t)
  const first = asking(t, file)
  const second = asking(t, file)
  await first.start({ control: false })
  let state = 'waits'
  const starting = second.start({ control: false, waitMs: 60_000 }).then(() => {
    state = 'runs'
  })
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(state, 'waits')
  await first.publish(Asked, { n: 1 })
  await first.stop()
  await starting
  await second.publish(Asked, { n: 2 })
  await second.stop()
  assert.deepEqual(
    kept(file, 'questions').map(({ data }) => data),
    ['{"n":1}', '{"n":2}'],
  )
})

test('waitMs has bounds', async (t) => {
  const one = asking(t, place(t))
  for (const waitMs of [-1, 0.5, 86_400_001, Number.NaN]) {
    await assert.rejects(one.start({ waitMs }), coded('millrace/bad-option', /^start: waitMs is /))
  }
})

test('of eight processes that want one file at once each has it once, and never two together', async (t) => {
  const file = place(t)
  const program = fileURLToPath(new URL('./support/fight-program.ts', import.meta.url))
  const run = promisify(execFile)
  const fights = Array.from({ length: 8 }, (_, n) =>
    run(process.execPath, ['--conditions=millrace-source', program, file, String(n)]),
  )
  await Promise.all(fights)
  const ns = kept(file, 'questions').map(({ data }) => JSON.parse(data).n as number)
  assert.deepEqual(
    ns.sort((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7],
  )
})

test('commands about a stopped file wait for each other, and a start waits for them', async (t) => {
  const file = place(t)
  const Questions = topic('questions', [Asked])
  const names = ['first', 'second', 'third']
  const parts = names.map((name) => processor(name, { on: Questions, handle: {} }))
  const shop = app({ name: 'shop', broker: sqlite({ file }), log: () => {}, parts })
  t.after(() => shop.stop({ graceMs: 0 }))
  await shop.start({ control: false })
  await shop.stop()
  const pause = async (name: string) => {
    const writer = await shop.broker.offline!.write({ waitMs: 60_000 })
    await writer.pause(name, 'paused', { by: 'somebody' })
    await writer.close()
  }
  const start = async () => {
    await shop.start({ control: false, waitMs: 60_000 })
    await shop.stop()
  }
  await Promise.all([pause('first'), pause('second'), start(), pause('third')])
  const paused = rows<{ processor: string }>(file, 'select processor from millrace_paused order by processor')
  assert.deepEqual(
    paused.map(({ processor }) => processor),
    names,
  )
})

test('a file is one, through any links', async (t) => {
  const file = place(t)
  await startedAndStopped(t, file)
  const link = `${file}-link`
  symlinkSync(file, link)
  const by = sqlite({ file: link }).offline!
  assert.equal(await by.owner(), undefined)
  const first = asking(t, file)
  await first.start({ control: false })
  assert.equal((await by.owner())?.pid, process.pid)
  assert.equal(by.where, file)
  await assert.rejects(by.write({ waitMs: 0 }), coded('millrace/in-use'))
  await assert.rejects(asking(t, link).start({ control: false, waitMs: 0 }), coded('millrace/in-use'))
  await first.stop()
  await until('nothing is made beside the link', () => !existsSync(`${link}-owner`))
})
