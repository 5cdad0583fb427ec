import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { app, sqlite } from 'millrace'
import { mill, Orders, Placed } from './support/mill.ts'
import { appFile, begin, folder, millrace, objectsOf } from './support/millrace.ts'

async function stoppedMill(t: TestContext): Promise<string> {
  const file = join(folder(t), 'mill.db')
  const one = mill(file)
  await one.start()
  await one.publish(Placed, { orderId: 'a' })
  await one.idle()
  await one.stop()
  return file
}

/** Its exit status, and what is not ok. */
async function doctor(...args: string[]): Promise<{ status: number | string; found: string[][] }> {
  const { status, out } = await millrace(['doctor', '--json', ...args])
  const found = objectsOf(out).filter(({ result }) => result !== 'ok')
  return { status, found: found.map(({ check, result, text }) => [check, result, text] as string[]) }
}

test('a file that is well is found well, and nothing changes beside it', async (t) => {
  const file = await stoppedMill(t)
  const before = readdirSync(dirname(file))
  const { status, out } = await millrace(['doctor', '--db', file, '--full'])
  assert.equal(status, 0)
  const checks = out.split('\n').map((line) => line.slice(0, 16).trimEnd())
  const names = ['process', 'store', 'format', 'integrity', 'size', 'disk', 'wal', 'progress', 'lag', 'lag', 'desk']
  assert.deepEqual(checks, [...names.map((name) => `ok    ${name}`), ''])
  assert.deepEqual(readdirSync(dirname(file)), before)
})

test('a running app is asked how it is', async (t) => {
  const file = join(folder(t), 'mill.db')
  // A disk that has less than it wants is what every disk has.
  const diskFreeMinBytes = Number.MAX_SAFE_INTEGER
  const one = app({ name: 'mill', broker: sqlite({ file, diskFreeMinBytes }), log: () => {}, parts: [Orders] })
  await one.start()
  t.after(() => one.stop())
  const { status, found } = await doctor('--db', file)
  assert.equal(status, 1)
  assert.equal(found[0]![0], 'health')
  assert.match(found[0]![2]!, /^the disk has \d+ bytes free, less than/)
})

test('held messages are a warning', async (t) => {
  const file = join(folder(t), 'mill.db')
  const one = mill(file)
  await one.start()
  t.after(() => one.stop())
  await one.publish(Placed, { orderId: 'a', fail: 'nowhere' })
  await one.idle()
  const { status, found } = await doctor('--db', file)
  assert.equal(status, 0)
  assert.deepEqual(found, [
    ['desk', 'warn', `1 message held, 0 waiting behind; see npx millrace desk list --db ${file}`],
  ])
})

test('after kill -9 the file of a process that died is told, and can still be read', async (t) => {
  const file = join(folder(t), 'mill.db')
  const one = begin(t, ['start', appFile, '--db', file])
  await one.says('ready')
  one.process.kill('SIGKILL')
  await one.done
  const { status, found } = await doctor('--db', file)
  assert.equal(status, 0)
  assert.deepEqual(
    found.map(([check, result]) => [check, result]),
    [['last stop', 'warn']],
  )
})

test("a file that is not Millrace's, torn, newer or missing fails, each with its code", async (t) => {
  const place = folder(t)
  const foreign = join(place, 'foreign.db')
  const db = new DatabaseSync(foreign)
  db.exec('create table theirs (a)')
  db.close()
  const torn = join(place, 'torn.db')
  writeFileSync(torn, 'not a database at all, but long enough to be read as one'.repeat(100))
  const newer = await stoppedMill(t)
  const changed = new DatabaseSync(newer)
  changed.exec("update millrace_meta set value = 99 where key = 'format'")
  changed.close()
  const empty = join(place, 'empty.db')
  writeFileSync(empty, '')
  const files = [
    [foreign, /\(millrace\/foreign-file\)$/],
    [torn, /\(millrace\/corrupt-file\)$/],
    [newer, /has format 99.*\(millrace\/newer-file\)$/],
    [empty, /is empty.*\(millrace\/foreign-file\)$/],
    [join(place, 'missing.db'), /^there is no file .*\(millrace\/no-app\)$/],
  ] as const
  const before = readdirSync(place)
  await Promise.all(
    files.map(async ([file, expected]) => {
      const { status, found } = await doctor('--db', file)
      assert.equal(status, 1)
      assert.deepEqual(
        found.map(([check, result]) => [check, result]),
        [['store', 'fail']],
      )
      assert.match(found[0]![2]!, expected)
      const desk = await millrace(['desk', 'list', '--db', file])
      assert.equal(desk.status, 1)
      assert.match(desk.err, /^millrace: .*\(millrace\/[a-z-]+\)\n$/)
    }),
  )
  assert.deepEqual(readdirSync(place), before)
})

