import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import { fault } from '../../model/errors.ts'
import type { CommitGroup, Committed, Written } from '../../seam/commit.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { TimedResult } from '../../seam/timers.ts'
import type { World } from '../../seam/world.ts'
import { Committer, type CommitterHost } from './committer.ts'
import type { Settled } from './group.ts'
import type { Handled } from './handled.ts'

const nothing = () => {}

/** The answer of a store that has appended everything, from position 1 on. */
const answered = (append: readonly Stored[], timed: readonly TimedResult[] = []): Written => {
  return { appended: append.map((_, index) => index + 1), timed, flows: { ended: [], nextDue: undefined }, heads: [] }
}

interface Bench {
  readonly committer: Committer
  readonly logged: string[]
  /** Runs what was to run later: a wait is over. */
  readonly later: (() => void)[]
}

/** A committer on a store that answers as it is told. */
function bench(commit: (group: CommitGroup) => Promise<Committed>, host: Partial<CommitterHost> = {}): Bench {
  const logged: string[] = []
  const later: (() => void)[] = []
  const world = {
    elapsed: () => 0,
    soon: (fn: () => void) => queueMicrotask(fn),
    after: (_: number, fn: () => void) => void later.push(fn),
    log: (_: string, text: string) => void logged.push(text),
  } as unknown as World
  const all = { settles: nothing, settled: nothing, quiet: nothing, fatal: nothing, ...host }
  return { committer: new Committer(world, { commit }, 1, all), logged, later }
}

const written = (...all: Written[]): Committed => ({ state: 'written', written: all })

