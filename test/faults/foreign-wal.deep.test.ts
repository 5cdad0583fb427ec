// A -wal file that is left beside another file than its own: a copy that was put in place after a crash.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { type App, app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { sqliteOn } from '../../src/adapters/sqlite/index.ts'
import { foreignWal } from '../../src/adapters/sqlite/wal.ts'
import { assertSound, logOf, look, number } from './support/judge.ts'
import { LosingDisk } from './support/losing-disk.ts'
import { place } from './support/place.ts'
import { Chance, withSeed } from './support/seed.ts'

const Asked = event('asked', { schema: z.object({ n: z.number().int(), pad: z.string() }) })
const Questions = topic('questions', [Asked])
const checkpointBytes = 1024 * 1024

function asking(file: string): App {
  const answer = processor('answer', {
    on: Questions,
    handle: { asked: ({ data }, { commit }) => commit((tx) => tx.query`insert into answers values (${data.n})`) },
  })
  return app({
    name: 'asking',
    broker: sqlite({ file, checkpointBytes, adopt: true }),
    log: () => {},
    setup: (tx) => tx.query`create table if not exists answers (n integer)`,
    parts: [answer],
  })
}

/** How a file came to be: an app has made it, or taken up what another program had made. */
type Origin = 'made' | 'taken up'

const theirs = { application_id: 77, user_version: 7 } as const

/** What is there before the first start. */
function begin(file: string, origin: Origin): void {
  if (origin === 'made') return
  look(file, (db) => {
    db.exec('create table theirs (n integer); insert into theirs values (1), (2)')
    for (const [name, value] of Object.entries(theirs)) db.exec(`pragma ${name} = ${value}`)
  })
}

/** That what was there before is there as it was. */
function assertTheirs(file: string, origin: Origin): void {
  if (origin === 'made') return
  look(file, (db) => {
    assert.equal(number(db, 'select sum(n) from theirs'), 3)
    for (const [name, value] of Object.entries(theirs)) assert.equal(number(db, `pragma ${name}`), value, name)
  })
}

/** Publishes so many, a few at once, so that checkpoints come between. */
async function publish(asks: App, count: number, pad = 'x'.repeat(2_000)): Promise<void> {
  for (let n = 0; n < count; n += 20) {
    await Promise.all(
      Array.from({ length: Math.min(20, count - n) }, (_, of) => asks.publish(Asked, { n: n + of, pad })),
    )
  }
  await asks.idle()
}

/** The files as a kill leaves them now; copied by another process, because this one would drop its locks. */
function killed(file: string, folder: string): string {
  mkdirSync(folder)
  execFileSync('cp', [file, `${file}-wal`, folder])
  return join(folder, 'app.db')
}

async function bySqlite(file: string, to: string): Promise<void> {
  const db = new DatabaseSync(file, { readOnly: true })
  await backup(db, to)
  db.close()
}

function byVacuum(file: string, to: string): void {
  const db = new DatabaseSync(file, { readOnly: true })
  db.prepare('vacuum into ?').run(to)
  db.close()
}

function inWalMode(file: string): void {
  look(file, (db) => db.exec('pragma journal_mode=wal'))
}

/** All ways to copy a file while its app runs; the last, of the file alone, is one that its -wal begins on. */
async function copies(asks: App, file: string, to: string): Promise<string[]> {
  mkdirSync(to)
  const names = ['own.db', 'sqlite.db', 'vacuum.db', 'vacuum-wal.db', 'alone.db'].map((name) => join(to, name))
  await asks.broker.offline!.copies!.copyTo(names[0]!, { app: 'running' })
  await bySqlite(file, names[1]!)
  byVacuum(file, names[2]!)
  byVacuum(file, names[3]!)
  inWalMode(names[3]!)
  execFileSync('cp', [file, names[4]!])
  return names
}

const refused = { code: 'millrace/foreign-wal', message: /unchanged/ }

