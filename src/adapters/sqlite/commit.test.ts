// The answer of a commit: what the store has decided, for each transaction and in the order of what was asked.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Stored } from '../../model/codec.ts'
import { newFlowRow } from '../../model/flow-views.ts'
import type { Changes, CommitFunction, CommitGroup, Written } from '../../seam/commit.ts'
import type { FlowChange } from '../../seam/flows.ts'
import type { Store } from '../../seam/store.ts'
import { nodeWorld } from '../node/world.ts'
import { sqlite } from './index.ts'

const nothing: Changes = { append: [], progress: [], desk: [], marks: [] }

async function opened(t: TestContext): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-commit-'))
  // No time passes: a group is as large as it was asked for.
  const world = Object.assign(Object.create(nodeWorld(() => {})), { elapsed: () => 0 })
  const store = sqlite({ file: join(folder, 'a.db') }).create(world)
  t.after(async () => {
    await store.close('clean')
    rmSync(folder, { recursive: true, force: true })
  })
  await store.open({ same: () => true })
  await store.leases.takeOver([{ kind: 'topic', name: 't' }])
  return store
}

function messageOf(id: string, due = 0): Stored {
  const from = { source: '/app', time: 1, correlationId: id, causationId: null, trace: null }
  return new Stored('a', 1, { stream: 1, id, ownId: true, due, ...from }, null, '{}')
}

/** Commits a group; its answer says that all of it is written. */
async function committed(store: Store, group: CommitGroup): Promise<readonly Written[]> {
  const answer = await store.commit(group)
  assert(answer.state === 'written')
  return answer.written
}

const commit = (store: Store, changes: Partial<Changes>) =>
  committed(store, { functions: [], changes: () => ({ ...nothing, ...changes }), rolledBack: () => {} })

test('each change that is written because of time has its own result, in the order of the changes', async (t) => {
  const store = await opened(t)
  await commit(store, { append: [messageOf('soon', 1), messageOf('later', 9e15), messageOf('last', 9e15 + 1)] })
  const row = { schedule: 's', cron: null, timeZone: null, seenMs: 1, gone: false, skipped: 0, skippedAt: null }
  const ahead: Written[] = []
  const written = await committed(store, {
    functions: [],
    changes: () => ({
      ...nothing,
      timed: [
        { do: 'slot', schedule: 's', due: 1, message: messageOf('s@1') },
        { do: 'slot', schedule: 's', due: 1, message: messageOf('s@1, again') },
        { do: 'cancel', type: 'a', id: 'never there' },
        { do: 'fire', limit: 10, bytesMax: 1e6 },
        { do: 'schedule', row },
        { do: 'cancel', type: 'a', id: 'later' },
      ],
    }),
    rolledBack: () => {},
    ahead: async (decided) => void ahead.push(...decided),
  })
  assert.deepEqual(ahead, written)
  const [{ timed }] = written as [Written]
  assert.deepEqual(
    timed.map((result) =>
      result.do === 'fire' ? { ...result, appended: result.appended.map(({ id }) => id) } : result,
    ),
    [
      { do: 'slot', appended: 1 },
      { do: 'slot', appended: 0 },
      { do: 'cancel', found: false },
      { do: 'fire', appended: ['soon'], nextDue: 9e15 + 1 },
      { do: 'schedule' },
      { do: 'cancel', found: true },
    ],
  )
})

test('the answer has the outcome of each message, and none of them is changed', async (t) => {
  const store = await opened(t)
  await commit(store, { append: [messageOf('first')] })
  const append = [messageOf('second'), messageOf('first'), messageOf('delayed', 9e15), messageOf('third')]
  const before = structuredClone(append)
  const written = await commit(store, { append })
  assert.deepEqual(written[0]?.appended, [2, 'same', 0, 3])
  assert.deepEqual(structuredClone(append), before)
})

