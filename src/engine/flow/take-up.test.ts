import assert from 'node:assert/strict'
import test from 'node:test'
import type { UnderWay } from '../../seam/flow-take-up.ts'
import type { SleepingTime } from '../../seam/flow-times.ts'
import { type TakeUpHost, takeUpUnfinished, takeUpWaiting, wakeTimes } from './take-up.ts'

function start(more: Partial<TakeUpHost> & { readonly flows?: UnderWay[]; readonly sleeping?: SleepingTime[] }) {
  const done: unknown[] = []
  const host: TakeUpHost = {
    rows: { next: async (_mediator, context) => (context === 'a' ? 1 : undefined) },
    times: { asleep: async (after) => (after === undefined ? (more.sleeping ?? []) : []) },
    takeUp: {
      underWayByMediator: async () => [],
      underWay: async (_mediator, after) => (after === undefined ? (more.flows ?? []) : []),
      waiting: async (_mediator, after) =>
        after === ''
          ? [
              { context: 'a', id: 1 },
              { context: 'b', id: 2 },
            ]
          : [],
      withdrawn: async () => [],
    },
    isOpen: () => true,
    runs: (mediator) => mediator === 'sale',
    load: async (id) => void done.push(id),
    write: async (changes) => void done.push(...changes),
    turn: async () => {},
    ...more,
  }
  return { host, done }
}

test('flows that were told something are made, the others stay cold', async () => {
  const flows = [
    { id: 1, context: null, unfinished: true },
    { id: 2, context: null, unfinished: false },
  ]
  const { host, done } = start({ flows })
  await takeUpUnfinished('sale', host)
  assert.deepEqual(done, [1])
})

test('a queued flow begins where its turn has come', async () => {
  const { host, done } = start({})
  await takeUpWaiting('sale', host)
  assert.deepEqual(done, [1])
})

test('times wake whose mediator is there and whose flow is not paused', async () => {
  const time = { due: -5, n: 9, mediator: 'sale', state: 'running' } as const
  const sleeping = [
    { ...time, flow: 1 },
    { ...time, flow: 2, state: 'paused' as const },
    { ...time, flow: 3, mediator: 'gone' },
  ]
  const { host, done } = start({ sleeping })
  await wakeTimes(host)
  assert.deepEqual(done, [{ do: 'awake', flow: 1, n: 9 }])
})

test('nothing is taken up after the end of the run', async () => {
  const { host, done } = start({ flows: [{ id: 1, context: null, unfinished: true }], isOpen: () => false })
  await takeUpUnfinished('sale', host)
  assert.deepEqual(done, [])
})
