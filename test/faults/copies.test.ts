// Copies of a file, and what a start makes of one that is only a part.
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, linkSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { type App, sqlite } from 'millrace'
import { millrace } from '../cli/support/millrace.ts'
import { look } from './support/judge.ts'
import { place } from './support/place.ts'
import { Task, tasks } from './support/tasks.ts'

const green = { status: 'green', reasons: [] }

async function started(t: TestContext, file: string, log: (level: string, text: string) => void = () => {}) {
  const app = tasks({ broker: sqlite({ file }), log })
  t.after(() => app.stop({ graceMs: 0 }))
  await app.start({ control: false })
  return app
}

/** An app that runs, with messages that are done. */
async function running(t: TestContext, count = 20): Promise<{ app: App; file: string }> {
  const file = join(place(t), 'shop.db')
  const app = await started(t, file)
  await Promise.all(Array.from({ length: count }, (_, n) => app.publish(Task, { lane: `l${n % 3}`, what: `${n}` })))
  await app.idle()
  return { app, file }
}

/** The file as a process that was killed leaves it: what is in memory is lost, what it has written is not. */
function killed(from: string, to: string): void {
  for (const ending of ['', '-wal']) {
    if (existsSync(`${from}${ending}`)) copyFileSync(`${from}${ending}`, `${to}${ending}`)
  }
}

/** Health once the file has been looked at for damage. */
async function health(app: App) {
  while (app.health().reasons.some((reason) => reason.endsWith('(millrace/checking)'))) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  return app.health()
}

async function done(app: App): Promise<number> {
  await app.idle()
  const [row] = await app.read<{ done: number }>`select count(*) as done from done`
  return row!.done
}

test('a copy that a running app makes of itself starts green, with all that was done before', async (t) => {
  const { app, file } = await running(t)
  const copy = join(dirname(file), 'copy.db')
  const { path, bytes } = await app.backup(copy)
  assert.equal(path, copy)
  assert.ok(bytes > 10_000)
  await app.publish(Task, { lane: 'later', what: 'later' })
  const again = await started(t, copy)
  assert.deepEqual(again.health(), green)
  assert.equal(await done(again), 20)
  assert.equal(await done(app), 21)
  assert.deepEqual((await health(app)).reasons, [])
})

test('the file alone, copied beside a running app, starts red, tells its newest message, and stays red until it is accepted', async (t) => {
  const { file } = await running(t)
  const copy = join(dirname(file), 'copy.db')
  copyFileSync(file, copy)
  const lines: string[] = []
  const first = await started(t, copy, (level, text) => lines.push(`${level}: ${text}`))
  const { status, reasons } = await health(first)
  assert.equal(status, 'red')
  assert.equal(reasons.length, 1)
  assert.match(
    reasons[0]!,
    /copy\.db had no -wal file after an unclean stop.*`npx millrace doctor --accept`.*\(millrace\/copy-without-wal\)$/,
  )
  const told = lines.filter((line) => line.includes('-wal'))
  assert.equal(told.length, 1)
  assert.match(told[0]!, /^warn: .*copy\.db had no -wal file .* (its newest message is of 20\d\d-|it has no messages)/)
  await first.publish(Task, { lane: 'a', what: 'more' })
  await first.idle()
  await first.stop()
  const second = await started(t, copy)
  assert.match((await health(second)).reasons.join(), /copy-without-wal/, 'after a stop')
  const dead = join(dirname(file), 'dead.db')
  killed(copy, dead)
  assert.match((await health(await started(t, dead))).reasons.join(), /copy-without-wal/, 'after a kill')
  const backup = join(dirname(file), 'backup.db')
  await second.backup(backup)
  assert.match((await health(await started(t, backup))).reasons.join(), /copy-without-wal/, 'a copy of it')
  await second.stop()
  const accepting = await millrace(['doctor', '--db', copy, '--accept'])
  assert.equal(accepting.status, 0, accepting.out)
  assert.match(accepting.out, /^ok {4}accept {6}the store is accepted as it is$/m)
  const third = await started(t, copy)
  assert.deepEqual(await health(third), green)
  killed(copy, join(dirname(file), 'killed.db'))
  assert.deepEqual(await health(await started(t, join(dirname(file), 'killed.db'))), green, 'also after a kill')
})

