// A database that has tables of its own, and is taken up by an app.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type App, app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import type { Disk } from '../src/adapters/sqlite/disk.ts'
import { sqliteOn } from '../src/adapters/sqlite/index.ts'
import { nodeDisk } from '../src/adapters/sqlite/node-disk.ts'
import { coded, place } from './support.ts'

const Ordered = event('ordered', { schema: z.object({ id: z.number() }), context: ({ id }) => String(id) })
const Orders = topic('orders', [Ordered])

interface Line {
  readonly level: string
  readonly text: string
}

function shopOn(file: string, { adopt = true, lines = [] as Line[] } = {}): App {
  const clerk = processor('clerk', {
    on: Orders,
    handle: {
      ordered: ({ data: { id } }, { commit }) =>
        commit((tx) => tx.query`insert into orders (customer, cents) values (${id}, 100)`),
    },
  })
  return app({
    name: 'shop',
    broker: sqlite({ file, adopt }),
    log: (level, text) => lines.push({ level, text }),
    parts: [clerk],
  })
}

const schema = `
  create table customers (id integer primary key, name text not null unique);
  create table orders (id integer primary key autoincrement, customer integer references customers, cents integer);
  create index orders_by_customer on orders (customer);
  create view spent as select customer, sum(cents) as cents from orders group by customer;
  create table changes (what text);
  create trigger noted after insert on orders begin insert into changes values ('order ' || new.id); end;
  insert into customers values (1, 'ada'), (2, 'bob');
  insert into orders (customer, cents) values (1, 250), (2, 4000);
`

/** What another program has made. */
function theirs(t: TestContext, pragmas = ''): string {
  const file = place(t)
  const db = new DatabaseSync(file)
  db.exec(`${pragmas}; pragma user_version = 12; pragma application_id = 99; ${schema}`)
  db.close()
  return file
}

const read = <T>(file: string, fn: (db: DatabaseSync) => T): T => {
  const db = new DatabaseSync(file)
  try {
    return fn(db)
  } finally {
    db.close()
  }
}

const numbers = ['user_version', 'application_id', 'page_size', 'encoding', 'auto_vacuum'] as const

/** All that belongs to the other program. */
const theirsIn = (file: string) =>
  read(file, (db) => ({
    numbers: numbers.map((name) => db.prepare(`pragma ${name}`).get()![name]),
    schema: db.prepare("select sql from sqlite_schema where tbl_name not like 'millrace~_%' escape '~'").all(),
    customers: db.prepare('select * from customers').all(),
    orders: db.prepare('select * from orders where id <= 2').all(),
    sound: db.prepare('pragma integrity_check').all(),
  }))

const namesIn = (file: string) =>
  read(file, (db) =>
    db
      .prepare('select name from sqlite_schema')
      .all()
      .map(({ name }) => String(name)),
  )

for (const [what, pragmas] of [
  ['with the defaults of SQLite', ''],
  ['with small pages', 'pragma page_size = 512'],
  ['with large pages', 'pragma page_size = 65536'],
  ['in UTF-16', "pragma encoding = 'UTF-16'"],
  ['that vacuums itself', 'pragma auto_vacuum = full'],
  ['in WAL mode', 'pragma journal_mode = wal'],
] as const) {
  test(`a database ${what} is taken up: its journal mode is WAL, tables are added, all else stays`, async (t) => {
    const file = theirs(t, pragmas)
    const before = theirsIn(file)
    const names = namesIn(file)
    const lines: Line[] = []
    for (const run of [1, 2]) {
      const shop = shopOn(file, { lines })
      await shop.start({ control: false })
      for (const id of [1, 2]) await shop.publish(Ordered, { id })
      await shop.idle()
      assert.equal((await shop.read`select * from orders`).length, 2 + 2 * run)
      await shop.stop()
    }
    assert.deepEqual(
      lines.filter(({ level }) => level !== 'info'),
      [
        {
          level: 'warn',
          text: `${file} had tables of its own and is taken up: its journal mode is WAL now, and it has the tables of Millrace`,
        },
      ],
      'said once',
    )
    assert.deepEqual(theirsIn(file), before)
    const added = namesIn(file).filter((name) => !names.includes(name))
    assert.deepEqual(
      added.filter((name) => !/^(millrace_|sqlite_autoindex_millrace_)/.test(name)),
      [],
    )
    read(file, (db) => {
      assert.equal(db.prepare('pragma journal_mode').get()!['journal_mode'], 'wal')
      assert.equal(db.prepare('select count(*) as n from changes').get()!['n'], 6, 'its triggers work')
    })
  })
}

