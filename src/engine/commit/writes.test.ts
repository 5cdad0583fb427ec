import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import { Publish, type Transaction, Writes } from './writes.ts'

const nothing = () => {}
const publish = (json: string) => new Publish({ json } as Stored, nothing, nothing)

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

test('what is put back comes before what has come since', () => {
  const writes = new Writes()
  const [first, second, third] = [{ position: 1 }, { position: 2 }, { position: 3 }]
  writes.jobs.push(first, second)
  const taken = writes.take(1)
  writes.jobs.push(third)
  writes.putBack(taken)
  assert.deepEqual(writes.jobs, [first, second, third])
  const [early, late] = [{ label: 'early' }, { label: 'late' }] as unknown as [Transaction, Transaction]
  writes.functions.push(late)
  writes.putBack(Object.assign(new Writes(), { functions: [early] }))
  assert.deepEqual(writes.functions, [early, late])
})

test('all that wait for an answer are refused; the end of an attempt waits for none', () => {
  const refused: string[] = []
  const note = (who: string) => () => void refused.push(who)
  const writes = new Writes()
  writes.publishes.push(new Publish({} as Stored, nothing, note('publish')))
  writes.functions.push({ reject: note('transaction') } as unknown as Transaction)
  writes.functions.push({ processor: {}, reject: note('attempt') } as never)
  writes.jobs.push({ dropped: note('job') }, {})
  writes.timed.push({ dropped: note('timed write') } as never)
  writes.refuse(new Error('ended'))
  assert.deepEqual(refused, ['publish', 'transaction', 'job', 'timed write'])
})