test('a write after the end is refused at once: its promise does not wait', async () => {
  const { committer } = bench(async () => written())
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

test('writes that wait at the end are refused, and so are those under way', async () => {
  const answer = Promise.withResolvers<Committed>()
  const begun = Promise.withResolvers<void>()
  const { committer } = bench(() => {
    begun.resolve()
    return answer.promise
  })
  const why = fault('millrace/stopping', 'stopped')
  const underWay = assert.rejects(committer.written({}), why)
  await begun.promise
  const waiting = assert.rejects(committer.written({}), why)
  committer.end(why)
  answer.resolve(written(answered([])))
  await Promise.all([underWay, waiting])
})

test('a write about a message at the desk comes before the end of its attempt, also ahead of the disk', async () => {
  const done = Promise.withResolvers<void>()
  const order: string[] = []
  const write = (group: CommitGroup) => {
    for (const change of group.changes([], 'all').desk) order.push(change.do)
  }
  let commits = 0
  const { committer } = bench(
    async (group) => {
      write(group)
      if (++commits === 1) {
        // While this is under way an attempt at a message at the desk has failed, and the next one has ended well.
        committer.write({ changes: [{ do: 'update' } as DeskChange] })
        committer.finish(attempt)
      }
      const ahead = await group.ahead?.([answered([])])
      if (ahead !== undefined) write(ahead)
      return { ...written(answered([])), ahead: ahead && answered([]) }
    },
    {
      settled: () => {
        if (order.includes('remove')) done.resolve()
      },
    },
  )
  const attempt = {
    processor: { spec: { runsAhead: true } },
    position: 0,
    outgoing: [],
    requestEnd: nothing,
    deskEnd: () => ({ changes: [{ do: 'remove' }], outgoing: [] }),
    committed: nothing,
  } as unknown as Handled
  committer.ahead = async () => []
  committer.write({ changes: [{ do: 'put' } as DeskChange] })
  await done.promise
  assert.deepEqual(order, ['put', 'update', 'remove'])
})

test('each timed write learns the outcome of its own change, and its appends come after the rest', async () => {
  const timed: TimedResult[] = [
    { do: 'cancel', found: false },
    { do: 'fire', appended: [{ id: 'fired' } as Stored], nextDue: 7 },
    { do: 'cancel', found: true },
  ]
  const settled = Promise.withResolvers<string[]>()
  const { committer } = bench(async (group) => written(answered(group.changes([], 'all').append, timed)), {
    settled: ({ appended }: Settled) => settled.resolve(appended.map(({ id }) => id)),
  })
  const told: unknown[] = []
  const waiter = { written: (result: TimedResult) => void told.push(result), dropped: nothing, patient: true }
  committer.writeTimed({ ...waiter, change: { do: 'cancel', type: 'a', id: 'a' } })
  committer.writeTimed({ ...waiter, change: { do: 'fire', limit: 1, bytesMax: 1 } })
  committer.writeTimed({ ...waiter, change: { do: 'cancel', type: 'a', id: 'b' } })
  committer.write({ outgoing: [{ id: 'first' } as Stored] })
  assert.deepEqual(await settled.promise, ['first', 'fired'])
  assert.deepEqual(told, timed)
})

test('after trouble what was not written is written again, before what has come since; publishers are told', async () => {
  const trouble = fault('millrace/disk-full', 'no room')
  const order: string[][] = []
  const { committer, logged, later } = bench(async (group) => {
    const { append } = group.changes([], 'all')
    order.push(append.map(({ id }) => id))
    if (order.length > 2) return written(answered(append))
    group.rolledBack()
    return { state: 'trouble', why: trouble, rest: 'again', written: [] }
  })
  const message = (id: string) => ({ id, json: '' }) as Stored
  const refused = Promise.withResolvers<unknown>()
  committer.publish({ message: message('publish'), resolve: nothing, reject: refused.resolve })
  committer.write({ outgoing: [message('first')] })
  assert.equal(await refused.promise, trouble)
  committer.write({ outgoing: [message('second')] })
  for (let wait = 0; wait < 2; wait++) {
    later.shift()?.()
    for (let turn = 0; turn < 99; turn++) await null
  }
  assert.deepEqual(order, [
    ['publish', 'first'],
    ['first', 'second'],
    ['first', 'second'],
  ])
  assert.deepEqual(logged, ['no room; trying again'])
  assert.equal(committer.trouble, undefined)
})

test('a group that the store knows as committed is not written again', async () => {
  let commits = 0
  const told: string[] = []
  const { committer } = bench(async (group) => {
    const state = ++commits === 1 ? 'known' : 'written'
    return { state, written: [answered(group.changes([], 'all').append)] }
  })
  committer.write({ outgoing: [{ id: 'once' } as Stored], written: () => void told.push('written') })
  for (let turn = 0; turn < 99; turn++) await null
  assert.deepEqual([commits, told], [1, ['written']])
})

test('when the store is lost, the whole group is refused, and the run is told why', async () => {
  const why = fault('millrace/ownership-lost', 'another process has it')
  const fatal: unknown[] = []
  const { committer } = bench(async () => ({ state: 'lost', why }), { fatal: (error) => void fatal.push(error) })
  await assert.rejects(committer.written({}), why)
  for (let turn = 0; turn < 9; turn++) await null
  assert.deepEqual(fatal, [why])
})

test('when work by itself fails to sync, its caller and the run are told, and what waits is not written', async () => {
  const told: unknown[] = []
  let groups = 0
  const host = { fatal: (error: unknown) => void told.push(error) }
  const { committer } = bench(async () => {
    groups++
    return written(answered([]))
  }, host)
  const why = fault('millrace/sync-failed', 'the disk did not sync')
  const work = committer.alone(() => Promise.reject(why))
  committer.write({})
  await assert.rejects(work, why)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([told, groups], [[why], 0])
})

test('an attempt that waits for the next group is held while those who waited for this one are told', async () => {
  let groups = 0
  const { committer } = bench(async (group) => {
    const { append } = group.changes([], 'all')
    // The store has run none of the functions yet.
    return ++groups === 1 ? written(answered(append)) : new Promise<never>(() => {})
  })
  const attempt = {
    needsFunction: true,
    processor: {},
    message: { id: 'flow/1/2', attributes: null },
    outcome: undefined,
  }
  const { promise: held, resolve } = Promise.withResolvers<boolean>()
  committer.finish(attempt as unknown as Handled)
  committer.write({ written: () => resolve(committer.holds('flow/1/2')) })
  assert.equal(await held, true)
})