/** That nothing opens a copy with the -wal of another file beside it, and that both stay as they are. */
async function assertRefused(t: TestContext, copy: string, wal: string): Promise<void> {
  const file = join(place(t), 'app.db')
  copyFileSync(copy, file)
  copyFileSync(wal, `${file}-wal`)
  const before = [readFileSync(file), readFileSync(`${file}-wal`)]
  const asks = asking(file)
  const { offline } = asks.broker
  await assert.rejects(asks.start({ control: false }), refused, copy)
  await assert.rejects(offline!.read('stopped'), refused, copy)
  await assert.rejects(offline!.examine({ app: 'stopped', full: false }), refused, copy)
  await assert.rejects(offline!.write(), refused, copy)
  await assert.rejects(offline!.copies!.copyTo(`${file}.copy`, { app: 'stopped' }), refused, copy)
  assert.deepEqual([readFileSync(file), readFileSync(`${file}-wal`)], before, copy)
}

const crashes = [
  ['right after the copy', 0],
  ['a message after the copy', 1],
  ['some messages after the copy', 40],
  ['some checkpoints after the copy', 1_500],
] as const

for (const [when, between] of crashes) {
  test(`copies of this run and of earlier ones are not replayed into by the -wal of a crash ${when}`, (t) =>
    refuseCopies(t, 'made', between))
  test(`copies of a file that was taken up are not replayed into by the -wal of a crash ${when}`, (t) =>
    refuseCopies(t, 'taken up', between))
}

async function refuseCopies(t: TestContext, origin: Origin, between: number): Promise<void> {
  const folder = place(t)
  const file = join(folder, 'app.db')
  begin(file, origin)
  const found: string[] = []
  const stopped = (name: string) => {
    copyFileSync(file, join(folder, name))
    found.push(join(folder, name))
  }
  for (const run of [1, 2]) {
    const asks = asking(file)
    await asks.start({ control: false })
    await publish(asks, 30)
    found.push(...(await copies(asks, file, join(folder, `run-${run}`))))
    await asks.stop()
    stopped(`stopped-${run}.db`)
  }
  const asks = asking(file)
  await asks.start({ control: false })
  await publish(asks, 100)
  const ofThisRun = await copies(asks, file, join(folder, 'this-run'))
  await publish(asks, between)
  await asks.transaction((tx) => tx.query`create table later (n integer)`)
  found.push(...(between > 1_000 ? ofThisRun : ofThisRun.slice(0, -1)))
  const left = killed(file, join(folder, 'crash'))
  await asks.stop()

  for (const copy of found) await assertRefused(t, copy, `${left}-wal`)
  const again = asking(left)
  await again.start({ control: false })
  await again.idle()
  await again.stop()
  look(left, (db) => {
    assertSound(db)
    assert.equal(logOf(db, 'questions').length, 160 + between, 'its own file has all of it')
  })
  assertTheirs(left, origin)
}

test('a -wal whose file is gone or empty is refused and kept', async (t) => {
  const folder = place(t)
  const file = join(folder, 'app.db')
  const asks = asking(file)
  await asks.start({ control: false })
  await publish(asks, 3)
  const left = killed(file, join(folder, 'crash'))
  await asks.stop()
  const wal = readFileSync(`${left}-wal`)
  renameSync(left, `${left}.aside`)
  await assert.rejects(asking(left).start({ control: false }), refused)
  assert.equal(existsSync(left), false)
  writeFileSync(left, '')
  await assert.rejects(asking(left).start({ control: false }), refused)
  assert.deepEqual(readFileSync(`${left}-wal`), wal)
  renameSync(`${left}.aside`, left)
  const again = asking(left)
  await again.start({ control: false })
  await again.idle()
  assert.deepEqual(await again.read`select count(*) as n from answers`, [{ n: 3 }])
  await again.stop()
})

test('a file whose -wal another program has begun, or an older version that made no marks, starts', async (t) => {
  const folder = place(t)
  const file = join(folder, 'app.db')
  const first = asking(file)
  await first.start({ control: false })
  await publish(first, 3)
  await first.stop()
  const others: ((db: DatabaseSync) => void)[] = [
    (db) => db.exec('insert into answers values (100)'),
    (db) => db.exec("create table notes (text text); insert into notes values ('seen')"),
    (db) => db.exec('pragma user_version=0; insert into answers values (100)'),
    (db) => db.exec('insert into answers values (100); pragma wal_checkpoint(truncate); delete from answers'),
  ]
  for (const [index, does] of others.entries()) {
    const other = new DatabaseSync(file)
    other.exec('pragma wal_autocheckpoint=0')
    other.exec('insert into answers values (99)')
    does(other)
    const left = killed(file, join(folder, `crash-${index}`))
    other.close()
    const again = asking(left)
    await again.start({ control: false })
    await again.stop()
    look(left, assertSound)
  }
})

