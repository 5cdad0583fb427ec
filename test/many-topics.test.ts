// What very many topics cost: counted, not timed.
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { sqliteOn } from '../src/adapters/sqlite/index.ts'
import { nodeDisk } from '../src/adapters/sqlite/node-disk.ts'
import { lastOf } from '../src/operate/last.ts'
import { kept, place, rows } from './support.ts'

const schema = z.object({ n: z.number() })

function parts(count: number) {
  const events = Array.from({ length: count }, (_, n) => event(`happened${n}`, { schema }))
  return { events, topics: events.map((one, n) => topic(`topic${n}`, [one])) }
}

/** What the connections of an app have done so far. */
function counting(file: string) {
  const counts = { prepared: 0, transactions: 0, tables: 0 }
  const broker = sqliteOn({ file }, nodeDisk, (path, how) => {
    const db = new DatabaseSync(path, how)
    if (path.endsWith('-owner')) return db
    const { prepare, exec } = db
    return Object.assign(db, {
      prepare: (sql: string) => {
        counts.prepared++
        return prepare.call(db, sql)
      },
      exec: (sql: string) => {
        if (/^begin/.test(sql)) counts.transactions++
        if (/^create table/.test(sql)) counts.tables++
        exec.call(db, sql)
      },
    })
  })
  return { broker, counts }
}

async function firstStart(t: TestContext, topics: number) {
  const { broker, counts } = counting(place(t))
  const many = app({ name: 'many', broker, parts: parts(topics).topics })
  await many.start({ control: false })
  const found = { ...counts }
  await many.stop()
  return found
}

test('the first start of two thousand topics prepares, makes and commits no more than that of two hundred', async (t) => {
  assert.deepEqual(await firstStart(t, 2_000), await firstStart(t, 200))
})

test('an app of the usual size has the tables of its topics from the start, so that nothing is made while it works', async (t) => {
  const file = place(t)
  const { broker, counts } = counting(file)
  const { events, topics } = parts(100)
  const usual = app({ name: 'usual', broker, parts: topics })
  t.after(() => usual.stop())
  await usual.start({ control: false })
  const before = counts.tables
  for (const one of events) await usual.publish(one, { n: 1 })
  assert.equal(counts.tables, before)
})

test('a topic among very many keeps its messages in order, through rolled back commits and restarts', async (t) => {
  const file = place(t)
  const { events, topics } = parts(1_000)
  const last = events.at(-1)!
  const handled: number[] = []
  const listens = processor('listens', {
    on: topics.at(-1)!,
    handle: { [last.name]: ({ data }: { data: { n: number } }) => void handled.push(data.n) } as never,
  })
  const make = () => app({ name: 'many', broker: sqlite({ file }), parts: [...topics, listens] })
  const many = make()
  t.after(() => many.stop())
  await many.start()
  const failed = many.transaction((tx) => {
    tx.publish(last, { n: 0 })
    throw new Error('thought better of it')
  })
  await assert.rejects(failed, /thought better of it/)
  await Promise.all(Array.from({ length: 20 }, (_, n) => many.publish(last, { n: n + 1 })))
  await many.publish(events[500]!, { n: 1 })
  await many.idle()
  await many.stop()
  assert.equal(kept(file, 'topic999').length, 20)
  assert.equal(kept(file, 'topic500').length, 1)
  const again = make()
  t.after(() => again.stop())
  await again.start()
  await again.publish(last, { n: 21 })
  await again.idle()
  await again.stop()
  assert.deepEqual(
    handled,
    Array.from({ length: 21 }, (_, n) => n + 1),
  )
  assert.deepEqual(
    kept(file, 'topic999').map(({ position }) => position),
    Array.from({ length: 21 }, (_, n) => n + 1),
  )
})

test('a first message whose commit fails as a whole leaves its topic as it was', async (t) => {
  const file = place(t)
  const { events, topics } = parts(500)
  const many = app({
    name: 'many',
    broker: sqlite({ file }),
    parts: topics,
    setup: async (tx) => {
      await tx.query`create table if not exists parents (id integer primary key)`
      await tx.query`create table if not exists children (
        parent integer references parents (id) deferrable initially deferred)`
    },
  })
  t.after(() => many.stop())
  await many.start()
  const last = events.at(-1)!
  // Fails at COMMIT, with all that the group had made.
  const fails = many.transaction(async (tx) => {
    await tx.query`insert into children values (${7})`
    tx.publish(last, { n: 0 })
  })
  await assert.rejects(fails)
  assert.deepEqual(await many.publish(last, { n: 1 }, { id: 'first' }), { id: 'first' })
  await many.stop()
  assert.deepEqual(
    kept(file, 'topic499').map(({ position, data }) => [position, data]),
    [[1, '{"n":1}']],
  )
})

test('topics without a message are looked at like others: listed, read, examined, taken up by a new processor', async (t) => {
  const file = place(t)
  const { topics } = parts(300)
  const broker = sqlite({ file })
  const many = app({ name: 'many', broker, parts: topics })
  await many.start()
  await many.stop()
  assert.equal(rows(file, "select name from sqlite_schema where name glob 'millrace_log_*'").length, 128)
  const facts = await broker.offline!.examine({ app: 'stopped', full: true })
  assert.equal(facts.streams.length, 301)
  assert.deepEqual(facts.damage, [])
  assert.ok(facts.streams.every(({ head, first }) => head === 0 && first === 1))
  assert.equal((await lastOf(() => broker.offline!.read('stopped'), 10, {}).next()).done, true)
  const onLast = (name: string, startAt: 'now' | 'beginning' | Date) =>
    processor(name, { on: topics.at(-1)!, startAt, handle: {} })
  const again = app({
    name: 'many',
    broker,
    parts: [...topics, onLast('a', 'now'), onLast('b', 'beginning'), onLast('c', new Date(0))],
  })
  t.after(() => again.stop())
  await again.start()
  assert.deepEqual(
    (await again.processors.list()).map(({ position, lag }) => [position, lag]),
    [
      [0, 0],
      [0, 0],
      [0, 0],
    ],
  )
})
