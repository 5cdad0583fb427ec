import assert from 'node:assert/strict'
import test from 'node:test'
import { isMillraceError } from '../../model/errors.ts'
import type { Thread, ThreadListener } from '../node/thread.ts'
import { answerMsMax, Reader, type ReaderAnswer } from './reader.ts'

/** A reader whose threads do as the test says, and whose timers the test ends. */
function readerOf() {
  const threads: { listener: ThreadListener<ReaderAnswer>; asked: unknown[]; ended: boolean }[] = []
  const timers: { ms: number; fn: () => void }[] = []
  const reader = new Reader({
    start: (_, listener) => {
      const thread = { listener, asked: [] as unknown[], ended: false }
      threads.push(thread)
      const made: Thread = {
        post: (question) => void thread.asked.push(question),
        ref: () => {},
        unref: () => {},
        terminate: () => {
          thread.ended = true
        },
      }
      return made
    },
    after: (ms, fn) => {
      const timer = { ms, fn }
      timers.push(timer)
      return () => {
        if (timers.includes(timer)) timers.splice(timers.indexOf(timer), 1)
      }
    },
  })
  reader.open('shop.db', [])
  return { reader, threads, timers }
}

const ask = (given: number) => ({ of: 'messages', read: 'withId', given }) as const
const ended = (says: RegExp) => (error: unknown) =>
  isMillraceError(error, 'millrace/reader-ended') && error.retryable && says.test(error.message)

test('a reader starts with its first question, asks one at a time, and its thread lives on', async () => {
  const { reader, threads, timers } = readerOf()
  assert.equal(threads.length, 0)
  const answers = [reader.ask(ask(1)), reader.ask(ask(2))]
  assert.deepEqual(threads[0]!.asked, [ask(1)])
  threads[0]!.listener.answer!({ value: 'one' })
  assert.deepEqual(threads[0]!.asked, [ask(1), ask(2)])
  threads[0]!.listener.answer!({ value: 'two' })
  assert.deepEqual(await Promise.all(answers), ['one', 'two'])
  assert.deepEqual([threads.length, timers.length], [1, 0])
})

test('a question without an answer ends its thread, and those behind it are asked of the next', async () => {
  const { reader, threads, timers } = readerOf()
  const [hangs, waits] = [reader.ask(ask(1)), reader.ask(ask(2))]
  assert.deepEqual(
    timers.map(({ ms }) => ms),
    [answerMsMax],
  )
  timers[0]!.fn()
  await assert.rejects(hangs, ended(/no answer after 10000 ms/))
  assert.deepEqual([threads[0]!.ended, threads[1]!.asked], [true, [ask(2)]])
  // What the ended thread says now counts for nothing.
  threads[0]!.listener.answer!({ value: 'late' })
  threads[0]!.listener.ended!()
  threads[1]!.listener.answer!({ value: 'two' })
  assert.equal(await waits, 'two')
})

test('a thread that dies rejects its question; the next question starts another', async () => {
  const { reader, threads } = readerOf()
  const first = reader.ask(ask(1))
  threads[0]!.listener.failed!(new Error('out of memory'))
  threads[0]!.listener.ended!()
  await assert.rejects(first, ended(/out of memory/))
  const second = reader.ask(ask(2))
  threads[1]!.listener.answer!({ error: 'database disk image is malformed' })
  await assert.rejects(second, ended(/malformed/))
})

test('two threads that do not let go are enough: until one has, questions are refused', async () => {
  const { reader, threads, timers } = readerOf()
  for (const n of [1, 2]) {
    const hangs = reader.ask(ask(n))
    timers[0]!.fn()
    await assert.rejects(hangs, ended(/no answer/))
  }
  await assert.rejects(reader.ask(ask(3)), ended(/hangs/))
  threads[0]!.listener.ended!()
  const works = reader.ask(ask(4))
  threads[2]!.listener.answer!({ value: 'four' })
  assert.equal(await works, 'four')
})

test('a reader that is closed rejects what was not answered, and lets an idle thread end by itself', async () => {
  const { reader, threads } = readerOf()
  const open = [reader.ask(ask(1)), reader.ask(ask(2))]
  reader.close()
  for (const one of open) await assert.rejects(one, ended(/is closed/))
  assert.equal(threads[0]!.ended, true)
  await assert.rejects(reader.ask(ask(3)), ended(/is closed/))
  const idle = readerOf()
  const answered = idle.reader.ask(ask(1))
  idle.threads[0]!.listener.answer!({ value: 1 })
  await answered
  idle.reader.close()
  assert.deepEqual([idle.threads[0]!.ended, idle.threads[0]!.asked], [false, [ask(1), 'close']])
})
