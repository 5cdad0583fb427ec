// The answer of a commit: what the store has decided, for each transaction and in the order of what was asked.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { coded } from '../../../test/support.ts'
import { Stored } from '../../model/codec.ts'
import type { Changes, CommitFunction, Written } from '../../seam/commit.ts'
import type { RequestChange } from '../../seam/requests.ts'
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
  await store.open([{ kind: 'topic', name: 't' }], () => true)
  return store
}

function messageOf(id: string, due = 0): Stored {
  const from = { source: '/app', time: 1, correlationId: id, causationId: null, traceparent: null }
  return new Stored('a', 1, { stream: 1, id, ownId: true, due, ...from }, null, '{}')
}

const commit = (store: Store, changes: Partial<Changes>) =>
  store.commit({ functions: [], changes: () => ({ ...nothing, ...changes }), rolledBack: () => {} })

test('each change that is written because of time has its own result, in the order of the changes', async (t) => {
  const store = await opened(t)
  await commit(store, { append: [messageOf('soon', 1), messageOf('later', 9e15), messageOf('last', 9e15 + 1)] })
  const row = { schedule: 's', cron: null, timeZone: null, seenMs: 1, gone: false }
  const ahead: Written[] = []
  const { written } = await store.commit({
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

test('the answer says what has become of each message, and none of them is changed', async (t) => {
  const store = await opened(t)
  await commit(store, { append: [messageOf('first')] })
  const append = [messageOf('second'), messageOf('first'), messageOf('delayed', 9e15), messageOf('third')]
  const before = structuredClone(append)
  const { written } = await commit(store, { append })
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
  const { written, rest } = await store.commit({
    functions,
    changes: (some) => {
      asked.push(some.map(({ label }) => label).join())
      kept++
      return nothing
    },
    rolledBack: () => void kept--,
  })
  assert.equal(rest, true)
  assert.deepEqual(asked, ['', 'one', 'two', 'four'])
  assert.deepEqual([written.length, kept], [4, 4])
  assert.deepEqual(
    functions.map(({ outcome }) => outcome?.ok),
    [true, true, false, true],
  )
})

test('the end of a command that a flow has called has the number that its journal has', async (t) => {
  const store = await opened(t)
  const end = (id: string, asker: 'app' | 'flow'): RequestChange => {
    return { do: 'end', asker, id, state: 'replied', outcome: null, at: 1 }
  }
  const { written } = await commit(store, {
    requests: [{ do: 'released', id: 'x' }, end('flow/1/7', 'flow'), end('y', 'app'), end('flow/1/8', 'flow')],
  })
  const [seven, eight] = [7, 8].map((call) => store.flows.journal(1).find(({ of }) => of === call)!.n)
  assert.deepEqual(written[0]?.entries, [0, seven, 0, eight])
  assert(seven! > 0 && eight! > seven!)
})

test('progress of a processor that was taken over is refused: the ownership of the store is lost', async (t) => {
  const store = await opened(t)
  const { epoch } = await store.progress.subscribe('p', 1, 0)
  await store.progress.subscribe('p', 1, 0)
  const row = { processor: 'p', stream: 1, epoch, low: 0, done: null }
  await assert.rejects(commit(store, { progress: [row] }), coded('millrace/ownership-lost', /its epoch 1 has ended/))
})