test('a command accepts a running app, and a part that has not started yet', async (t) => {
  const { file } = await running(t)
  const [one, other] = ['one.db', 'other.db'].map((name) => join(dirname(file), name)) as [string, string]
  for (const copy of [one, other]) copyFileSync(file, copy)
  const app = tasks({ broker: sqlite({ file: one }) })
  t.after(() => app.stop({ graceMs: 0 }))
  await app.start()
  assert.equal((await health(app)).status, 'red')
  const red = await millrace(['doctor', '--db', one])
  assert.match(red.out, /^fail {2}health .*\(millrace\/copy-without-wal\)$/m)
  assert.equal((await millrace(['doctor', '--db', one, '--accept'])).status, 0)
  assert.deepEqual(app.health(), green)
  assert.match((await millrace(['doctor', '--db', one, '--accept'])).out, /there was nothing to accept/)

  const looked = await millrace(['doctor', '--db', other])
  assert.equal(looked.status, 1)
  assert.match(looked.out, /^fail {2}last stop .*newer messages may be missing/m)
  assert.deepEqual(
    readdirSync(dirname(other)).filter((name) => name.startsWith('other')),
    ['other.db'],
    'who only looks leaves no -wal file, which would look like that of the file',
  )
  assert.equal((await millrace(['doctor', '--db', other, '--accept'])).status, 0)
  assert.equal(existsSync(`${other}-wal`), false, 'it is one file')
  assert.deepEqual(await health(await started(t, other)), green)
})

test('a part whose topics have no message yet starts like any other', async (t) => {
  const { file } = await running(t, 0)
  const copy = join(dirname(file), 'copy.db')
  copyFileSync(file, copy)
  assert.match((await health(await started(t, copy))).reasons.join(), /it has no messages; .*copy-without-wal/)
})

test('a decision about a part before its first start does not make the copy look whole', async (t) => {
  const { file } = await running(t)
  const copy = join(dirname(file), 'copy.db')
  look(file, (db) => db.exec('pragma wal_checkpoint(passive)'))
  copyFileSync(file, copy)
  assert.equal((await millrace(['processors', 'pause', 'doer', '--db', copy])).status, 0)
  assert.match((await health(await started(t, copy))).reasons.join(), /copy-without-wal/)
})

test('a start that a newer format refuses leaves nothing beside the file', async (t) => {
  const { file } = await running(t)
  const copy = join(dirname(file), 'copy.db')
  copyFileSync(file, copy)
  const db = new DatabaseSync(copy)
  db.exec(
    "pragma journal_mode=delete; update millrace_meta set value = 99 where key = 'format'; pragma journal_mode=wal",
  )
  db.close()
  await assert.rejects(tasks({ broker: sqlite({ file: copy }) }).start(), { code: 'millrace/newer-file' })
  assert.equal(existsSync(`${copy}-wal`), false)
})

test('copies that SQLite makes, and a file that another program has closed, look like parts', async (t) => {
  const { file } = await running(t)
  const copies = ['vacuum.db', 'closed.db'].map((name) => join(dirname(file), name)) as [string, string]
  look(file, (db) => db.exec(`vacuum into '${copies[0]}'`))
  killed(file, copies[1])
  look(copies[1], (db) => db.exec('select * from millrace_meta'))
  for (const copy of copies) {
    const app = await started(t, copy)
    assert.match((await health(app)).reasons.join(), /its newest message is of .*copy-without-wal/)
    assert.equal(await done(app), 20)
  }
})

test('a new file, a clean stop and a kill with its -wal file, also an empty one, stay green', async (t) => {
  const { app, file } = await running(t)
  assert.deepEqual(app.health(), green, 'a new file')
  const dead = join(dirname(file), 'dead.db')
  killed(file, dead)
  await app.stop()
  assert.deepEqual((await started(t, file)).health(), green, 'a clean stop')
  const again = await started(t, dead)
  assert.deepEqual(await health(again), green, 'a kill')
  // As a checkpoint leaves it that empties the -wal file.
  const empty = join(dirname(file), 'empty.db')
  look(dead, (db) => db.exec('pragma wal_checkpoint(truncate)'))
  copyFileSync(dead, empty)
  writeFileSync(`${empty}-wal`, '')
  assert.deepEqual(await health(await started(t, empty)), green, 'an empty -wal file')
})

