import assert from 'node:assert/strict'
import test from 'node:test'
import type { Operation } from '../../model/desk-views.ts'
import { Released, type ReleasedHost } from './released.ts'

const operation = (fields: Partial<Operation> = {}): Operation =>
  ({
    ...{ id: 1, action: 'release', perSecond: null, stopAfter: null, failures: 0, nextAt: null, done: 0 },
    ...fields,
  }) as Operation

/** Messages of the desk by number, with their states; those that the store has as under way, and the first selected. */
function released({ states = {} as Record<number, string>, underWay = [] as number[], first = 0 } = {}) {
  const told: unknown[] = []
  const all = new Released({
    store: {
      desk: { entry: async (id: number) => (states[id] === undefined ? undefined : { id, state: states[id] }) },
      operations: {
        underWay: async (_: number, after: number) => underWay.filter((item) => item > after),
        firstSelected: async () => (first === 0 ? undefined : first),
      },
    },
    committer: { write: ({ changes: [change] = [] }: { changes?: readonly object[] }) => void told.push(change) },
    afterFirst: ({ id }: Operation, outcome: string) => void told.push(`first of ${id} ${outcome}`),
    room: (id: number) => void told.push(`room in ${id}`),
  } as unknown as ReleasedHost)
  return { all, told }
}

const tried = (item: number, failed: boolean) => ({ do: 'tried', operation: 1, item, failed })

test('the end of a message of an operation that stops after failures is written once, and makes room', () => {
  const { all, told } = released()
  const stopping = operation({ stopAfter: 2 })
  all.await(stopping, 7, 'other')
  assert.deepEqual([...all.rampOf(stopping).underWay], [7])
  all.ended(7, 'not handled')
  all.ended(7, 'handled')
  assert.deepEqual(told, [tried(7, true), 'room in 1'])
  assert.deepEqual([...all.rampOf(stopping).underWay], [])
})

test('without a number of failures only the first message is awaited, by each operation that begins with it', () => {
  const { all, told } = released()
  all.await(operation(), 7, 'other')
  all.await(operation({ id: 1 }), 8, 'first')
  all.await(operation({ id: 2 }), 8, 'first')
  all.ended(7, 'handled')
  all.ended(8, 'handled')
  assert.deepEqual(told, ['first of 1 handled', 'first of 2 handled'])
})

test('an operation that is taken up counts those that have ended in between, and waits for the others', async () => {
  const { all, told } = released({ states: { 5: 'held', 6: 'trying', 7: 'line' }, underWay: [4, 5, 6, 7] })
  const stopping = operation({ stopAfter: 9 })
  await all.adopt(stopping)
  assert.deepEqual(told, [tried(4, false), 'room in 1', tried(5, true), 'room in 1'])
  assert.deepEqual([...all.rampOf(stopping).underWay], [6, 7])
})

test('one that runs again keeps what is under way, and reads nothing', async () => {
  const { all } = released({ underWay: [4] })
  const stopping = operation({ stopAfter: 3 })
  all.await(stopping, 7, 'other')
  await all.adopt(operation({ stopAfter: 5 }))
  assert.deepEqual([...all.rampOf(stopping).underWay], [7])
  assert.deepEqual(all.rampOf(stopping).turn(0), { do: 'act', lanes: Number.POSITIVE_INFINITY, messages: 4, restMs: 0 })
})

test('after a restart the first message has ended, is under way, or has not begun', async () => {
  for (const [states, done, first, answer, tells] of [
    [{}, 0, 0, 'begun', ['first of 1 handled']],
    [{}, 0, 3, 'begun', ['first of 1 handled']],
    [{ 3: 'trying' }, 0, 3, 'begun', []],
    [{ 3: 'held' }, 0, 3, 'not begun', []],
    [{ 3: 'held' }, 1, 3, 'begun', ['first of 1 not handled']],
  ] as const) {
    const { all, told } = released({ states, first })
    assert.equal(await all.watch(operation({ done })), answer)
    assert.deepEqual(told, tells)
  }
})

test('nothing is told of an operation that is forgotten', () => {
  const { all, told } = released()
  all.await(operation({ stopAfter: 2 }), 7, 'first')
  all.forget(1)
  all.ended(7, 'handled')
  assert.deepEqual(told, [])
})
