import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { Job } from '../commit/writes.ts'
import type { Attempt } from './attempt.ts'
import { Delivery } from './delivery.ts'
import { DeskSide, type DeskSideHost } from './desk-side.ts'

/** The side of a processor whose messages are all of one context; `jobs` has what it writes. */
function deskSide() {
  const jobs: Job[] = []
  const ready: unknown[] = []
  let number = 10
  const host = {
    run: {
      world: { now: () => 5_000, after: () => ({ cancel: () => {} }), log: () => {} },
      store: { desk: {}, deskReads: {}, log: {} },
      committer: { write: (job: Job) => void jobs.push(job), written: async (job: Job) => void jobs.push(job) },
      limits: { windowMessages: 100, heldContextsMax: 10, messageBytesMax: 1_000 },
      deskNumbers: { next: () => ++number },
      counters: {},
      callers: { inLine: () => {}, held: () => {} },
      withdrawals: { has: () => false },
      maybeIdle: () => {},
    },
    spec: { name: 'stock', destination: { kind: 'topic', name: 'orders' } },
    stream: 1,
    processor: { name: 'stock' },
    marked: { alone: new Map(), marks: [] },
    isDone: () => false,
    isPaused: () => false,
    entered: () => {},
    left: () => {},
    ready: (next: unknown) => void ready.push(next),
    pump: () => {},
    finish: () => {},
    attempts: () => ({ outlives: () => {}, whenGone: (_: number, then: () => void) => then() }),
    askRule: () => {},
  }
  return { side: new DeskSide(host as unknown as DeskSideHost), jobs, ready }
}

const message = (position: number) => ({ position, id: `m-${position}`, context: 'a', type: 'placed' }) as Stored
const attempt = (delivery: Delivery, after?: Attempt) => ({ delivery, after }) as Attempt
const changesOf = (jobs: readonly Job[]) => jobs.flatMap(({ changes = [] }) => changes as readonly DeskChange[])

test('the head of a lane that has run for a second is parked at the desk; one that has run for less is not', () => {
  const { side, jobs } = deskSide()
  const delivery = new Delivery(message(1), undefined)
  side.lanes.queue(delivery)
  delivery.headSince = 4_001
  side.park(attempt(delivery), 5_000)
  assert.deepEqual(jobs, [])
  side.park(attempt(delivery), 5_001)
  const [change, ...more] = changesOf(jobs)
  assert(change?.do === 'put')
  assert.deepEqual(
    [more.length, change.entry.state, change.entry.lane, change.entry.message.position],
    [0, 'trying', 'a', 1],
  )
  assert.equal(side.desk.has('a'), 'yes')
})

test('what is at the desk is not parked again', () => {
  const { side, jobs } = deskSide()
  const delivery = new Delivery(message(1), { id: 3, attempts: 0, tries: [], lane: 'a' } as never)
  delivery.headSince = 1
  side.park(attempt(delivery), 9_000)
  assert.deepEqual(jobs, [])
})