test('a group that is repeated one by one has one answer for each transaction that is committed', async (t) => {
  const store = await opened(t)
  const fn = (label: string, run: CommitFunction['run']): CommitFunction => ({ label, run, outcome: undefined })
  const functions = [
    fn('one', (tx) => tx.query`create table a (n primary key)`),
    fn('two', (tx) => tx.query`insert into a values (1)`),
    // SQLite ends the whole transaction: what follows from this function is never asked for.
    fn('three', (tx) => tx.query`insert or rollback into a values (1)`),
    fn('four', (tx) => tx.query`insert into a values (2)`),
  ]
  const asked: string[] = []
  let kept = 0
  const written = await committed(store, {
    functions,
    changes: (some) => {
      asked.push(some.map(({ label }) => label).join())
      kept++
      return nothing
    },
    rolledBack: () => void kept--,
  })
  assert.deepEqual(asked, ['', 'one', 'two', 'four'])
  assert.deepEqual([written.length, kept], [4, 4])
  assert.deepEqual(
    functions.map(({ outcome }) => outcome?.ok),
    [true, true, false, true],
  )
})

const flowRow = (id: number) => newFlowRow({ id, mediator: 'm', version: 1, message: messageOf('a'), startedAt: 0 })

const ended = (flow: number, of: number, n: number): FlowChange => {
  return { do: 'ended', flow, entry: { n, of, kind: 'call', step: '', what: '', data: null, at: 1 } }
}

test('the end of a step is written where its flow exists, and commit says whether it does', async (t) => {
  const store = await opened(t)
  await commit(store, { flows: [{ do: 'start', row: flowRow(1) }] })
  const written = await commit(store, { flows: [ended(1, 7, 9), ended(2, 7, 10), ended(1, 8, 11)] })
  assert.deepEqual(written[0]?.flows.ended, [true, false, true])
  const numbers = (await store.flows.rows.journal(1)).map(({ n, of }) => [n, of])
  assert.deepEqual(numbers, [
    [9, 7],
    [11, 8],
  ])
  assert.deepEqual(await store.flows.rows.journal(2), [])
})

test('a commit that changes times of flows says when the next one comes, another says nothing', async (t) => {
  const store = await opened(t)
  const dueAfter = async (...flows: FlowChange[]) => (await commit(store, { flows }))[0]?.flows.nextDue
  const timer = (n: number, due: number): FlowChange => ({ do: 'timer', flow: 1, n, due })
  assert.equal(await dueAfter({ do: 'start', row: flowRow(1) }), undefined)
  assert.equal(await dueAfter(timer(1, 20), timer(2, 10)), 10)
  assert.equal(await dueAfter({ do: 'untimer', flow: 1, n: 2 }), 20)
  assert.equal(await dueAfter({ do: 'untimer', flow: 1, n: 2 }), undefined)
  const paused = { do: 'state', flow: 1, error: null, endedAt: null } as const
  assert.equal(await dueAfter({ ...paused, state: 'paused' }), null)
  assert.equal(await dueAfter({ ...paused, state: 'running' }), 20)
  assert.equal(await dueAfter(ended(1, 1, 30)), null)
})

test('progress of a processor that was taken over is refused: the ownership of the store is lost', async (t) => {
  const store = await opened(t)
  const { epoch } = await store.progress.subscribe('p', 1, 0)
  await store.progress.subscribe('p', 1, 0)
  const row = { processor: 'p', stream: 1, epoch, low: 0, done: null }
  const changes = () => ({ ...nothing, progress: [row] })
  const answer = await store.commit({ functions: [], changes, rolledBack: () => {} })
  assert(answer.state === 'lost')
  assert.match(answer.why.message, /its epoch 1 has ended/)
  assert.equal(answer.why.code, 'millrace/ownership-lost')
})

test('a function whose progress is refused has not failed: the ownership of the store is lost', async (t) => {
  const store = await opened(t)
  const { epoch } = await store.progress.subscribe('p', 1, 0)
  await store.progress.subscribe('p', 1, 0)
  const row = { processor: 'p', stream: 1, epoch, low: 0, done: null }
  const fn: CommitFunction = { label: 'the commit function', run: () => {}, outcome: undefined }
  const changes = (functions: readonly CommitFunction[]) => ({
    ...nothing,
    progress: functions.length > 0 ? [row] : [],
  })
  const answer = await store.commit({ functions: [fn], changes, rolledBack: () => {} })
  assert.deepEqual([answer.state, fn.outcome], ['lost', undefined])
})
