import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { place } from '../../../test/support.ts'
import { FinderTable } from './finder-table.ts'

interface Row {
  readonly stream?: number
  readonly time: number
  readonly id: string
  readonly cause?: string
  readonly data: unknown
}

/** A log of two streams with these messages, and its finder. */
function finderOf(t: TestContext, rows: readonly Row[]) {
  const file = place(t)
  const db = new DatabaseSync(file)
  db.exec(
    "create table millrace_kinds (id integer primary key, type text); insert into millrace_kinds values (1, 'paid')",
  )
  for (const stream of [1, 2]) {
    db.exec(`create table millrace_log_${stream} (position integer primary key, id text, time integer, causation text,
      kind integer, data text)`)
  }
  const append = ({ stream = 1, time, id, cause, data }: Row) => {
    const text = typeof data === 'string' ? data : JSON.stringify(data)
    const sql = `insert into millrace_log_${stream} (id, time, causation, kind, data) values (?, ?, ?, 1, ?)`
    db.prepare(sql).run(id, time, cause ?? null, text)
  }
  rows.forEach(append)
  const finder = new FinderTable(db, file, 'write')
  t.after(() => {
    finder.close()
    db.close()
  })
  const index = () => {
    let added = 0
    for (let more = true; more; ) {
      const step = finder.index({ secrets: { paid: ['/card'] } })
      added += step.added
      more = step.more
    }
    return added
  }
  const search = (words: string[], ask: object = {}) =>
    finder
      .search({ words, order: 'oldest', limit: 10, ...ask })!
      .places.map(({ stream, position }) => `${stream}/${position}`)
  return { file, db, finder, append, index, search }
}

const three: Row[] = [
  { time: 1, id: 'a', data: { note: 'blue boots', count: 12, card: 'visa' } },
  { time: 2, id: 'b', cause: 'a', stream: 2, data: { note: 'red boots' } },
  { time: 3, id: 'c', cause: 'b', data: { nested: [{ note: 'Blue hat' }] } },
]

test('without an index nothing is found, and none is made by a look', (t) => {
  const { finder, file } = finderOf(t, three)
  assert.equal(finder.search({ words: ['boots'], order: 'newest', limit: 1 }), undefined)
  assert.equal(finder.related({ id: 'a', limit: 1 }), undefined)
  assert.equal(existsSync(`${file}-finder`), false)
})

test('messages are found by all of their words, the last as a beginning, in either order of time', (t) => {
  const { index, search } = finderOf(t, three)
  assert.equal(index(), 3)
  assert.deepEqual(search(['boots']), ['1/1', '2/1'])
  assert.deepEqual(search(['boots'], { order: 'newest' }), ['2/1', '1/1'])
  assert.deepEqual(search(['bl']), ['1/1', '1/2'])
  assert.deepEqual(search(['bl', 'boots']), [])
  assert.deepEqual(search(['blue', 'boo']), ['1/1'])
  assert.deepEqual(search(['12']), ['1/1'])
  assert.deepEqual(search(['boots'], { since: 2 }), ['2/1'])
  assert.deepEqual(search(['boots'], { until: 2 }), ['1/1'])
})

test('a secret and the names of fields have no words', (t) => {
  const { index, search } = finderOf(t, three)
  index()
  assert.deepEqual([search(['visa']), search(['note']), search(['card'])], [[], [], []])
})

test('the story of a message has its causes and all of their effects, as far as the limit goes', (t) => {
  const { finder, index, append } = finderOf(t, three)
  append({ time: 4, id: 'd', data: {} })
  index()
  const story = (id: string, limit = 10) => {
    const { places, whole } = finder.related({ id, limit })!
    return [places.map(({ stream, position }) => `${stream}/${position}`), whole]
  }
  for (const id of ['a', 'b', 'c']) assert.deepEqual(story(id), [['1/1', '2/1', '1/2'], true])
  assert.deepEqual(story('d'), [['1/3'], true])
  assert.deepEqual(story('a', 2)[1], false)
})

test('the index says how far it is, follows the log, and forgets what the log has removed', (t) => {
  const { db, finder, append, index, search } = finderOf(t, three)
  index()
  append({ time: 9, id: 'e', data: { note: 'late boots' } })
  assert.equal(finder.search({ words: ['boots'], order: 'oldest', limit: 10 })!.indexedTo, 9)
  assert.equal(index(), 1)
  assert.equal(finder.search({ words: ['boots'], order: 'oldest', limit: 10 })!.indexedTo, null)
  db.exec('delete from millrace_log_1 where position < 2')
  assert.equal(finder.index({ secrets: {} }).removed, 1)
  assert.deepEqual(search(['boots']), ['2/1', '1/3'])
})

test('an index of another log is made anew', (t) => {
  const { db, file, finder, index } = finderOf(t, three)
  index()
  finder.close()
  db.exec("update millrace_log_1 set id = 'x' || id")
  const other = new FinderTable(db, file, 'write')
  assert.equal(other.search({ words: ['boots'], order: 'oldest', limit: 10 }), undefined)
  assert.equal(other.index({ secrets: {} }).added, 2)
  other.close()
})

test('messages of one millisecond all have numbers of their own', (t) => {
  const many = Array.from({ length: 4 }, (_, n) => ({
    time: 1,
    id: `m-${n}`,
    stream: 1 + (n % 2),
    data: { note: 'same' },
  }))
  const { finder, index } = finderOf(t, many)
  index()
  const { places } = finder.search({ words: ['same'], order: 'oldest', limit: 10 })!
  assert.equal(new Set(places.map(({ n }) => n)).size, 4)
})
