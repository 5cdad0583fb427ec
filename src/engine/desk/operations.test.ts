import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Operation } from '../../model/desk-views.ts'
import { fault } from '../../model/errors.ts'
import type { Job } from '../commit/writes.ts'
import { Operations, type OperationsHost } from './operations.ts'

const begun = (changes: Partial<Operation> = {}): Operation =>
  ({
    ...{ id: 1, name: 'release all', action: 'release', by: 'ada', reason: null, state: 'running', oneFirst: false },
    ...{ startedAt: 1, endedAt: null, total: 2, done: 0, perSecond: null, stopAfter: null, failures: 0, nextAt: null },
    ...changes,
  }) as unknown as Operation

/** Operations on these messages; `steps` has what was decided and written, in order. */
function operations(items: readonly number[], { refuses = [], wait, reading }: Circumstances = {}) {
  const steps: string[] = []
  const left = [...items]
  const write = ({ changes = [], written }: Job) => {
    for (const change of changes) {
      if (change.do === 'selected') left.splice(left.indexOf(change.item), 1)
      if (change.do === 'selected') steps.push(`${change.item} not possible`)
      if (change.do === 'operation') steps.push(`operation is ${change.operation.state}`)
    }
    written?.([])
  }
  const decide = async (item: number, { do: action }: { do: string }) => {
    await wait
    if (refuses.includes(item)) throw fault('millrace/not-held', 'it is not held')
    left.splice(left.indexOf(item), 1)
    steps.push(`${action} ${item}`)
  }
  const host = {
    world: { now: () => 5, log: () => {}, after: () => ({ cancel: () => {} }) },
    store: {
      desk: {
        entry: async (id: number) => {
          await reading
          return { id, processor: 'ledger', state: 'trying' }
        },
      },
      operations: {
        select: async (operation: object) => begun(operation),
        selected: async (_id: number, limit: number) => {
          const found = left.slice(0, limit).map((item) => ({ item, lane: item, begun: false }))
          await reading
          return found
        },
        firstSelected: async () => items[0],
        underWay: async () => [],
        expire: async () => undefined,
        open: async (after: number) => (after === 0 ? [begun({ state: 'trying', oneFirst: true, done: 1 })] : []),
      },
    },
    committer: { alone: (work: () => unknown) => work(), write, written: async (job: Job) => write(job) },
    decisionsOf: () => ({ decide }),
    maybeIdle: () => {},
  }
  return { made: new Operations(host as unknown as OperationsHost), steps }
}

interface Circumstances {
  readonly refuses?: readonly number[]
  /** Each decision waits for it. */
  readonly wait?: Promise<void>
  /** Each read of the selection and of a message waits for it. */
  readonly reading?: Promise<void>
}

const settled = async () => {
  for (let turns = 0; turns < 5; turns++) await turn()
}

test('an operation acts on each of its messages, and is done; an impossible action is counted as that', async () => {
  const { made, steps } = operations([1, 2, 3], { refuses: [2] })
  await made.start(begun(), {})
  assert.equal(made.idle, false)
  await settled()
  assert.deepEqual(steps, ['retry 1', 'retry 3', '2 not possible', 'operation is done'])
  assert.equal(made.idle, true)
})

test('one first: the others follow when it is handled, and stay as they are when it is held again', async () => {
  for (const [outcome, follows] of [
    ['handled', ['operation is running', 'retry 2', 'operation is done']],
    ['not handled', ['operation is failed']],
  ] as const) {
    const { made, steps } = operations([1, 2])
    await made.takeUp()
    made.ended(1, outcome)
    await settled()
    assert.deepEqual(steps.slice(0, 1), [follows[0]])
    assert.equal(steps.at(-1), follows.at(-1))
  }
})

test('of two operations with the same first message each is told how that ends', async () => {
  const { made, steps } = operations([1], { refuses: [1] })
  await made.takeUp()
  await made.start(begun({ id: 2, oneFirst: true }), {})
  await settled()
  assert.deepEqual(steps, ['operation is trying', '1 not possible', 'operation is failed'])
  made.ended(1, 'handled')
  await settled()
  assert.deepEqual(steps.slice(3), ['operation is running', 'operation is done'])
})

test('after a restart the first message may end while it is looked at', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { made, steps } = operations([1], { reading: promise })
  const taken = made.takeUp()
  await settled()
  made.ended(1, 'not handled')
  resolve()
  await taken
  await settled()
  assert.deepEqual(steps, ['operation is failed'])
})

for (const [title, slow] of [
  ['an abort waits for the slice under way, and nothing is done after it', 'wait'],
  ['an abort waits for a slice that is being read, and nothing is done after it', 'reading'],
] as const) {
  test(title, async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { made, steps } = operations([1], { [slow]: promise })
    await made.start(begun(), {})
    await settled()
    const aborted = made.abort(1, async () => void steps.push('aborted'))
    await settled()
    assert.deepEqual(steps, [])
    resolve()
    await aborted
    await settled()
    assert.deepEqual(steps, ['retry 1', 'aborted'])
  })
}

test('after the end no operation begins', async () => {
  const { made, steps } = operations([1])
  made.end()
  made.end()
  await made.start(begun(), {})
  await settled()
  assert.deepEqual([steps, made.idle], [[], false])
})
