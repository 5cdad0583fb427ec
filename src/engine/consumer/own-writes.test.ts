import assert from 'node:assert/strict'
import test from 'node:test'
import { fault } from '../../model/errors.ts'
import type { Handled } from '../commit/handled.ts'
import type { Job, Mark } from '../commit/writes.ts'
import { OwnWrites } from './own-writes.ts'

const why = fault('millrace/not-held', 'reset')

function writes() {
  const jobs: Job[] = []
  const marks: Mark[] = []
  const finished: Handled[] = []
  const own = new OwnWrites({
    write: (job) => void jobs.push(job),
    mark: (mark) => void marks.push(mark),
    finish: (attempt) => void finished.push(attempt),
  })
  return { own, jobs, marks, finished }
}

test('writes are on their way until they are written, dropped or settled', () => {
  const { own, jobs, marks, finished } = writes()
  const told: string[] = []
  own.write({ written: () => void told.push('written') })
  own.write({ dropped: () => void told.push('dropped') })
  own.mark({ processor: 'p', stream: 1, position: 2, written: () => void told.push('marked') })
  own.finish({} as Handled)
  const left: boolean[] = []
  const look = () => left.push(own.areUnderWay)
  for (const end of [
    () => jobs[0]!.written!([]),
    () => jobs[1]!.dropped!(new Error('the run ended')),
    () => marks[0]!.written(),
    () => own.settled(),
  ]) {
    end()
    look()
  }
  assert.deepEqual([told, left, finished.length], [['written', 'dropped', 'marked'], [true, true, true, false], 1])
})

test('a write after the close is never done, and its caller is told why', async () => {
  const { own, jobs, marks, finished } = writes()
  const told: unknown[] = []
  own.write({})
  own.close(why)
  own.write({ dropped: (error) => void told.push(error) })
  own.mark({ processor: 'p', stream: 1, position: 2, written: () => void told.push('marked') })
  own.finish({ flowOutcome: { dropped: () => void told.push('flow') } } as unknown as Handled)
  await assert.rejects(own.written({}), why)
  assert.deepEqual([told, jobs.length, marks.length, finished.length], [[why, 'flow'], 1, 0, 0])
  assert.deepEqual([own.isClosed, own.areUnderWay], [true, true])
})
