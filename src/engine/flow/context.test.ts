import assert from 'node:assert/strict'
import test from 'node:test'
import type { JournalEntry, StepKind } from '../../model/flow.ts'
import { command, event } from '../../model/message.ts'
import { Refused } from '../../model/refused.ts'
import { Flow, type FlowCalls } from './context.ts'
import type { StepPlan } from './host.ts'

const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const
const Take = command('take', { schema, reply: schema })
const Other = command('other', { schema })
const Paid = event('paid', { schema })

interface Begun {
  readonly kind: StepKind
  readonly name: string
  readonly plan: StepPlan
}

/** A context whose steps end as `end` says. */
function contextOf(end: (step: Begun) => unknown) {
  const steps: Begun[] = []
  const begin = (kind: StepKind, name: string, what: string, plan: StepPlan) => {
    const step = { kind, name, what, plan }
    steps.push(step)
    plan.begun?.({ n: steps.length } as JournalEntry)
    return step
  }
  const calls = {
    id: 7,
    host: { spec: { name: 'sale', declared: new Set([Take]), waits: new Map(), starts: new Set() }, now: () => 1_000 },
    step: async (kind: StepKind, name: string, what: string, plan: StepPlan) => end(begin(kind, name, what, plan)),
    note: (kind: StepKind, name: string, what: string, plan: StepPlan) => void begin(kind, name, what, plan),
  } as unknown as FlowCalls
  return { flow: new Flow(calls), steps, names: () => steps.map(({ kind, name }) => `${kind} ${name}`) }
}

const failing = ({ kind }: Begun) => {
  if (kind === 'call') throw new Error('down')
}

test('a call is made again after a wait that doubles up to the longest', async () => {
  const { flow, steps, names } = contextOf(failing)
  const retry = { attempts: 4, firstDelayMs: 10, maxDelayMs: 15 }
  await assert.rejects(flow.call('take', Take, {}, { retry }), /down/)
  const calls = names().filter((name) => name === 'call take')
  assert.equal(calls.length, 4)
  const sleeps = steps.filter(({ kind }) => kind === 'sleep').map(({ plan }) => plan.dueAt)
  assert.deepEqual(sleeps, [1_010, 1_015, 1_015])
})

test('a refused call is not made again', async () => {
  const { flow, names } = contextOf(() => {
    throw new Refused('sold out')
  })
  await assert.rejects(flow.call('take', Take, {}, { retry: { attempts: 4 } }), /sold out/)
  assert.deepEqual(names(), ['call take'])
})

test('a wrong argument throws before a step begins', () => {
  const { flow, steps } = contextOf(() => undefined)
  assert.throws(() => flow.call('', Take, {}), { code: 'millrace/bad-step' })
  assert.throws(() => flow.call('x', Other, {}), { code: 'millrace/undeclared' })
  assert.throws(() => flow.wait('x', Paid), { code: 'millrace/undeclared' })
  assert.throws(() => flow.call('x', Take, {}, { timeoutMs: -1 }), { code: 'millrace/bad-time' })
  assert.throws(() => flow.call('x', Take, {}, { undo: 1 as never }), { code: 'millrace/bad-option' })
  assert.throws(() => flow.version('x', 0.5), { code: 'millrace/bad-option' })
  assert.equal(steps.length, 0)
})

test('a question that is answered is not passed on', async () => {
  const to = { afterMs: 10, to: 'boss' }
  const answered = contextOf(() => 'yes')
  assert.equal(await answered.flow.ask('large?', { schema, title: 'Large?', escalate: to }), 'yes')
  assert.deepEqual(answered.names(), ['ask large?', 'sleep large? escalates'])
  const open = contextOf(({ kind }) => (kind === 'ask' ? new Promise(() => {}) : null))
  void open.flow.ask('large?', { schema, title: 'Large?', escalate: to })
  await new Promise(setImmediate)
  assert.deepEqual(open.names(), ['ask large?', 'sleep large? escalates', 'value large? escalated'])
  assert.deepEqual(open.steps.at(-1)?.plan.change, { do: 'escalate', flow: 7, n: 1, to: 'boss' })
})

test('map runs no more functions at once than its limit, and none after a failure', async () => {
  const { flow } = contextOf(() => undefined)
  const begun: number[] = []
  const running = flow.map(
    [1, 2, 3, 4],
    async (item) => {
      begun.push(item as number)
      await undefined
      if (item === 2) throw new Error('two')
      return item
    },
    { limit: 2 },
  )
  assert.deepEqual(begun, [1, 2])
  await assert.rejects(running, /two/)
  assert(!begun.includes(4))
})
