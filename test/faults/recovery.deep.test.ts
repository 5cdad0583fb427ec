// A disk that fails at any one of its steps: every promise is settled, the app goes on by itself, nothing is lost.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { type App, isMillraceError } from 'millrace'
import type { Disk } from '../../src/adapters/sqlite/disk.ts'
import { sqliteOn } from '../../src/adapters/sqlite/index.ts'
import { nodeDisk } from '../../src/adapters/sqlite/node-disk.ts'
import { fault } from '../../src/model/errors.ts'
import { until } from '../support.ts'
import { assertOnceInOrder, assertSound, leaveUnclean, logOf, look, number, rows } from './support/judge.ts'
import { place } from './support/place.ts'
import { type Doing, innocent, Task, tasks } from './support/tasks.ts'

/** A promise that is never settled is what these tests are after: it ends them at this time, milliseconds. */
const timeout = 10_000
/** After a store has failed to open, it is opened anew after so long, milliseconds. */
const reopenMs = 1_000

interface Failing {
  /** Counts the syncs, or checkpoints, of all disks of a test; the one with this number fails. */
  readonly at: number
  readonly step: 'sync' | 'checkpoint'
  /** Called when it fails. */
  readonly failed?: () => void
}

/** Real disks, of which one step fails once. */
function failing({ at, step, failed = () => {} }: Failing): () => Disk {
  let count = 0
  return () => {
    const disk = nodeDisk()
    const { [step]: real } = disk
    const fails = async () => {
      if (++count !== at) return real('single') as never
      // As slow as a disk that fails: others are waiting for it by then.
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      failed()
      throw fault(step === 'sync' ? 'millrace/sync-failed' : 'millrace/disk-failed', 'the disk does not answer')
    }
    return Object.assign(disk, { [step]: fails })
  }
}

/** Real disks, of which a sync fails whenever `fails` says so. */
const disksOf = (fails: () => boolean) => (): Disk => {
  const disk = nodeDisk()
  const { sync } = disk
  return Object.assign(disk, {
    sync: async () => {
      if (fails()) throw fault('millrace/sync-failed', 'the disk does not answer')
      return sync('single')
    },
  })
}

/** Real disks, of which the sync after each call of `fail` fails. */
function failingNext() {
  let fails = false
  const now = () => {
    const failing = fails
    fails = false
    return failing
  }
  return {
    disks: disksOf(now),
    fail() {
      fails = true
    },
    /** Whether no sync came since. */
    isPending: () => fails,
  }
}

function assertRetryable(error: unknown): void {
  assert.ok(isMillraceError(error) && error.retryable, `an error that says to try again, not ${String(error)}`)
}

