import assert from 'node:assert/strict'
import test from 'node:test'
import { coded } from '../../../test/support.ts'
import type { Decision } from '../../model/desk.ts'
import type { PendingAction } from '../../model/desk-views.ts'
import { fault } from '../../model/errors.ts'
import type { Job } from '../commit/writes.ts'
import type { DeskSpec } from '../spec.ts'
import { Desk, type DeskHost, type RuledBy } from './desk.ts'

/** A desk with messages of processors by number; `runs` are those whose decisions are noted. */
function desk({ entries = {}, runs = ['ledger'], leftOut = [], pending = [] }: Circumstances) {
  const done: string[] = []
  const written: Job[] = []
  const decisions = {
    repair: async (item: number, decision: Decision, { by }: { by: string }, job: Job = {}) => {
      if (decision.do === 'hold') throw fault('millrace/not-held', `message ${item} is not held`)
      done.push(`${by}: ${decision.do} ${item}${job.changes === undefined ? '' : ` with ${job.changes[0]!.do}`}`)
    },
    takeBack: async (item: number, { by }: { by: string }) => void done.push(`${by}: take back ${item}`),
  }
  const entry = (id: number) => {
    const processor = entries[id]
    const message = { stream: 1, type: 'placed', json: '{}', attributes: null }
    const error = { code: 'test', message: 'no' }
    return processor && { id, processor, state: 'deciding', decisions: 0, attempts: 1, error, message }
  }
  const host = {
    world: {
      now: () => 7,
      log: () => {},
      after: () => ({ cancel: () => {} }),
      guard: (_owner: unknown, fn: (given: unknown) => unknown, given: unknown) => fn(given),
    },
    store: {
      desk: { entry: async (item: number) => entry(item) },
      pendingActions: { list: async (after: PendingAction | undefined) => (after === undefined ? pending : []) },
      operations: { open: async () => [] },
    },
    committer: { alone: (work: () => unknown) => work(), write: (job: Job) => void written.push(job) },
    leftOut: new Set(leftOut),
    owner: (name: string) => (runs.includes(name) ? { decisions, progress: { stream: 1 } } : undefined),
    maybeIdle: () => {},
    trials: { try: async () => assert.fail('nothing is tried'), end: () => {} },
  }
  return { made: new Desk(host as unknown as DeskHost), done, written }
}

interface Circumstances {
  readonly entries?: Readonly<Record<number, string>>
  readonly runs?: readonly string[]
  readonly leftOut?: readonly string[]
  readonly pending?: readonly PendingAction[]
}

const retry: Decision = { do: 'retry' }
const asked = (item: number, action: PendingAction['action'] = retry): PendingAction => ({
  at: item,
  item,
  action,
  by: 'ada',
  reason: undefined,
})

test('a decision is carried out by the processor that owns the message', async () => {
  const { made, done } = desk({ entries: { 1: 'ledger' } })
  await made.decide(1, retry, { by: 'ada' })
  await made.takeBack(1, { by: 'bob' })
  assert.deepEqual(done, ['ada: retry 1', 'bob: take back 1'])
})

test('a decision about no message, or one whose processor does not run, is refused', async () => {
  const { made, done } = desk({ entries: { 1: 'labels' } })
  await assert.rejects(made.decide(1, retry, { by: 'ada' }), coded('millrace/unknown-processor'))
  await assert.rejects(made.decide(2, retry, { by: 'ada' }), coded('millrace/unknown-item'))
  assert.deepEqual(done, [])
})

test('an action requested while no app ran is done and forgotten in one commit; one left out stays', async () => {
  const entries = { 1: 'ledger', 2: 'labels', 3: 'ledger' }
  const { made, done, written } = desk({ entries, leftOut: ['labels'], pending: [asked(1), asked(2), asked(3)] })
  await made.begin()
  assert.deepEqual(done, ['ada: retry 1 with granted', 'ada: retry 3 with granted'])
  assert.deepEqual(written, [])
})

test('a requested action that is not possible is forgotten, with a line in the audit log', async () => {
  const hold: PendingAction['action'] = { do: 'hold', reason: 'later' } as never
  const { made, written } = desk({ entries: { 1: 'ledger' }, pending: [asked(1, hold)] })
  await made.begin()
  const [granted, record] = written[0]!.changes!
  assert.deepEqual(granted, { do: 'granted', item: 1 })
  assert(record?.do === 'record')
  assert.deepEqual([record.audit.action, record.audit.subject, record.audit.by], ['not possible', 'ledger', 'ada'])
})

/** A processor with a rule that releases all, which notes the messages that were decided. */
function ruled() {
  const told: number[] = []
  const rules = new Map([['placed', () => retry]])
  const spec: DeskSpec = { name: 'rules', rules, decideMs: 1, decisionsMax: 1, rulesAtOnce: 9 }
  const decided = Promise.withResolvers<void>()
  const decideByRule = async (item: number) => {
    told.push(item)
    decided.resolve()
  }
  const processor = { name: 'ledger', spec: { desk: spec, handlers: new Map() }, decisions: { decideByRule } }
  return { told, decided: decided.promise, processor: processor as unknown as RuledBy }
}

test('a rule is asked once the desk is open', async () => {
  const { made } = desk({ entries: { 1: 'ledger' } })
  const { told, decided, processor } = ruled()
  made.askRule(processor, 1)
  await made.begin()
  assert.deepEqual([told, made.idle], [[], false])
  made.open()
  await decided
  assert.deepEqual(told, [1])
})

test('a desk that has ended asks no rule, on any later event', async () => {
  const { made } = desk({ entries: { 1: 'ledger' } })
  const { told, processor } = ruled()
  made.end()
  made.end()
  await made.begin()
  made.open()
  made.askRule(processor, 1)
  assert.deepEqual([told, made.idle], [[], false])
})