test('without adopt a database of another program is refused, as it is; the error says what to do', async (t) => {
  const file = theirs(t)
  const before = readFileSync(file)
  for (const broker of [sqlite({ file }), sqlite({ file, adopt: false })]) {
    const refused = app({ name: 'shop', broker, parts: [Orders] }).start({ control: false })
    await assert.rejects(refused, (error: Error & { help: string }) => {
      assert(coded('millrace/foreign-file', /has tables of its own, such as "customers"/)(error))
      assert.match(error.help, /millrace backup --db FILE --to COPY/)
      assert.match(error.help, /adopt: true/)
      return true
    })
  }
  assert.deepEqual(readFileSync(file), before)
  for (const ending of ['-wal', '-shm', '-journal']) assert.equal(existsSync(file + ending), false, ending)
  assert.throws(
    () => sqlite({ file, adopt: 'yes' as never }),
    coded('millrace/bad-option', /adopt must be true or false/),
  )
})

const bin = fileURLToPath(new URL('../bin/millrace.js', import.meta.url))
const millrace = (...words: string[]) =>
  spawnSync(process.execPath, ['--conditions=millrace-source', bin, ...words], { encoding: 'utf8' })

test('millrace backup copies a database of another program, while that writes, and changes nothing', async (t) => {
  const file = theirs(t)
  const other = new DatabaseSync(file)
  other.exec("begin immediate; insert into customers values (3, 'eve')")
  const { status, stdout, stderr } = millrace('backup', '--db', file, '--to', `${file}.copy`)
  assert.equal(status, 0, stdout + stderr)
  other.exec('commit')
  other.close()
  const of = (path: string) =>
    read(path, (db) =>
      db
        .prepare('select name from customers')
        .all()
        .map(({ name }) => name),
    )
  assert.deepEqual(of(`${file}.copy`), ['ada', 'bob'])
  assert.deepEqual(of(file), ['ada', 'bob', 'eve'])
  assert.deepEqual(namesIn(`${file}.copy`), namesIn(file))
  assert.equal(existsSync(`${file}-owner`), false)
})

test('a copy from before a database was taken up is restored, and the file of the app is moved aside', async (t) => {
  const file = theirs(t)
  assert.equal(millrace('backup', '--db', file, '--to', `${file}.copy`).status, 0)
  const shop = shopOn(file)
  await shop.start({ control: false })
  await shop.publish(Ordered, { id: 1 })
  await shop.idle()
  await shop.stop()
  const { status, stdout, stderr } = millrace('restore', `${file}.copy`, '--db', file, '--json')
  assert.equal(status, 0, stdout + stderr)
  const { aside, whole, newest } = JSON.parse(stdout)
  assert.deepEqual([whole, newest, aside.length > 0], [true, null, true])
  assert.deepEqual(namesIn(file), namesIn(`${file}.copy`))
  assert.equal(
    read(aside.at(-1), (db) => db.prepare('select count(*) as n from millrace_meta').get()!['n'] !== 0),
    true,
  )
  // It can be taken up once more.
  const again = shopOn(file)
  await again.start({ control: false })
  await again.stop()
})

test('a file that was taken up is one of Millrace: commands read it, and a start needs no adopt', async (t) => {
  const file = theirs(t)
  const shop = shopOn(file)
  await shop.start({ control: false })
  await shop.publish(Ordered, { id: 1 })
  await shop.idle()
  await shop.stop()
  const { status, stdout, stderr } = millrace('doctor', '--full', '--db', file)
  assert.equal(status, 0, stdout + stderr)
  assert.match(stdout, /clerk is at 1 of 1 of orders/)
  assert.equal(millrace('backup', '--db', file, '--to', `${file}.copy`).status, 0)
  for (const path of [file, `${file}.copy`]) {
    const again = shopOn(path, { adopt: false })
    await again.start({ control: false })
    await again.publish(Ordered, { id: 2 })
    await again.idle()
    assert.equal((await again.read`select * from orders`).length, 4)
    await again.stop()
    assert.equal(theirsIn(path).numbers[0], 12)
  }
})

test('another program may read, write in short transactions, and count its versions, while the app runs', async (t) => {
  const file = theirs(t)
  const shop = shopOn(file)
  await shop.start({ control: false })
  const other = new DatabaseSync(file, { timeout: 5_000 })
  for (let n = 1; n <= 50; n++) {
    other.exec(
      `begin immediate; insert into customers values (${100 + n}, 'c${n}'); pragma user_version = ${n}; commit`,
    )
    await shop.publish(Ordered, { id: 100 + n })
    assert.equal(other.prepare('select count(*) as n from customers').get()!['n'], 2 + n)
    if (n % 10 === 0) other.exec('pragma wal_checkpoint(passive)')
  }
  await shop.idle()
  assert.equal(other.prepare('select count(*) as n from orders').get()!['n'], 52)
  other.exec('alter table customers add column note text')
  await shop.publish(Ordered, { id: 1 })
  await shop.idle()
  assert.deepEqual(shop.health(), { status: 'green', reasons: [] })
  await shop.stop()
  other.close()
  assert.equal(theirsIn(file).numbers[0], 50)
  const again = shopOn(file)
  await again.start({ control: false })
  assert.equal((await again.read`select * from orders`).length, 53)
  await again.stop()
})

