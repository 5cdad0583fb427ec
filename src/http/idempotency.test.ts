import assert from 'node:assert/strict'
import test from 'node:test'
import { fault } from '../model/errors.ts'
import { Answers } from './idempotency.ts'

const code = (name: string) => ({ code: `millrace/${name}` })
const answer = (json: unknown) => ({ status: 200, json })

/** Answers whose clock the test sets, and acts that are counted. */
function counting() {
  const clock = { now: 0 }
  const done: string[] = []
  const answers = new Answers(() => clock.now)
  const act = (what: string) => async () => {
    done.push(what)
    return answer(what)
  }
  return { clock, done, answers, act }
}

test('a request that comes again with its key has its answer, and is not done again', async () => {
  const { answers, done, act } = counting()
  for (let n = 0; n < 3; n++) assert.deepEqual(await answers.once('k', 'a', act('a')), answer('a'))
  assert.deepEqual(await answers.once('l', 'a', act('other')), answer('other'), 'another key is another act')
  assert.deepEqual(done, ['a', 'other'])
  await assert.rejects(answers.once('k', 'b', act('b')), code('key-reused'))
})

test('while it is under way the same is told to wait, and another request that the key is taken', async () => {
  const { answers, act } = counting()
  const gate = Promise.withResolvers<void>()
  const first = answers.once('k', 'a', async () => {
    await gate.promise
    return answer(1)
  })
  await assert.rejects(answers.once('k', 'a', act('a')), code('key-under-way'))
  await assert.rejects(answers.once('k', 'b', act('b')), code('key-reused'))
  gate.resolve()
  assert.deepEqual(await first, answer(1))
  assert.deepEqual(await answers.once('k', 'a', act('a')), answer(1))
})

test('a refusal is told again as it was; what may be tried again, and what nobody expects, is done again', async () => {
  const { answers, done } = counting()
  const failing = (error: Error) => async () => {
    done.push(error.message)
    throw error
  }
  const refusal = fault('millrace/not-held', 'it is not held')
  for (let n = 0; n < 2; n++) await assert.rejects(answers.once('k', 'a', failing(refusal)), refusal)
  const unsure = [fault('millrace/stopping', 'it stops'), new Error('odd'), fault('millrace/async-schema', 'bad code')]
  for (const [at, error] of unsure.entries()) {
    for (let n = 0; n < 2; n++) await assert.rejects(answers.once(`u${at}`, 'a', failing(error)), error)
  }
  assert.equal(done.length, 1 + 2 * unsure.length)
})

test('answers are kept for a day, up to 10,000 of them and 16 million characters; the oldest go first', async () => {
  const { answers, clock, done, act } = counting()
  await answers.once('k', 'a', act('a'))
  clock.now = 24 * 3_600_000 - 1
  await answers.once('k', 'a', act('a'))
  assert.equal(done.length, 1)
  clock.now += 1
  await answers.once('k', 'a', act('a'))
  assert.equal(done.length, 2, 'its time is over')

  for (let n = 0; n <= 10_000; n++) await answers.once(`n${n}`, 'a', act('n'))
  const before = done.length
  await answers.once('n1000', 'a', act('n'))
  assert.equal(done.length, before)
  await answers.once('k', 'a', act('a'))
  assert.equal(done.length, before + 1, 'the oldest is gone')

  const large = async () => answer('x'.repeat(9 * 1024 * 1024))
  await answers.once('large 1', 'a', large)
  await answers.once('large 2', 'a', large)
  await answers.once('n1000', 'a', act('n'))
  assert.equal(done.length, before + 2, 'large ones take the room of others')
})
