import assert from 'node:assert/strict'
import test from 'node:test'
import type { FlowState } from '../../model/flow.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import type { Job } from '../commit/writes.ts'
import type { FlowRun } from './run.ts'
import { become, type StatesHost } from './states.ts'

const row = { id: 1, mediator: 'sale', state: 'running', parent: { flow: 7, n: 70 } } as FlowRow

/** Flow 1, in memory, with something that is not written yet. */
function flow({ state = 'running' as FlowState } = {}) {
  const done: string[] = []
  const jobs: Partial<Job>[] = []
  const journal = { unwritten: 1, ahead: undefined }
  const run = {
    inbox: { rests: Promise.resolve() },
    status: { dismiss: () => void done.push('dismiss') },
    journal,
  } as unknown as FlowRun
  const host: StatesHost = {
    memory: {
      loaded: async () => void done.push('loaded'),
      find: () => run,
      drop: () => void done.push('drop'),
      change: (_id, act) => act(),
    },
    now: () => 9,
    underWay: async () => ({ ...row, state }),
    write: async (job) => {
      journal.unwritten = 0
      jobs.push(job)
    },
    ended: ({ endedAt }) => void done.push(`ended at ${endedAt}`),
  }
  return { host, done, jobs }
}

test('a run is dropped when what it has left is written, then its flow has the new state', async () => {
  const { host, done, jobs } = flow()
  assert.equal(await become(row, { state: 'paused', error: null, changes: [] }, host), true)
  assert.deepEqual(done, ['loaded', 'dismiss', 'drop'])
  assert.deepEqual([jobs.length, jobs[0], jobs[1]?.ends], [2, {}, []])
})

test('the flow that waits for one that is stopped is told its end', async () => {
  const { host, done, jobs } = flow()
  await become(
    row,
    { state: 'stopped', error: { code: 'millrace/flow-stopped', message: 'by ann' }, changes: [] },
    host,
  )
  const [end] = jobs.at(-1)!.ends!
  assert.deepEqual([end?.flow, end?.of, done.at(-1)], [7, 70, 'ended at 9'])
})

test('a queued flow that has begun does not fail', async () => {
  const { host, jobs } = flow()
  assert.equal(await become(row, { state: 'failed', error: null, changes: [] }, host), false)
  assert(jobs.every(({ flows }) => flows === undefined))
})

test('entries before the new state are read when the run is dropped', async () => {
  const { host, done, jobs } = flow()
  const entries = async () => {
    done.push('entries')
    return [{ do: 'passed', id: 'x' }] as const
  }
  await become(row, { state: 'running', error: null, changes: [], entries }, host)
  assert.deepEqual(
    [done, jobs.at(-1)?.flows?.map((change) => change.do)],
    [
      ['loaded', 'dismiss', 'drop', 'entries'],
      ['passed', 'state'],
    ],
  )
})
