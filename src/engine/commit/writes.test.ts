import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import { Publish, PublishMany, type Transaction, Writes } from './writes.ts'

const nothing = () => {}
const publish = (json: string) => new Publish({ json } as Stored, nothing, nothing)
const many = (bytes = 1) =>
  new PublishMany([{ json: 'xx' } as Stored, { json: 'xx' } as Stored], bytes, nothing, nothing)

test('a group takes all that waits, but of the publishes no more than its bytes', () => {
  const writes = new Writes()
  writes.publishes.push(publish('xxxx'), publish('xxxx'), publish('xxxx'))
  writes.jobs.push({})
  const taken = writes.take(5)
  assert.deepEqual([taken.publishes.length, taken.jobs.length], [2, 1])
  assert.deepEqual([writes.publishes.length, writes.jobs.length, writes.isEmpty], [1, 0, false])
  assert.equal(writes.take(5).publishes.length, 1)
  assert(writes.isEmpty)
})

test('a publishMany that is told refers to no message: as an old object it would keep them all', () => {
  const accepted: unknown[] = []
  const messages = [{ id: 'a' } as Stored, { id: 'b' } as Stored]
  const one = new PublishMany(messages, 2, (all) => accepted.push(...all), nothing)
  one.leaves({ written: { appended: [7, 8, 'same'] } } as never, 1)
  one.resolve()
  assert.deepEqual(accepted, [{ id: 'a' }, { id: 'b', duplicate: true }])
  assert.deepEqual(
    Object.values(one).filter((value) => value === messages || value === messages[0]),
    [],
  )
  assert.deepEqual([one.outgoing, one.bytes], [[], 2])
})

test('writes that are put back come before those that came since', () => {
  const writes = new Writes()
  const [first, second, third] = [{ position: 1 }, { position: 2 }, { position: 3 }]
  writes.jobs.push(first, second)
  const taken = writes.take(1)
  writes.jobs.push(third)
  writes.putBack(taken)
  assert.deepEqual(writes.jobs, [first, second, third])
  const [early, late] = [{ label: 'early' }, { label: 'late' }] as unknown as [Transaction, Transaction]
  const together = many()
  writes.transact(late)
  writes.transact(together)
  writes.putBack(Object.assign(new Writes(), { back: [early] }))
  assert.deepEqual(writes.take(100).functions, [early, together, late])
  assert(writes.isEmpty)
})

test('a group has publishMany behind the publishes that came before it, and no publish that came after it', () => {
  const writes = new Writes()
  const [first, second, third] = [many(), many(), many()]
  const [before, between, after] = [publish('x'), publish('x'), publish('x')]
  const fn = { label: 'fn' } as Transaction
  writes.publishes.push(before)
  for (const one of [fn, first, second]) writes.transact(one)
  writes.publishes.push(between, after)
  writes.transact(third)
  assert.equal(writes.published, 9)
  const taken = [writes.take(100), writes.take(100)]
  assert.deepEqual(
    taken.map(({ publishes }) => publishes),
    [[before], [between, after]],
  )
  assert.deepEqual(
    taken.map(({ functions }) => functions),
    [[first, second, fn], [third]],
  )
  assert(writes.isEmpty)
})

test('publishMany that no longer fits into a group, or was put back, comes before what came after it', () => {
  const writes = new Writes()
  const [first, second] = [many(10), many(10)]
  writes.publishes.push(publish('xxxxxx'))
  writes.transact(first)
  writes.transact(second)
  writes.publishes.push(publish('x'))
  assert.deepEqual(writes.take(5).functions, [])
  const taken = writes.take(10)
  assert.deepEqual([taken.publishes, taken.functions], [[], [first]])
  writes.putBack(Object.assign(new Writes(), { back: [first] }))
  const next = writes.take(100)
  assert.deepEqual([next.publishes, next.functions], [[], [first, second]])
  assert.equal(writes.take(1).publishes.length, 1)
})

test('all that wait for an answer are refused; the end of an attempt waits for none', () => {
  const refused: string[] = []
  const note = (who: string) => () => void refused.push(who)
  const writes = new Writes()
  writes.publishes.push(new Publish({} as Stored, nothing, note('publish')))
  writes.transact(new PublishMany([], 0, nothing, note('publishMany')))
  writes.functions.push({ reject: note('transaction') } as unknown as Transaction)
  writes.functions.push({ processor: {}, reject: note('attempt') } as never)
  writes.jobs.push({ dropped: note('job') }, {})
  writes.timed.push({ dropped: note('timed write') } as never)
  writes.refuse(new Error('ended'))
  assert.deepEqual(refused, ['publish', 'publishMany', 'transaction', 'job', 'timed write'])
})
