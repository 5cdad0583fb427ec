import assert from 'node:assert/strict'
import test from 'node:test'
import type { FlowState } from '../../model/flow.ts'
import type { Step } from './host.ts'
import type { FlowRun } from './run.ts'
import { TakingBack } from './taking-back.ts'

const step = (kind: 'call' | 'flow', outcome?: Step['outcome']) =>
  ({ entry: { n: 5, kind, what: 'pay', step: 'pay' }, attempt: 5, outcome }) as Step

/** Flow 1 with a step, and a subflow 9 that cannot be cancelled so many times. */
function flow({ refusals = 0, state = 'running' as FlowState, isUnderWay = true } = {}) {
  const done: string[] = []
  let left = refusals
  const run = {
    id: 1,
    branches: { awaits: () => true, release: () => void done.push('released') },
    outside: {
      withdrawn: (_step: Step, effects: string, why: string) => void done.push(`withdrawn: ${effects}, ${why}`),
    },
  } as unknown as FlowRun
  const all = new TakingBack({
    world: { log: (level) => void done.push(level) },
    rows: { startedBy: async () => 9, stateOf: async () => ({ id: 9, mediator: 'sub', state }) },
    withdraw: async ({ id }) => {
      done.push(`withdraw ${id}`)
      return 'unknown'
    },
    tell: async (_id, apply) => {
      if (!isUnderWay) return undefined
      apply(run)
      return run
    },
    cancel: async (id, by, reason) => {
      if (left-- > 0) throw new Error('it ends just now')
      done.push(`cancel ${id} by ${by}: ${reason}`)
    },
    settled: async () => void done.push('settled'),
  })
  return { all, run, done }
}

test('a call is withdrawn, then its flow is told what is known of its effects', async () => {
  const { all, run, done } = flow()
  assert.equal(await all.step(run, step('call'), 'took too long'), true)
  assert.deepEqual(done, ['withdraw flow/1/5', 'withdrawn: unknown, took too long'])
})

test('a call that has ended is left alone, and a flow that is not under way was not told', async () => {
  const { all, run, done } = flow()
  assert.equal(await all.step(run, step('call', { ok: true, value: null }), 'lost a race'), true)
  assert.deepEqual(done, [])
  const gone = flow({ isUnderWay: false })
  assert.equal(await gone.all.step(gone.run, step('call'), 'took too long'), false)
})

test('a subflow is cancelled, once more where it ends just now, and its step no longer holds up the end', async () => {
  const { all, run, done } = flow({ refusals: 1 })
  await all.step(run, step('flow'), 'lost a race')
  assert.deepEqual(done, ['settled', 'cancel 9 by flow 1: flow 1, which started it, continues without it', 'released'])
})

test('a subflow that undoes already is left alone, and one that is stuck is logged', async () => {
  for (const [state, logged] of [
    ['compensating', []],
    ['stuck', ['warn']],
  ] as const) {
    const { all, run, done } = flow({ refusals: 1, state })
    await all.step(run, step('flow'), 'took too long')
    assert.deepEqual(done, [...logged, 'released'])
  }
})
