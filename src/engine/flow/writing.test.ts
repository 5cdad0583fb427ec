import assert from 'node:assert/strict'
import test from 'node:test'
import type { FlowRow } from '../../model/flow-views.ts'
import type { Job } from '../commit/writes.ts'
import type { Outbox } from './host.ts'
import type { FlowRun } from './run.ts'
import { Writing } from './writing.ts'

const empty: Outbox = { changes: [], outgoing: [], waits: false, starts: [], lost: [] }
const ends: Outbox = {
  ...empty,
  changes: [{ do: 'state', flow: 1, state: 'completed', error: null, result: 'sold', endedAt: 9 }],
}

/** A run that leaves something, of a flow that another waits for. */
function leaving(outbox: Outbox, { isContinued = false, isDismissed = false } = {}) {
  const jobs: Job[] = []
  let written = 0
  const writing = new Writing({ now: () => 9, write: (job) => void jobs.push(job), written: () => void written++ })
  const run = {
    row: { id: 1, parent: { flow: 7, n: 70 } } as FlowRow,
    status: { isDismissed, state: 'completed' },
    ending: { error: null, result: 'sold' },
    journal: { unwritten: 0, ahead: undefined, take: () => outbox },
    isContinued,
  } as unknown as FlowRun
  return { writing, run, jobs, written: () => written }
}

test('the end of a flow is written with the end of the step that waits for it', () => {
  const { writing, run } = leaving(ends)
  const [end] = writing.leftBy(run)!.ends!
  assert.deepEqual([end?.flow, end?.of, end?.data], [7, 70, { ok: true, value: 'sold' }])
})

test('the step waits on where another flow continues in the place of one that ends', () => {
  const { writing, run } = leaving(ends, { isContinued: true })
  assert.equal(writing.leftBy(run)?.ends, undefined)
})

test('it resolves when it is durable, and what follows begins before that', async () => {
  const { writing, run, jobs, written } = leaving(ends)
  const flushed = writing.flush(run)
  await new Promise(setImmediate)
  assert.deepEqual([run.journal.unwritten, written()], [1, 0])
  jobs[0]!.written!([])
  await flushed
  assert.deepEqual([run.journal.unwritten, written()], [0, 1])
})

test('nothing is written of a flow that has left nothing, or that counts no longer', async () => {
  for (const { writing, run, jobs } of [leaving(empty), leaving(ends, { isDismissed: true })]) {
    await writing.flush(run)
    assert.equal(jobs.length, 0)
  }
})
