// What health says of the file: how it is now, not how it was at its worst.
import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { type App, sqlite } from 'millrace'
import { sqliteOn } from '../../src/adapters/sqlite/index.ts'
import { nodeDisk } from '../../src/adapters/sqlite/node-disk.ts'
import { leaveUnclean, look } from './support/judge.ts'
import { place } from './support/place.ts'
import { Task, tasks } from './support/tasks.ts'

async function started(t: TestContext, app: App): Promise<App> {
  t.after(() => app.stop({ graceMs: 0 }))
  await app.start({ control: false })
  return app
}

/** A file with messages that wait, as a process that was killed leaves it. */
async function unclean(t: TestContext, count: number): Promise<string> {
  const file = join(place(t), 'health.db')
  const first = tasks({ broker: sqlite({ file }) })
  await first.start({ control: false, only: [] })
  await Promise.all(Array.from({ length: count }, (_, n) => first.publish(Task, { lane: 'a', what: `${n}` })))
  await first.stop()
  leaveUnclean(file)
  return file
}

test('health is red while too much of the -wal file is not in the database, green once it is, however large the file', async (t) => {
  const file = join(place(t), 'health.db')
  let checkpoints: Promise<unknown>[] = []
  const disks = () => {
    const disk = nodeDisk()
    const { checkpoint } = disk
    return Object.assign(disk, {
      checkpoint: () => {
        const done = checkpoint()
        checkpoints.push(done)
        return done
      },
    })
  }
  const walBytesMax = 1024 * 1024
  const app = await started(t, tasks({ broker: sqliteOn({ file, walBytesMax, checkpointBytes: 65_536 }, disks) }))
  await app.publish(Task, { lane: 'a', what: 'first' })
  await app.idle()
  const what = 'x'.repeat(300_000)
  const publish = async () => {
    checkpoints = []
    await Promise.all(Array.from({ length: 10 }, () => app.publish(Task, { lane: 'a', what })))
    await app.idle()
    while (checkpoints.length > 0) await Promise.all(checkpoints.splice(0))
  }
  // Somebody reads for long, so that nothing can be written back.
  const reader = new DatabaseSync(file, { readOnly: true })
  reader.exec('begin')
  reader.prepare('select * from millrace_meta').all()
  await publish()
  assert.equal(app.health().status, 'red')
  assert.match(
    app.health().reasons.join(),
    /^\d+ bytes of the -wal file are not in the database yet, more than 1048576$/,
  )
  reader.exec('commit')
  reader.close()
  await publish()
  assert.deepEqual(app.health(), { status: 'green', reasons: [] })
  assert.ok(statSync(`${file}-wal`).size > walBytesMax)
})

test('health tells of the free disk as it is now, though nothing is published', async (t) => {
  const file = join(place(t), 'health.db')
  let free = Number.MAX_SAFE_INTEGER
  const disks = () => Object.assign(nodeDisk(), { freeBytes: () => free })
  const app = await started(t, tasks({ broker: sqliteOn({ file, diskFreeMinBytes: 1_000 }, disks) }))
  await app.idle()
  free = 999
  assert.deepEqual(app.health().reasons, ['the disk has 999 bytes free, less than 1000'])
  free = 1_000
  assert.deepEqual(app.health(), { status: 'green', reasons: [] })
})

test('after an unclean stop messages are handled during the check for damage, and health shows it until its end', async (t) => {
  const file = await unclean(t, 20)
  const check = Promise.withResolvers<string[]>()
  const disks = () => Object.assign(nodeDisk(), { quickCheck: () => check.promise })
  const app = await started(t, tasks({ broker: sqliteOn({ file }, disks) }))
  await app.idle()
  assert.deepEqual(await app.read`select count(*) as done from done`, [{ done: 20 }])
  assert.equal(app.health().reasons.length, 1)
  assert.match(app.health().reasons[0]!, /health\.db is being checked for damage .* \(millrace\/checking\)$/)
  check.resolve([])
  await check.promise
  assert.deepEqual(app.health(), { status: 'green', reasons: [] })
})

test('damage found by the check is one reason each, ten at most, and one line in the log', async (t) => {
  const file = await unclean(t, 1)
  const lines: unknown[] = []
  const log = (_: string, text: string, fields: unknown) => void lines.push([text, fields])
  const check = Promise.withResolvers<string[]>()
  const disks = () => Object.assign(nodeDisk(), { quickCheck: () => check.promise })
  const app = await started(t, tasks({ broker: sqliteOn({ file }, disks), log }))
  check.resolve(Array.from({ length: 25 }, (_, n) => `done: page ${n} is broken`))
  await check.promise
  const { reasons } = app.health()
  assert.equal(reasons.length, 11)
  assert.equal(reasons[0], 'the file is damaged: done: page 0 is broken')
  assert.equal(reasons[10], 'the file is damaged: 15 more findings, which `npx millrace doctor` shows')
  assert.deepEqual(lines, [['the file is damaged', { file, findings: 25, first: 'done: page 0 is broken' }]])
})

test('a file whose check cannot be done stays red, with why', async (t) => {
  const file = await unclean(t, 1)
  const disks = () => Object.assign(nodeDisk(), { quickCheck: () => Promise.reject(new Error('no memory')) })
  const app = await started(t, tasks({ broker: sqliteOn({ file }, disks) }))
  await app.idle()
  assert.match(app.health().reasons.join(), /could not be checked for damage: Error: no memory; .*millrace\/checking/)
})

test('a stop does not wait for tables that are still to be checked; damage in the checked ones is found', async (t) => {
  const file = await unclean(t, 1)
  const { page, size } = look(file, (db) => ({
    page: Number(db.prepare("select rootpage as p from sqlite_schema where name = 'done'").get()!['p']),
    size: Number(db.prepare('pragma page_size').get()!['page_size']),
  }))
  const bytes = readFileSync(file)
  bytes.fill(0xff, (page - 1) * size, page * size)
  writeFileSync(file, bytes)
  const disk = nodeDisk()
  t.after(() => disk.close())
  using db = new DatabaseSync(file)
  db.exec('pragma journal_mode=wal; select * from millrace_meta')
  await disk.open(file, [])
  const found = await disk.quickCheck()
  assert.ok(found.length > 0)
  assert.deepEqual(
    found.filter((line) => !line.startsWith('done: ') || line.includes('\n')),
    [],
  )
  const second = disk.quickCheck()
  await disk.close()
  assert.deepEqual(await second, [])
})
