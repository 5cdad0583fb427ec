import assert from 'node:assert/strict'
import test from 'node:test'
import type { JournalEntry } from '../../model/flow.ts'
import type { StepEnded } from '../../seam/flows.ts'
import { type EndTaker, StepEnds } from './step-ends.ts'

interface Run extends EndTaker {
  readonly heard: number[]
}

function run({ isFree = true, works = false } = {}): Run {
  const heard: number[] = []
  return {
    heard,
    isFree,
    inbox: { works },
    journal: { ahead: undefined },
    delivery: { receive: ({ n }) => void (heard.includes(n) || heard.push(n)) },
    input: async (apply) => apply(),
  }
}

/** Ends of flows in memory, with a list of what is asked of the flows. */
function ends(hot: Readonly<Record<number, Run>>) {
  const asked: string[] = []
  let last = 100
  const all = new StepEnds<Run, string>({
    newEntry: () => ++last,
    find: (flow) => hot[flow],
    hearing: (flow) => hot[flow],
    tell: (flow, apply) => {
      asked.push(`tell ${flow}`)
      apply(hot[flow]!)
    },
    load: async (flow) => void asked.push(`load ${flow}`),
    leftBy: () => 'left',
    flushAtRest: () => void asked.push('flush at rest'),
    turn: async () => {},
  })
  const ended = (flow: number, of: number): StepEnded => {
    const entry: JournalEntry = { n: all.numberOf(flow, of), of, kind: 'call', step: '', what: '', data: null, at: 0 }
    return { do: 'ended', flow, entry }
  }
  return { all, asked, ended }
}

test('a free flow is told ahead of the disk, and not again when that is durable', async () => {
  const one = run()
  const { all, asked, ended } = ends({ 1: one })
  const change = ended(1, 5)
  assert.deepEqual(await all.ahead([change], { begins: false }), ['left'])
  assert.equal(one.journal.ahead, undefined)
  all.written([change])
  assert.deepEqual([one.heard, asked], [[101], []])
})

test('a flow with which something is done hears of the end at once, and is told when that is durable', async () => {
  const one = run({ isFree: false })
  const { all, asked, ended } = ends({ 1: one })
  const change = ended(1, 5)
  assert.deepEqual(await all.ahead([change], { begins: false }), [])
  assert.deepEqual(one.heard, [101])
  all.written([change])
  assert.deepEqual(asked, ['tell 1'])
})

test('a flow that is cold is made when the end is durable', async () => {
  const { all, asked, ended } = ends({})
  const change = ended(1, 5)
  await all.ahead([change], { begins: false })
  assert.deepEqual(asked, [])
  all.written([change])
  assert.deepEqual(asked, ['load 1'])
})

test('the rest of a flow that is still running is written when it comes to rest', async () => {
  const { all, asked, ended } = ends({ 1: run({ works: true }) })
  assert.deepEqual(await all.ahead([ended(1, 5)], { begins: true }), [])
  assert.deepEqual(asked, ['flush at rest'])
})
