import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import type { Message } from '../../model/message.ts'
import type { Attempted } from './attempted.ts'
import type { MediatorSpec } from './host.ts'
import { checkOnce, Starting, type StartingHost } from './starting.ts'

const change = { do: 'entry', entry: 'of the first step' }
const command = { id: 'flow/1/1' } as Stored

function starting({ taken = false, fails = false } = {}) {
  const told: string[] = []
  const run = {
    host: { prompted: (trace: string | null) => void told.push(`prompted by ${trace}`) },
    begin: async () => {
      told.push('begins')
      if (fails) throw new Error('no store')
    },
    journal: { take: () => ({ changes: [change], outgoing: [command] }) },
  }
  const all = new Starting({
    claims: {
      take: async (_: string, once: string) => (taken ? undefined : () => void told.push(`${once} is free`)),
    },
    making: {
      rowOf: (_: MediatorSpec, { context }: Stored, once: string | null) => ({
        id: 1,
        context,
        once,
        state: 'running',
      }),
      runOf: () => run,
    },
    envelopes: {},
    runs: (mediator: string) => mediator === 'sale',
    begun: () => void told.push('in memory'),
    queued: (mediator: string, context: string) => void told.push(`${mediator} queued in ${context}`),
  } as unknown as StartingHost)
  return { all, told }
}

const stored = { id: 'm-1', context: 'o-1' } as Stored
const message = { data: { order: 'o-1' } } as Message
const attempt = { state: 'running' } as Attempted
const spec = (fields: Partial<MediatorSpec> = {}) =>
  ({ name: 'sale', serial: false, oncePer: undefined, ...fields }) as MediatorSpec
const oncePer = (data: unknown) => (data as { order: string }).order

test('a flow is written with its first steps, and is in memory after that', async () => {
  const { all, told } = starting()
  const begun = await all.start(spec(), stored, message, attempt)
  const row = { id: 1, context: 'o-1', once: null, state: 'running' } as FlowRow
  assert.deepEqual(begun!.flows, [{ do: 'start', row }, change])
  assert.deepEqual(begun!.outgoing, [command])
  assert.deepEqual(told, ['begins'])
  begun!.written()
  assert.deepEqual(told, ['begins', 'in memory'])
})

test('a value of oncePer is free again when the flow is written, when its attempt fails, or when it cannot begin', async () => {
  const once = spec({ oncePer })
  for (const end of ['written', 'dropped'] as const) {
    const { all, told } = starting()
    const begun = await all.start(once, stored, message, attempt)
    assert.deepEqual(told, ['begins'])
    begun![end]!()
    assert.equal(told[1], 'o-1 is free')
  }
  const { all, told } = starting({ fails: true })
  await assert.rejects(all.start(once, stored, message, attempt), /no store/)
  assert.deepEqual(told, ['begins', 'o-1 is free'])
})

test('where another flow has the value, none begins', async () => {
  const { all, told } = starting({ taken: true })
  assert.equal(await all.start(spec({ oncePer }), stored, message, attempt), undefined)
  assert.deepEqual(told, [])
})

test('flows that run one after the other are written as queued and begin with their turn; without a context at once', async () => {
  const { all, told } = starting()
  const queued = await all.start(spec({ serial: true }), stored, message, attempt)
  assert.deepEqual(
    queued!.flows.map((one) => (one as { row: FlowRow }).row.state),
    ['queued'],
  )
  queued!.written()
  assert.deepEqual(told, ['sale queued in o-1'])
  await all.start(spec({ serial: true }), { ...stored, context: null } as Stored, message, attempt)
  assert.equal(told[1], 'begins')
})

test('a flow goes on in the trace of its attempt', async () => {
  const { all, told } = starting()
  await all.start(spec(), stored, message, { ...attempt, delivery: { span: { trace: '00-1' } } } as Attempted)
  assert.deepEqual(told, ['prompted by 00-1', 'begins'])
})

test('a route starts no flow of a mediator that is left out', () => {
  const { all } = starting()
  const route = { ...attempt, processor: { name: 'chooses' }, message: stored } as unknown as Attempted
  assert.throws(() => all.startFrom(spec({ name: 'other' }), {}, route, 0), { code: 'millrace/unknown-part' })
})

test('oncePer returns a text of 1 to 1,024 characters', () => {
  assert.equal(checkOnce({ name: 'sale' }, 'x'.repeat(1_024)), 'x'.repeat(1_024))
  for (const [once, says] of [
    ['', /oncePer must return a text of 1 to 1024 characters, not ""/],
    ['x'.repeat(1_025), /must return a text/],
    [7, /not 7/],
    [Promise.resolve('k'), /returned a promise/],
  ] as const) {
    assert.throws(() => checkOnce({ name: 'sale' }, once), { code: 'millrace/bad-option', message: says })
  }
})
