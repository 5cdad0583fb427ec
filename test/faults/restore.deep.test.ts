// A copy that takes the place of a file: what is moved where, and what a crash leaves.
import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { type App, sqlite } from 'millrace'
import { finishRestore, prepareRestore } from '../../src/adapters/sqlite/restore.ts'
import { millrace, objectsOf } from '../cli/support/millrace.ts'
import { look } from './support/judge.ts'
import { place } from './support/place.ts'
import { Task, tasks } from './support/tasks.ts'

async function started(t: TestContext, file: string): Promise<App> {
  const app = tasks({ broker: sqlite({ file }) })
  t.after(() => app.stop({ graceMs: 0 }))
  await app.start({ control: false })
  return app
}

async function publish(app: App, ...whats: string[]): Promise<void> {
  for (const what of whats) await app.publish(Task, { lane: 'a', what })
  await app.idle()
}

async function holds(t: TestContext, file: string): Promise<string[]> {
  const app = await started(t, file)
  await app.idle()
  while (app.health().status === 'red') await new Promise((resolve) => setImmediate(resolve))
  const rows = await app.read<{ what: string }>`select what from done order by seq`
  await app.stop()
  return rows.map(({ what }) => what)
}

/** A file as a kill leaves it, with its -wal, that has gone on since its copy was made. */
async function crashed(t: TestContext): Promise<{ file: string; copy: string }> {
  const folder = place(t)
  const alive = join(folder, 'alive', 'shop.db')
  const file = join(folder, 'shop.db')
  const copy = join(folder, 'copy.db')
  mkdirSync(dirname(alive))
  const app = await started(t, alive)
  await publish(app, 'old')
  await app.backup(copy)
  await publish(app, 'new')
  for (const ending of ['', '-wal', '-shm']) copyFileSync(alive + ending, file + ending)
  await app.stop()
  return { file, copy }
}

const beside = (file: string) =>
  readdirSync(dirname(file)).filter((name) => name.startsWith(`${basename(file)}-before-`))

test('restore puts the copy in place and moves the file with its -wal aside, where it is whole', async (t) => {
  const { file, copy } = await crashed(t)
  const before = readFileSync(copy)
  const { status, out, err } = await millrace(['restore', copy, '--db', file])
  assert.equal(status, 0, err)
  const moved = beside(file).sort()
  assert.equal(moved.length, 3)
  assert.match(moved[0]!, /^shop\.db-before-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ$/)
  assert.deepEqual(moved.slice(1), [`${moved[0]}-shm`, `${moved[0]}-wal`])
  for (const name of moved) assert.ok(out.includes(`moved aside: ${join(dirname(file), name)}\n`), out)
  assert.match(out, /copy\.db is restored to .*shop\.db \(\d+ kB\); its newest message is of 20.*\n$/)
  assert.equal(err, '')
  assert.deepEqual(readFileSync(copy), before, 'the copy stays as it is')
  assert.deepEqual(await holds(t, file), ['old'])
  assert.deepEqual(await holds(t, join(dirname(file), moved[0]!)), ['old', 'new'])
})

test('a second restore has a name of its own; a file that is not there is just put in place', async (t) => {
  const { file, copy } = await crashed(t)
  const results: unknown[] = []
  for (let n = 0; n < 2; n++) {
    const { status, out } = await millrace(['restore', copy, '--db', file, '--json'])
    assert.equal(status, 0)
    results.push(...objectsOf(out))
  }
  const [first, second] = results as { aside: string[]; whole: boolean; newest: string; from: string; to: string }[]
  assert.deepEqual([first!.from, first!.to, first!.whole, first!.aside.length], [copy, file, true, 3])
  assert.equal(second!.aside.length, 1)
  assert.equal(first!.aside.includes(second!.aside[0]!), false)
  const elsewhere = join(dirname(file), 'elsewhere.db')
  assert.equal((await millrace(['restore', copy, '--db', elsewhere])).status, 0)
  assert.deepEqual(beside(elsewhere), [])
  assert.deepEqual(await holds(t, elsewhere), ['old'])
})