test('frames of a -wal that SQLite would not replay do not count', async (t) => {
  const folder = place(t)
  const file = join(folder, 'app.db')
  const asks = asking(file)
  await asks.start({ control: false })
  await publish(asks, 40)
  const left = killed(file, join(folder, 'crash'))
  const other = join(folder, 'other.db')
  await bySqlite(file, other)
  await asks.stop()
  const wal = readFileSync(`${left}-wal`)
  const beside = (bytes: Buffer) => {
    writeFileSync(`${other}-wal`, bytes)
    return foreignWal(other)
  }
  const torn = (at: number) => {
    const bytes = Buffer.from(wal)
    bytes[at]! ^= 1
    return bytes
  }
  assert.ok(beside(wal))
  assert.equal(beside(Buffer.alloc(0)), undefined)
  assert.equal(beside(wal.subarray(0, 31)), undefined, 'a header that is cut off')
  assert.equal(beside(wal.subarray(0, 32)), undefined, 'a header alone')
  assert.equal(beside(torn(2)), undefined, 'a header of something else')
  assert.equal(beside(torn(17)), undefined, 'a header whose checksum is wrong')
  assert.equal(beside(torn(100)), undefined, 'a first frame whose checksum is wrong')
  assert.equal(beside(wal.subarray(0, 32 + 24 + 4096 - 1)), undefined, 'a first frame that is cut off')
  assert.ok(beside(torn(wal.length - 1)), 'a last frame that is torn takes nothing from those before it')
  rmSync(`${other}-wal`)
  assert.equal(foreignWal(other), undefined, 'no -wal at all')
})

const cutsPerRun = 50
/** How many are looked at without a start, which is slow, for each that starts. */
const startEvery = 20

test('after each of a thousand power cuts, before, in and after checkpoints, the file starts with its own -wal', (t) =>
  withSeed((seed) => cutPower(t, { seed, origin: 'made', cuts: 1_000 })))

test('after each of three hundred power cuts a file that was taken up starts with its own -wal, and has all it had', (t) =>
  withSeed((seed) => cutPower(t, { seed, origin: 'taken up', cuts: 300 })))

interface Cutting {
  readonly seed: number
  readonly origin: Origin
  readonly cuts: number
}

async function cutPower(t: TestContext, { seed, origin, cuts }: Cutting): Promise<void> {
  const folder = place(t)
  const chance = new Chance(seed)
  const roll = () => chance.next()
  let replayed = 0
  for (let cut = 0; cut < cuts; ) {
    const file = join(folder, `run-${cut}.db`)
    const images: string[] = []
    const disk: LosingDisk = new LosingDisk(roll, Number.POSITIVE_INFINITY, () => {})
    disk.onStep = () => {
      if (cut >= cuts || images.length >= cutsPerRun || roll() < 0.3) return
      const image = join(folder, `cut-${cut++}.db`)
      disk.image(image)
      images.push(image)
    }
    const asks = asking(file)
    begin(file, origin)
    const broker = sqliteOn({ file, checkpointBytes: 65_536, adopt: true }, () => disk)
    await asks.start({ broker, control: false })
    while (images.length < cutsPerRun && cut < cuts)
      await publish(asks, 1 + chance.below(5), 'x'.repeat(chance.below(5_000)))
    await asks.stop()
    for (const [index, image] of images.entries()) {
      if (readFileSync(`${image}-wal`).length > 32) replayed++
      assert.equal(foreignWal(image), undefined, image)
      if (index % startEvery === 0) {
        const again = asking(image)
        await again.start({ control: false })
        await again.stop()
        look(image, assertSound)
        assertTheirs(image, origin)
      }
      for (const rest of ['', '-wal', '-shm', '-owner']) rmSync(`${image}${rest}`, { force: true })
    }
  }
  t.diagnostic(`${replayed} of ${cuts} had a -wal to replay`)
  assert.ok(replayed > cuts / 2)
}
