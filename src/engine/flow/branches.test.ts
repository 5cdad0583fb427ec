import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import test from 'node:test'
import type { JournalEntry, StepKind } from '../../model/flow.ts'
import type { Owner } from '../../seam/world.ts'
import { Branches } from './branches.ts'
import type { Step } from './host.ts'

function branchesOf() {
  const owners = new AsyncLocalStorage<Owner>()
  const late: unknown[] = []
  const branches = new Branches({
    spec: { name: 'sale' },
    guard: (owner, fn) => owners.run(owner, fn),
    owner: () => owners.getStore(),
    late: (error) => late.push(error),
  })
  const begin = (kind: StepKind, name: string): Step => {
    const step = { entry: { kind, step: name } as JournalEntry, outcome: undefined } as Step
    branches.join(step)
    return step
  }
  return { branches, begin, late }
}

test('the open steps of branches that lose are given up, those of the winner are not', async () => {
  const { branches, begin } = branchesOf()
  const lost: string[] = []
  const { promise: first, resolve } = Promise.withResolvers<string>()
  const race = branches.race(
    [
      () => {
        begin('wait', 'paid')
        return first
      },
      async () => {
        const ended = begin('call', 'ended')
        ended.outcome = { ok: true, value: null }
        begin('sleep', 'a day')
        await first
        begin('sleep', 'begun after')
      },
    ],
    ({ entry }) => lost.push(entry.step),
  )
  resolve('yes')
  assert.equal(await race, 'yes')
  assert.deepEqual(lost, ['a day', 'begun after'])
})

test('code of a branch that lost is known as lost, also in a race inside it', async () => {
  const { branches } = branchesOf()
  const lost: boolean[] = []
  const { promise: decided, resolve } = Promise.withResolvers<void>()
  const { promise: looked, resolve: look } = Promise.withResolvers<void>()
  const inner = async () => {
    lost.push(branches.isLost)
    await decided
    lost.push(branches.isLost)
    look()
  }
  await branches.race([() => 'first', () => branches.race([inner], () => {})], () => {})
  resolve()
  await looked
  assert.deepEqual([lost, branches.isLost], [[false, true], false])
})

test('a flow has losers until each is ended or released', async () => {
  const { branches, begin } = branchesOf()
  let called!: Step
  let started!: Step
  const loser = () => {
    called = begin('call', 'take')
    started = begin('flow', 'pack')
    return new Promise(() => {})
  }
  await branches.race([() => 1, loser], () => {})
  assert(branches.hasLosers && branches.awaits(called) && branches.awaits(started))
  branches.release(started)
  called.outcome = { ok: false, code: 'x', message: '' }
  assert.equal(branches.hasLosers, false)
  assert.equal(branches.awaits(called), false)
})

test('the error of a function is a value, and one that is not awaited goes to operators', async () => {
  const { branches, late } = branchesOf()
  const error = new Error('down')
  const end = await branches.run(() => Promise.reject(error))
  assert.deepEqual(end, { ok: false, value: error })
  branches.root.late(error)
  assert.deepEqual(late, [error])
})
