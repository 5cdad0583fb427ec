// Files that are moved, removed or replaced while an app has them open: nothing more is accepted, and it says so.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { type App, isMillraceError, sqlite } from 'millrace'
import { sqliteOn } from '../../src/adapters/sqlite/index.ts'
import { nodeDisk } from '../../src/adapters/sqlite/node-disk.ts'
import { openFiles } from '../../src/adapters/sqlite/open-files.ts'
import { fault } from '../../src/model/errors.ts'
import { run } from './support/child.ts'
import { assertSound, logOf, look } from './support/judge.ts'
import { place } from './support/place.ts'
import { Task, tasks } from './support/tasks.ts'

const replaced = { code: 'millrace/files-replaced', retryable: false }

/** A file in a folder of its own, whose app has accepted and handled one message. */
async function running(t: TestContext): Promise<{ shop: App; file: string }> {
  const folder = join(place(t), 'data')
  mkdirSync(folder)
  const file = join(folder, 'shop.db')
  const shop = tasks({ broker: sqlite({ file }) })
  await shop.start({ control: false })
  t.after(() => shop.stop({ graceMs: 0 }))
  await publish(shop, 'first')
  await shop.idle()
  return { shop, file }
}

const publish = (shop: App, what: string) => shop.publish(Task, { lane: 'a', what }, { id: what })

/** Copied by another process: this one would drop its locks. */
function copyOf(file: string): string {
  const copy = `${dirname(file)}.copy`
  execFileSync('cp', [file, copy])
  return copy
}

/** What somebody does to the files, and which of them is told. */
const does: Readonly<Record<string, readonly [told: string, by: (file: string) => void]>> = {
  'the file is moved': ['shop.db was removed or moved', (file) => renameSync(file, `${file}.moved`)],
  'the file is removed': ['shop.db was removed or moved', (file) => unlinkSync(file)],
  'the file is replaced by a copy': ['another file was put in the place of', (file) => renameSync(copyOf(file), file)],
  'the file is replaced by a link': [
    'another file was put in the place of',
    (file) => {
      const copy = copyOf(file)
      unlinkSync(file)
      symlinkSync(copy, file)
    },
  ],
  'the -wal is removed': ['shop.db-wal was removed or moved', (file) => unlinkSync(`${file}-wal`)],
  'the -wal is moved': ['shop.db-wal was removed or moved', (file) => renameSync(`${file}-wal`, `${file}.moved`)],
  'the -wal is made anew': [
    'another file was put in the place of',
    (file) => {
      unlinkSync(`${file}-wal`)
      writeFileSync(`${file}-wal`, '')
    },
  ],
  'all of it is removed': [
    'shop.db was removed or moved',
    (file) => {
      for (const end of ['', '-wal', '-shm', '-owner']) unlinkSync(`${file}${end}`)
    },
  ],
  'the folder is moved': [
    'shop.db was removed or moved',
    (file) => renameSync(dirname(file), `${dirname(file)}.moved`),
  ],
  'the folder is moved and a file is in its place': [
    'shop.db was removed or moved',
    (file) => {
      renameSync(dirname(file), `${dirname(file)}.moved`)
      writeFileSync(dirname(file), '')
    },
  ],
}

/** What is at the place of a file and beside it. */
function around(file: string): Record<string, Buffer> {
  const folder = dirname(file)
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return {}
  const names = readdirSync(folder).filter((name) => !name.endsWith('-shm') && !name.endsWith('-owner'))
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(folder, name))]))
}

for (const [what, [told, by]] of Object.entries(does)) {
  test(`when ${what} nothing more is accepted, and health says what to do`, async (t) => {
    const { shop, file } = await running(t)
    by(file)
    // Before anybody publishes.
    const before = shop.health()
    assert.equal(before.status, 'red')
    assert.match(before.reasons.join(), new RegExp(`${told}.*put the files back.*millrace/files-replaced`, 's'))

    await assert.rejects(publish(shop, 'second'), replaced)
    const left = around(file)
    await assert.rejects(publish(shop, 'third'), replaced)
    await assert.rejects(shop.idle(), replaced)
    await assert.rejects(async () => shop.read`select 1`, replaced)
    const after = shop.health()
    assert.equal(after.status, 'red')
    assert.ok(after.reasons.join().includes(told), after.reasons.join())
    await shop.stop()
    assert.deepEqual(around(file), left, 'what is at the place now is left as it is')
  })
}

test('files that were moved and are put back have all that was accepted', async (t) => {
  const { shop, file } = await running(t)
  const folder = dirname(file)
  renameSync(folder, `${folder}.moved`)
  await assert.rejects(publish(shop, 'second'), replaced)
  await shop.stop()
  renameSync(`${folder}.moved`, folder)
  await shop.start({ control: false })
  await publish(shop, 'third')
  await shop.idle()
  assert.ok(!shop.health().reasons.join().includes('millrace/files-replaced'))
  await shop.stop()
  look(file, (db) => {
    assertSound(db)
    const ids = logOf(db, 'tasks').map(({ id }) => id)
    assert.ok(ids.includes('first') && ids.includes('third'), ids.join())
  })
})