/** Publishes until it is accepted; gives how often it was refused. */
async function publishAtLast(shop: App, lane: string, what: string): Promise<number> {
  for (let refused = 0; ; refused++) {
    try {
      await shop.publish(Task, { lane, what }, { id: what })
      return refused
    } catch (error) {
      assertRetryable(error)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

function judge(file: string, whats: readonly string[]): void {
  look(file, (db) => {
    assertSound(db)
    const log = logOf(db, 'tasks')
    assert.deepEqual(log.map(({ id }) => id).sort(), [...whats].sort())
    assertOnceInOrder('the doer', log, rows(db, 'select message from done order by seq'))
    assert.equal(number(db, 'select count(*) from millrace_desk'), 0)
  })
}

async function stopped(t: TestContext, shop: App): Promise<App> {
  t.after(() => shop.stop({ graceMs: 0 }))
  return shop
}

for (let at = 1; at <= 14; at++) {
  test(`when sync ${at} fails every promise is settled, and publishing, handling and idle continue`, {
    timeout,
  }, async (t) => {
    const file = join(place(t), 'recovery.db')
    const shop = await stopped(t, tasks({ broker: sqliteOn({ file }, failing({ at, step: 'sync' })) }))
    try {
      await shop.start({ control: false })
    } catch (error) {
      assertRetryable(error)
      await shop.start({ control: false })
    }
    const whats = Array.from({ length: 12 }, (_, index) => `n${index}`)
    const publishing = whats.map((what, index) => publishAtLast(shop, `lane-${index % 3}`, what))
    const idling = shop.idle().catch(assertRetryable)
    await Promise.all([...publishing, idling])
    for (const what of ['x', 'y', 'z']) {
      await publishAtLast(shop, 'lane-0', what)
      await shop.idle().catch(assertRetryable)
      whats.push(what)
    }
    while (shop.health().status === 'red') await new Promise((resolve) => setImmediate(resolve))
    await shop.idle()
    await shop.stop()
    judge(file, whats)
  })
}

for (let at = 1; at <= 6; at++) {
  test(`start is settled when sync ${at} fails while it takes up what an unclean stop left`, { timeout }, async (t) => {
    const file = join(place(t), 'recovery.db')
    const first = tasks({ broker: sqliteOn({ file }, nodeDisk) })
    await first.start({ control: false, only: [] })
    await first.publish(Task, { lane: 'a', what: 'marked' }, { id: 'marked' })
    await first.publish(Task, { lane: 'a', what: 'behind' }, { id: 'behind' })
    await first.stop()
    look(file, (db) => {
      db.exec("insert or replace into millrace_progress values ('doer', 1, 1, 0, null, 0)")
      db.exec("insert into millrace_marks values ('doer', 1, 1)")
    })
    leaveUnclean(file)
    const shop = await stopped(t, tasks({ broker: sqliteOn({ file }, failing({ at, step: 'sync' })) }))
    try {
      await shop.start({ control: false })
    } catch (error) {
      assertRetryable(error)
      await shop.start({ control: false })
    }
    while (shop.health().status === 'red') await new Promise((resolve) => setImmediate(resolve))
    await shop.idle()
    await shop.stop()
    judge(file, ['marked', 'behind'])
  })
}

test('promises that wait for a failing sync are settled: a release, a transaction, a publish, idle', {
  timeout,
}, async (t) => {
  const file = join(place(t), 'recovery.db')
  const { disks, fail, isPending } = failingNext()
  let mended = false
  const stone: Doing = ({ id }, { commit }) => {
    if (!mended) throw new Error('a stone')
    return commit((tx) => tx.query`insert into done (message, lane, what) values (${id}, 'a', 'stone')`)
  }
  const shop = await stopped(t, tasks({ broker: sqliteOn({ file }, disks), doing: { stone } }))
  await shop.start({ control: false })
  await shop.publish(Task, { lane: 'a', what: 'stone' }, { id: 'stone' })
  await shop.idle()
  const [held] = await shop.desk.list()
  mended = true
  fail()
  const settled = await Promise.allSettled([
    shop.desk.release(held!.id),
    shop.transaction((tx) => tx.publish(Task, { lane: 'b', what: 'of a transaction' })),
    shop.publish(Task, { lane: 'c', what: 'published' }, { id: 'published' }),
    shop.idle(),
  ])
  assert.equal(isPending(), false, 'the sync failed')
  for (const one of settled) if (one.status === 'rejected') assertRetryable(one.reason)
  while (shop.health().status === 'red') await new Promise((resolve) => setImmediate(resolve))
  await shop.idle()
  for (const { id } of await shop.desk.list({ states: ['held'] })) await shop.desk.release(id)
  await shop.idle()
  await shop.stop()
  look(file, (db) => {
    assertOnceInOrder('the doer', logOf(db, 'tasks'), rows(db, 'select message from done order by seq'))
  })
})

test('a sync that fails beside the batches, for a pause, opens the store anew like any other', {
  timeout,
}, async (t) => {
  const file = join(place(t), 'recovery.db')
  let opened = 0
  const { disks, fail } = failingNext()
  const broken = () => {
    opened++
    return disks()
  }
  const shop = await stopped(t, tasks({ broker: sqliteOn({ file }, broken) }))
  await shop.start({ control: false })
  fail()
  await assert.rejects(shop.processors.pause('doer'), { code: 'millrace/sync-failed' })
  while (opened < 2 || shop.health().status === 'red') {
    t.signal.throwIfAborted()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await shop.publish(Task, { lane: 'a', what: 'later' }, { id: 'later' })
  await shop.processors.resume('doer')
  await shop.idle()
})

test('idle called while a store is opened anew waits for it, and is no error', { timeout }, async (t) => {
  const file = join(place(t), 'recovery.db')
  const { disks, fail } = failingNext()
  const shop = await stopped(t, tasks({ broker: sqliteOn({ file }, disks) }))
  await shop.start({ control: false })
  fail()
  await assert.rejects(shop.publish(Task, { lane: 'a', what: 'first' }, { id: 'first' }), {
    code: 'millrace/sync-failed',
  })
  // Its run has ended, the next has not begun.
  while (!shop.health().reasons.includes('app "tasks" is not running')) {
    t.signal.throwIfAborted()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await assert.doesNotReject(shop.idle())
  await publishAtLast(shop, 'a', 'first')
  await shop.idle()
  await shop.stop()
  judge(file, ['first'])
})

test('a store that fails once more while it is opened anew, at any of its syncs, is opened a third time and then stays open', {
  timeout: 2 * timeout,
  concurrency: true,
}, async (t) => {
  for (const at of [1, 2, 3]) void t.test(`sync ${at}`, { timeout: 2 * timeout }, (t) => failsOnceMore(t, at))
})

async function failsOnceMore(t: TestContext, at: number): Promise<void> {
  const file = join(place(t), 'recovery.db')
  const first = tasks({ broker: sqliteOn({ file }, nodeDisk) })
  await first.start({ control: false, only: [] })
  await first.publish(Task, { lane: 'a', what: 'waits' }, { id: 'waits' })
  await first.stop()
  // After an unclean stop it is marked when it begins, and the next run has something to write before it begins.
  leaveUnclean(file)
  let opened = 0
  let syncs = 0
  let fails: readonly number[] = []
  const disks = disksOf(() => fails.includes(++syncs))
  const broken = () => {
    opened++
    return disks()
  }
  const began = Promise.withResolvers<void>()
  const waits: Doing = (task, context) => {
    began.resolve()
    return opened === 1 ? new Promise(() => {}) : innocent(task, context)
  }
  const shop = await stopped(t, tasks({ broker: sqliteOn({ file }, broken), doing: { waits } }))
  await shop.start({ control: false })
  await began.promise
  fails = [syncs + 1, syncs + 1 + at]
  await assert.rejects(shop.publish(Task, { lane: 'b', what: 'later' }, { id: 'later' }), {
    code: 'millrace/sync-failed',
  })
  await until('it is open a third time', () => opened >= 3 && shop.health().status === 'green')
  // Who would still try to open it does so within this time.
  await new Promise((resolve) => setTimeout(resolve, reopenMs + 100))
  assert.equal(opened, 3)
  await publishAtLast(shop, 'b', 'later')
  await shop.idle()
  await shop.stop()
  judge(file, ['waits', 'later'])
}

for (const at of [1, 2, 3]) {
  test(`a checkpoint that fails (number ${at}) costs nothing`, { timeout }, async (t) => {
    const file = join(place(t), 'recovery.db')
    const failed = Promise.withResolvers<void>()
    const disks = failing({ at, step: 'checkpoint', failed: failed.resolve })
    const shop = await stopped(t, tasks({ broker: sqliteOn({ file, checkpointBytes: 65_536 }, disks) }))
    await shop.start({ control: false })
    const whats: string[] = []
    let over = false
    void failed.promise.then(() => {
      over = true
    })
    // Some more after it has failed.
    for (let more = 20; more > 0; more -= over ? 1 : 0) {
      const round = Array.from({ length: 10 }, (_, index) => `n${whats.length + index}`)
      whats.push(...round)
      // Refused to none of them: a checkpoint concerns no publisher.
      await Promise.all(round.map((what, index) => shop.publish(Task, { lane: `lane-${index}`, what }, { id: what })))
    }
    await shop.idle()
    await shop.stop()
    judge(file, whats)
  })
}

test('stop is settled while the disk fails, and so are its waiting calls', { timeout }, async (t) => {
  const file = join(place(t), 'recovery.db')
  let broken = false
  const disks = disksOf(() => broken)
  const shop = tasks({ broker: sqliteOn({ file }, disks) })
  await shop.start({ control: false })
  await shop.publish(Task, { lane: 'a', what: 'before' }, { id: 'before' })
  await shop.idle()
  broken = true
  const publishing = shop.publish(Task, { lane: 'a', what: 'during' }, { id: 'during' })
  const idling = shop.idle()
  const results = await Promise.allSettled([publishing, shop.stop({ graceMs: 0 }), idling])
  for (const one of results) if (one.status === 'rejected') assertRetryableOrStopped(one.reason)
  await shop.stop({ graceMs: 0 })
  await assert.rejects(shop.publish(Task, { lane: 'a', what: 'after' }), { code: 'millrace/not-started' })
  broken = false
  await shop.start({ control: false })
  await shop.publish(Task, { lane: 'a', what: 'during' }, { id: 'during' })
  await shop.idle()
  await shop.stop()
  judge(file, ['before', 'during'])
})

function assertRetryableOrStopped(error: unknown): void {
  if (isMillraceError(error, 'millrace/not-started')) return
  assertRetryable(error)
}