test('a name that begins with millrace_ is refused with its object, and the file stays as it is', async (t) => {
  for (const [sql, says] of [
    ['create table millrace_notes (text text)', /has the table "millrace_notes"/],
    ['create table Millrace_Meta (key text, value text)', /has the table "Millrace_Meta"/],
    ['create index millrace_i on customers (name)', /has the index "millrace_i"/],
    ['create view millrace_v as select 1', /has the view "millrace_v"/],
  ] as const) {
    const file = theirs(t)
    read(file, (db) => db.exec(sql))
    const before = readFileSync(file)
    await assert.rejects(shopOn(file).start({ control: false }), coded('millrace/name-taken', says))
    assert.deepEqual(readFileSync(file), before)
  }
})

test('a transaction that another program has left open is rolled back first', async (t) => {
  const file = theirs(t)
  const other = new DatabaseSync(file)
  other.exec(
    'pragma cache_size = 1; pragma cache_spill = 1; begin immediate; delete from orders; delete from customers',
  )
  other.exec(
    'insert into changes select hex(randomblob(2000)) from customers, (values (1), (2)); insert into changes select hex(randomblob(2000)) from sqlite_schema a, sqlite_schema b',
  )
  const left = `${file}.left`
  copyFileSync(file, left)
  copyFileSync(`${file}-journal`, `${left}-journal`)
  other.exec('rollback')
  other.close()
  assert.notDeepEqual(readFileSync(left), readFileSync(file), 'its pages are half written')
  const shop = shopOn(left)
  await shop.start({ control: false })
  await shop.stop()
  assert.deepEqual(theirsIn(left), theirsIn(file))
})

test('a database that another program has locked is waited for, and not taken up by halves', async (t) => {
  const file = theirs(t)
  const other = new DatabaseSync(file)
  other.exec('begin exclusive')
  const before = readFileSync(file)
  const shop = app({ name: 'shop', broker: sqlite({ file, adopt: true, lockedMs: 0 }), log: () => {}, parts: [Orders] })
  await assert.rejects(shop.start({ control: false }), coded('millrace/locked'))
  assert.deepEqual(readFileSync(file), before)
  other.exec('rollback')
  await shop.start({ control: false })
  await shop.stop()
  other.close()
})

test('adopt says nothing about a new file, an empty one, and one that Millrace has made', async (t) => {
  const lines: Line[] = []
  const folder = place(t)
  const [fresh, empty] = [`${folder}-new`, join(`${folder}-empty`)]
  read(empty, (db) => db.exec('create table t (n); drop table t'))
  for (const file of [fresh, empty, fresh]) {
    const shop = app({
      name: 'shop',
      broker: sqlite({ file, adopt: true }),
      log: (level, text) => lines.push({ level, text }),
      parts: [Orders],
    })
    await shop.start({ control: false })
    await shop.stop()
    assert(!namesIn(file).includes('millrace_wal'))
  }
  assert.deepEqual(
    lines.filter(({ level }) => level !== 'info'),
    [],
  )
})

test('while a start writes the -wal out anew no other program writes', async (t) => {
  const file = theirs(t, 'pragma journal_mode = wal')
  const other = new DatabaseSync(file, { timeout: 0 })
  const write = () => other.exec("insert into customers (name) values ('c' || random())")
  write()
  const isLocked = () => {
    try {
      write()
      return false
    } catch (error) {
      return /database is locked/.test(String(error))
    }
  }
  const locked: boolean[] = []
  const disk = (): Disk => ({
    ...nodeDisk(),
    async renewWal(path) {
      locked.push(isLocked())
      await nodeDisk().renewWal(path)
      locked.push(isLocked())
    },
  })
  const shop = app({ name: 'shop', broker: sqliteOn({ file, adopt: true }, disk), log: () => {}, parts: [Orders] })
  await shop.start({ control: false })
  assert.deepEqual(locked, [true, true])
  write()
  assert.deepEqual(await shop.read`select count(*) as n from customers`, [{ n: 4 }])
  await shop.stop()
  other.close()
})