test('while an app has the file nothing is restored, and an incomplete copy is refused and changes nothing', async (t) => {
  const { file, copy } = await crashed(t)
  const app = await started(t, file)
  const inUse = await millrace(['restore', copy, '--db', file])
  assert.equal(inUse.status, 1)
  assert.match(inUse.err, /\(millrace\/in-use\)/)
  await app.stop()
  const folder = dirname(file)
  const letter = join(folder, 'letter.txt')
  writeFileSync(letter, 'no database')
  const other = join(folder, 'other.db')
  look(other, (db) => db.exec('create table theirs (a)'))
  const damaged = join(folder, 'damaged.db')
  const bytes = readFileSync(copy)
  const page = look(copy, (db) =>
    Number(db.prepare("select rootpage as p from sqlite_schema where name = 'done'").get()!['p']),
  )
  bytes.fill(0xff, (page - 1) * 4096, page * 4096)
  writeFileSync(damaged, bytes)
  const before = readdirSync(folder).sort()
  for (const [wrong, code] of [
    [join(folder, 'none.db'), 'no-app'],
    [letter, 'corrupt-file'],
    [other, 'foreign-file'],
    [damaged, 'corrupt-file'],
    [file, 'restore-failed'],
  ] as const) {
    const { status, err } = await millrace(['restore', wrong, '--db', file])
    assert.equal(status, 1)
    assert.match(err, new RegExp(`\\(millrace/${code}\\)`), wrong)
  }
  assert.deepEqual(readdirSync(folder).sort(), before)
  assert.deepEqual(await holds(t, file), ['old', 'new'])
})

test('a copy without a clean mark is restored with a word about it, and is accepted so', async (t) => {
  const { file, copy } = await crashed(t)
  const part = join(dirname(file), 'part.db')
  look(copy, (db) => db.exec("update millrace_meta set value = 0 where key = 'clean'"))
  copyFileSync(copy, part)
  const { status, err } = await millrace(['restore', part, '--db', file])
  assert.equal(status, 0)
  assert.match(err, /does not say that it is whole: newer messages may be missing/)
  assert.deepEqual(await holds(t, file), ['old'])
})

test('a file that cannot be opened at all is moved aside like any other', async (t) => {
  const { file, copy } = await crashed(t)
  writeFileSync(file, 'torn')
  assert.equal((await millrace(['restore', copy, '--db', file])).status, 0)
  assert.equal(readFileSync(join(dirname(file), beside(file).find((name) => name.endsWith('Z'))!), 'utf8'), 'torn')
  assert.deepEqual(await holds(t, file), ['old'])
})

test('a link stays a link: its target is restored', async (t) => {
  const { file, copy } = await crashed(t)
  const link = join(dirname(file), 'alive', 'link.db')
  symlinkSync('../shop.db', link)
  assert.equal((await millrace(['restore', copy, '--db', link])).status, 0)
  assert.equal(beside(file).length, 3)
  assert.deepEqual(await holds(t, link), ['old'])
})

test('before the copy is ready a crash leaves the file as it was', async (t) => {
  const { file, copy } = await crashed(t)
  copyFileSync(copy, `${file}-restore-partial`)
  assert.deepEqual(await holds(t, file), ['old', 'new'])
  assert.equal((await millrace(['restore', copy, '--db', file])).status, 0)
  assert.equal(existsSync(`${file}-restore-partial`), false)
  assert.deepEqual(await holds(t, file), ['old'])
})

for (const at of [0, 1, 2, 3]) {
  test(`when a restore dies before its move number ${at + 1}, a start and a second run finish it`, async (t) => {
    for (const next of ['start', 'restore']) {
      const { file, copy } = await crashed(t)
      await prepareRestore(file, copy, 'stopped')
      let moves = 0
      const dying = (from: string, to: string) => {
        if (moves++ === at) throw new Error('died')
        renameSync(from, to)
      }
      assert.throws(() => finishRestore(file, dying), { code: 'millrace/restore-failed' })
      const looking = await millrace(['desk', 'list', '--db', file])
      assert.match(looking.err, /\(millrace\/restore-unfinished\)/)
      if (next === 'restore') assert.equal((await millrace(['restore', copy, '--db', file])).status, 0)
      assert.deepEqual(await holds(t, file), ['old'])
      const [old] = beside(file).filter((name) => existsSync(join(dirname(file), `${name}-wal`)))
      assert.deepEqual(await holds(t, join(dirname(file), old!)), ['old', 'new'], 'the old file is whole')
      assert.equal(existsSync(`${file}-restore-ready`), false)
    }
  })
}
