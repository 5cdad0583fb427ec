import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import { fault } from '../../model/errors.ts'
import type { Batch, Written } from '../../seam/commit.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { TimedResult } from '../../seam/timers.ts'
import { Attempt } from '../consumer/attempt.ts'
import { Committer, type Settled } from './committer.ts'

const nothingDecided: Written = { timed: [], entries: [] }

test('what comes after the end is told so at once: nobody waits for what is never written', async () => {
  const nothing = () => {}
  const committer = new Committer({} as never, {} as never, 1, nothing, nothing, nothing)
  const why = fault('millrace/disk-failed', 'the disk is gone')
  committer.end(why)
  const told = (begin: (resolve: () => void, reject: (error: unknown) => void) => void) =>
    assert.rejects(new Promise<void>(begin), why)
  await assert.rejects(
    committer.alone(async () => {}),
    why,
  )
  await told((_, dropped) => committer.write({ dropped }))
  await told((resolve, reject) => committer.publish({ message: {} as never, resolve, reject }))
  await told((resolve, reject) => {
    const outcome = undefined
    committer.transact({ label: 'x', outgoing: [], withdrawn: [], run: nothing, outcome, resolve, reject })
  })
})

test('what is written about a message at the desk comes before the end of its attempt, also ahead of the disk', async () => {
  const nothing = () => {}
  const done = Promise.withResolvers<void>()
  const order: string[] = []
  const world = { elapsed: () => 0, soon: (fn: () => void) => queueMicrotask(fn) }
  const write = (batch: Batch) => {
    for (const change of batch.changes([], true).desk) order.push(change.do)
  }
  let commits = 0
  const store = {
    async commit(batch: Batch) {
      write(batch)
      if (++commits === 1) {
        // While this is under way an attempt at a message at the desk has failed, and the next one has ended well.
        committer.write({ changes: [{ do: 'update' } as DeskChange] })
        committer.finish(attempt)
      }
      const ahead = await batch.ahead?.([nothingDecided])
      if (ahead !== undefined) write(ahead)
      return { rest: true, written: [nothingDecided], trouble: undefined, ahead: ahead && nothingDecided }
    },
  }
  const settled = () => {
    if (order.includes('remove')) done.resolve()
  }
  const consumer = {
    spec: { runsAhead: true },
    committed: nothing,
    deskEnd: () => ({ changes: [{ do: 'remove' }], outgoing: [] }),
  }
  const attempt = new Attempt(consumer as never, { entry: {}, message: {} } as never, {} as never, 0)
  const committer = new Committer(world as never, store as never, 1, settled, nothing, nothing)
  committer.ahead = async () => []
  committer.write({ changes: [{ do: 'put' } as DeskChange] })
  await done.promise
  assert.deepEqual(order, ['put', 'update', 'remove'])
})

test('each errand is told what has become of its own change, and what was appended is known to come after the rest', async () => {
  const nothing = () => {}
  const world = { elapsed: () => 0, soon: (fn: () => void) => queueMicrotask(fn) }
  const fired = { id: 'fired' } as Stored
  const timed: TimedResult[] = [
    { do: 'cancel', found: false },
    { do: 'fire', appended: [fired], nextDue: 7 },
    { do: 'cancel', found: true },
  ]
  const store = {
    async commit(batch: Batch) {
      batch.changes([], true)
      return { rest: true, written: [{ timed, entries: [] }], trouble: undefined }
    },
  }
  const appended: string[] = []
  const settled = Promise.withResolvers<void>()
  const after = (what: Settled) => {
    appended.push(...what.appended.map(({ id }) => id))
    settled.resolve()
  }
  const committer = new Committer(world as never, store as never, 1, after, nothing, nothing)
  const told: unknown[] = []
  const errand = { written: (result: TimedResult) => void told.push(result), dropped: nothing, patient: true }
  committer.errand({ ...errand, change: { do: 'cancel', type: 'a', id: 'a' } })
  committer.errand({ ...errand, change: { do: 'fire', limit: 1, bytesMax: 1 } })
  committer.errand({ ...errand, change: { do: 'cancel', type: 'a', id: 'b' } })
  committer.write({ outgoing: [{ id: 'first' } as Stored] })
  await settled.promise
  assert.deepEqual(told, timed)
  assert.deepEqual(appended, ['first', 'fired'])
})