test('a process that dies while it makes a new file, before its first write, leaves one that starts green', async (t) => {
  const file = join(place(t), 'new.db')
  const db = new DatabaseSync(file)
  db.exec('pragma journal_mode=wal')
  db.close()
  assert.equal(existsSync(`${file}-wal`), false)
  assert.deepEqual((await started(t, file)).health(), green)
  const empty = join(dirname(file), 'empty.db')
  writeFileSync(empty, '')
  assert.deepEqual((await started(t, empty)).health(), green)
})

test('an app copies its file when stopped, starting or running, but not before its first start', async (t) => {
  const file = join(place(t), 'shop.db')
  const to = (name: string) => join(dirname(file), name)
  const app = tasks({ broker: sqlite({ file }) })
  t.after(() => app.stop({ graceMs: 0 }))
  await assert.rejects(app.backup(to('none.db')), { code: 'millrace/no-app' })
  const starting = app.start({ control: false })
  await app.backup(to('starting.db'))
  await starting
  await app.publish(Task, { lane: 'a', what: 'one' })
  await app.idle()
  await app.backup(to('running.db'))
  await app.stop()
  // The start waits for the copy, which has the file for as long as it takes.
  const copying = app.backup(to('stopped.db'))
  await app.start({ control: false })
  await copying
  assert.deepEqual(
    readdirSync(dirname(file)).filter((name) => name.includes('partial')),
    [],
  )
  for (const [name, count] of [
    ['starting.db', 0],
    ['running.db', 1],
    ['stopped.db', 1],
  ] as const) {
    const copy = await started(t, to(name))
    assert.deepEqual([copy.health(), await done(copy)], [green, count], name)
  }
})

test('a stop gives up the copy that is under way, and nothing is left of it', async (t) => {
  const { app, file } = await running(t)
  const copying = app.backup(join(dirname(file), 'copy.db'))
  const told = assert.rejects(copying, { code: 'millrace/stopping', retryable: true })
  const stopping = app.stop()
  await assert.rejects(app.publish(Task, { lane: 'a', what: 'too late' }), { code: 'millrace/stopping' })
  await stopping
  await told
  assert.deepEqual(
    readdirSync(dirname(file)).filter((name) => name.startsWith('copy')),
    [],
  )
  assert.equal(existsSync(`${file}-wal`), false, 'a clean stop leaves one file')
})

test('two copies to one path: one is made, the other refused; to two paths both are', async (t) => {
  const { app, file } = await running(t)
  const to = (name: string) => join(dirname(file), name)
  const [first, second] = await Promise.allSettled([app.backup(to('a.db')), app.backup(to('./a.db'))])
  assert.equal(first.status, 'fulfilled')
  assert.equal(second.status === 'rejected' && second.reason.code, 'millrace/backup-exists')
  await assert.rejects(app.backup(to('a.db')), { code: 'millrace/backup-exists' })
  await Promise.all([app.backup(to('b.db')), app.backup(to('c.db'))])
  for (const name of ['a.db', 'b.db', 'c.db']) rmSync(to(name))
  await assert.rejects(app.backup(''), { code: 'millrace/bad-option' })
  await assert.rejects(app.backup(undefined as never), { code: 'millrace/bad-option' })
  await assert.rejects(app.backup(join(dirname(file), 'none', 'a.db')), { code: 'millrace/backup-failed' })
})

test('a file with two names is refused under each, while one app has it and before, until it has one again', async (t) => {
  const { app, file } = await running(t)
  const other = join(dirname(file), 'other.db')
  linkSync(file, other)
  const refused = { code: 'millrace/hard-linked', message: /has 2 names \(hard links\), such as .*(shop|other)\.db/ }
  const second = tasks({ broker: sqlite({ file: other }) })
  await assert.rejects(second.start(), refused, 'while an app runs under the first name')
  await app.publish(Task, { lane: 'a', what: 'goes on' })
  await app.stop()
  for (const one of [app, second]) await assert.rejects(one.start(), refused)
  rmSync(other)
  await app.start({ control: false })
  assert.deepEqual([app.health(), await done(app)], [green, 21])
})
