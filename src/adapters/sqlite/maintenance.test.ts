import assert from 'node:assert/strict'
import test from 'node:test'
import type { MillraceError } from '../../model/errors.ts'
import type { ThreadListener } from '../node/thread.ts'
import { Maintenance, type MaintenanceAnswer } from './maintenance.ts'

/** Maintenance without a thread: the test answers. */
function opened() {
  const threads: { listener: ThreadListener<MaintenanceAnswer>; questions: unknown[] }[] = []
  const state = { broken: undefined as MillraceError | undefined }
  const maintenance = new Maintenance({
    start(_, listener) {
      const questions: unknown[] = []
      threads.push({ listener, questions })
      return { post: (question) => void questions.push(question), ref() {}, unref() {}, terminate() {} }
    },
    broken: () => state.broken,
    misplaced: (error) => {
      state.broken = error
    },
  })
  maintenance.open('a.db', [])
  return { maintenance, threads, state }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('the thread starts with the first question and gets one at a time', async () => {
  const { maintenance, threads } = opened()
  assert.equal(threads.length, 0)
  const both = [maintenance.ask('checkpoint'), maintenance.ask('tables')]
  await turn()
  assert.deepEqual(threads[0]!.questions, ['checkpoint'])
  threads[0]!.listener.answer!({ value: true })
  assert.equal(await both[0], true)
  await turn()
  assert.deepEqual(threads[0]!.questions, ['checkpoint', 'tables'])
  threads[0]!.listener.answer!({ error: 'Error: EIO' })
  await assert.rejects(both[1]!, { code: 'millrace/disk-failed', message: /maintenance of a\.db failed: Error: EIO/ })
})

test('a thread that ends fails its question, and the next question starts another', async () => {
  const { maintenance, threads } = opened()
  const lost = maintenance.ask('checkpoint')
  await turn()
  threads[0]!.listener.failed!(new Error('out of memory'))
  threads[0]!.listener.ended!()
  await assert.rejects(lost, { code: 'millrace/disk-failed', message: /out of memory/ })
  const next = maintenance.ask('checkpoint')
  await turn()
  threads[1]!.listener.answer!({ value: true })
  assert.equal(await next, true)
})

test('nothing is asked on other files, or after a sync that failed', async () => {
  const { maintenance, threads } = opened()
  const misplaced = maintenance.ask('checkpoint')
  await turn()
  threads[0]!.listener.answer!({ misplaced: 'a.db was removed or moved' })
  await assert.rejects(misplaced, { code: 'millrace/files-replaced' })
  await assert.rejects(maintenance.ask('tables'), { code: 'millrace/files-replaced' })
  assert.deepEqual(threads[0]!.questions, ['checkpoint'])
})