test('damage and progress that does not fit are found', async (t) => {
  const file = await stoppedMill(t)
  const db = new DatabaseSync(file)
  db.exec("update millrace_progress set low = 7 where processor = 'stock'")
  const { page } = db.prepare("select rootpage as page from sqlite_schema where name = 'millrace_kinds'").get() as {
    page: number
  }
  const { page_size: size } = db.prepare('pragma page_size').get() as { page_size: number }
  db.exec('pragma wal_checkpoint(truncate)')
  db.close()
  const bytes = readFileSync(file)
  bytes.fill(0xff, (page - 1) * size + 8, page * size)
  const { status, found } = await doctor('--db', file, '--full')
  assert.equal(status, 1)
  assert.deepEqual(found, [['progress', 'fail', 'stock has done 7 of orders, which ends at 1']])
  writeFileSync(file, bytes)
  const damaged = await doctor('--db', file)
  assert.equal(damaged.status, 1)
  assert.ok(damaged.found.some(([check, result]) => result === 'fail' && (check === 'integrity' || check === 'store')))
})

test('a process that has the file and does not answer is not bypassed', async (t) => {
  const file = join(folder(t), 'mill.db')
  const one = begin(t, ['start', appFile, '--db', file])
  await one.says('ready')
  one.process.kill('SIGSTOP')
  t.after(() => one.process.kill('SIGCONT'))
  const { status, found } = await doctor('--db', file, '--wait-ms', '200')
  assert.equal(status, 1)
  assert.deepEqual(found[0]!.slice(0, 2), ['process', 'fail'])
  assert.match(found[0]![2]!, /did not answer within 200 ms; .*\(millrace\/no-answer\)$/)
  const release = await millrace(['desk', 'release', '1', '--db', file, '--wait-ms', '200'])
  assert.equal(release.status, 1)
  assert.match(release.err, /\(millrace\/no-answer\)/)
})

test('nor is one that has no control socket', async (t) => {
  const file = join(folder(t), 'mill.db')
  const one = mill(file)
  await one.start({ control: false })
  t.after(() => one.stop())
  const { status, err } = await millrace(['desk', 'list', '--db', file, '--wait-ms', '100'])
  assert.equal(status, 1)
  assert.match(err, new RegExp(`^millrace: process ${process.pid}, since .*, has .* and does not answer; .*no-answer`))
})

test('a command waits for an app that is starting', async (t) => {
  const place = folder(t)
  const source = `import { existsSync, writeFileSync } from 'node:fs'
import { app, sqlite } from 'millrace'
const setup = async () => { writeFileSync('begun', ''); while (!existsSync('go')) continue }
export default app({ name: 'slow', broker: sqlite({ file: 'slow.db' }), parts: [], setup })`
  writeFileSync(join(place, 'app.ts'), source)
  const starting = begin(t, ['start', 'app.ts'], { cwd: place })
  while (!existsSync(join(place, 'begun'))) await new Promise((resolve) => setImmediate(resolve))
  const listing = begin(t, ['processors', 'list', '--db', 'slow.db', '--wait-ms', '60000'], { cwd: place })
  writeFileSync(join(place, 'go'), '')
  const { status, out } = await listing.done
  assert.deepEqual({ status, out }, { status: 0, out: 'no processor has run yet\n' })
  starting.process.kill('SIGTERM')
  await starting.done
})