for (const [what, by] of [
  ['removed', (file: string) => unlinkSync(file)],
  ['replaced by a copy', (file: string) => renameSync(copyOf(file), file)],
  ['left without its -wal', (file: string) => unlinkSync(`${file}-wal`)],
] as const) {
  test(`a file that is ${what} while its store is opened anew after a failed sync is not opened`, async (t) => {
    const file = join(place(t), 'shop.db')
    let failing = false
    const disks = () => {
      const disk = nodeDisk()
      const { sync, close } = disk
      return Object.assign(disk, {
        sync: () => (failing ? Promise.reject(fault('millrace/sync-failed', 'it does not answer')) : sync('single')),
        close: async () => {
          await close()
          // While the store lets go of it, before it is opened anew.
          if (failing) by(file)
          failing = false
        },
      })
    }
    const shop = tasks({ broker: sqliteOn({ file }, disks) })
    await shop.start({ control: false })
    t.after(() => shop.stop({ graceMs: 0 }))
    await publish(shop, 'first')
    failing = true
    await assert.rejects(publish(shop, 'second'), { code: 'millrace/sync-failed' })
    await assert.rejects(shop.idle(), replaced)
    assert.match(shop.health().reasons.join(), /millrace\/files-replaced/)
  })
}

test('no backup is made of a file that is in the place of its own, before and after that is noticed', async (t) => {
  const { shop, file } = await running(t)
  renameSync(copyOf(file), file)
  const to = join(dirname(file), 'backup.db')
  await assert.rejects(shop.backup(to), replaced)
  await assert.rejects(publish(shop, 'second'), replaced)
  await assert.rejects(shop.backup(to), replaced)
  assert.equal(existsSync(to), false)
})

test('a stop leaves files alone that were replaced since the last publish', async (t) => {
  const { shop, file } = await running(t)
  renameSync(copyOf(file), file)
  const before = around(file)
  await shop.stop()
  assert.deepEqual(around(file), before)
})

test('a link that leads to another file now is noticed', async (t) => {
  const folder = place(t)
  const [file, link] = [join(folder, 'real.db'), join(folder, 'shop.db')]
  writeFileSync(file, '')
  symlinkSync(file, link)
  const shop = tasks({ broker: sqlite({ file: link }) })
  await shop.start({ control: false })
  t.after(() => shop.stop({ graceMs: 0 }))
  await publish(shop, 'first')
  unlinkSync(link)
  writeFileSync(join(folder, 'other.db'), '')
  symlinkSync(join(folder, 'other.db'), link)
  await assert.rejects(publish(shop, 'second'), replaced)
  assert.equal(shop.health().status, 'red')
})

test('a -shm that is removed turns health red: another program would not see this one', async (t) => {
  const { shop, file } = await running(t)
  unlinkSync(`${file}-shm`)
  assert.match(shop.health().reasons.join(), /shop\.db-shm was removed/)
})

test('a copy of the folder made by the app itself lets another program remove the -wal, which is noticed', async (t) => {
  const { shop, file } = await running(t)
  cpSync(dirname(file), `${dirname(file)}.copy`, { recursive: true })
  const opens = `const db = new (require('node:sqlite').DatabaseSync)(${JSON.stringify(file)})
    db.prepare('select 1 from sqlite_master').get()
    db.close()`
  assert.equal(spawnSync(process.execPath, ['-e', opens]).status, 0)
  assert.equal(existsSync(`${file}-wal`), false, 'the locks were gone')
  await assert.rejects(publish(shop, 'second'), replaced)
  await shop.stop()
  await shop.start({ control: false })
  await publish(shop, 'third')
  await shop.idle()
  await shop.stop()
  look(file, (db) => {
    assertSound(db)
    assert.deepEqual(
      logOf(db, 'tasks').map(({ id }) => id),
      ['first', 'third'],
    )
  })
})

test('a copy of the folder made by the app itself lets another process take the file, which is noticed', async (t) => {
  const { shop, file } = await running(t)
  cpSync(dirname(file), `${dirname(file)}.copy`, { recursive: true })
  const other = run(t, 'owner-program', file)
  await other.line('here')
  assert.match(shop.health().reasons.join(), /another process has written \S+shop\.db-owner/)
  let refused: unknown
  // The owner is looked at now and then, the others at each sync.
  for (let n = 0; refused === undefined; n++) {
    await publish(shop, `again-${n}`).catch((error) => {
      refused = error
    })
  }
  assert.ok(isMillraceError(refused, 'millrace/files-replaced'), String(refused))
  other.kill()
  await other.ended
})

test('no checkpoint and no check runs on other files than those that were open', async (t) => {
  const folder = place(t)
  for (const opened of [false, true]) {
    const file = join(folder, `${opened}.db`)
    const db = new DatabaseSync(file)
    t.after(() => db.close())
    db.exec('pragma journal_mode=wal; pragma wal_autocheckpoint=0; create table t (n); insert into t values (1)')
    const disk = nodeDisk()
    t.after(() => disk.close())
    await disk.open(file, openFiles(file, file))
    if (opened) assert.equal(await disk.checkpoint(), true)
    db.exec('insert into t values (2)')
    const copy = copyOf(file)
    rmSync(file)
    if (opened) renameSync(copy, file)
    const before = around(file)
    await assert.rejects(disk.checkpoint(), replaced)
    await assert.rejects(disk.quickCheck(), replaced)
    await assert.rejects(disk.sync('single'), replaced)
    assert.deepEqual(around(file), before)
  }
})
