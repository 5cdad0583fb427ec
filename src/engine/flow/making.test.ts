import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import { encode, type Stamp } from '../../model/codec.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import { event, type MessageType } from '../../model/message.ts'
import type { MediatorSpec } from './host.ts'
import { Making, type MakingHost } from './making.ts'

const Placed = event('placed', { schema: z.object({ order: z.string() }), context: ({ order }) => order })

const stamp: Stamp = {
  ...{ stream: 1, id: 'm-1', ownId: false, source: '/shop', time: 1, correlationId: 'm-1', causationId: null },
  trace: 'trace of the beginning',
}
const message = encode(Placed, { order: 'o-1' }, stamp, 1_000)

function making() {
  let flow = 0
  let entry = 40
  const logged: unknown[] = []
  const origins: Stamp[] = []
  const take = (type: MessageType, data: unknown, origin: Stamp) => {
    origins.push(origin)
    return encode(type, data, origin, 1_000)
  }
  const host = {
    world: {
      now: () => 5,
      random: () => 0.5,
      newId: () => 'id',
      log: (_level: string, text: string, facts: object) => void logged.push([text, facts]),
    },
    envelopes: {
      derivedFrom: ({ id: causationId, trace }: Stamp, part: string, id: string) =>
        ({ ...stamp, id, source: `/shop/${part}`, causationId, trace }) as Stamp,
      follow: take,
      unplaced: take,
    },
    numbers: { newFlow: () => ++flow, newEntry: () => ++entry },
    typeOf: (name: string) => (name === 'placed' ? Placed : undefined),
    endsBehind: (id: number) => [{ do: 'ends behind', id }] as never,
    turn: async () => {},
  } as unknown as MakingHost
  return { all: new Making(host), logged, origins }
}

const spec = (fields: Partial<MediatorSpec> = {}) =>
  ({
    ...{ name: 'sale', version: 2, serial: false, startedBy: Placed, runs: new Map([[2, () => {}]]) },
    ...{ declared: new Set(), waits: new Map(), starts: new Set() },
    ...fields,
  }) as unknown as MediatorSpec

test('a new flow has the next number, the version of the code, and the context of its message', () => {
  const { all } = making()
  const { id, mediator, version, context, once, state, startedAt } = all.rowOf(spec(), message, 'k')
  assert.deepEqual([id, mediator, version, context, once, state, startedAt], [1, 'sale', 2, 'o-1', 'k', 'running', 5])
  assert.equal(all.rowOf(spec(), message).id, 2)
})

test('what a flow sends is caused by its first message, and has the trace of the newest event that it got', () => {
  const { all, origins } = making()
  const { host } = all.runOf(spec(), all.rowOf(spec(), message))
  host.encode(Placed, { order: 'o-1' }, 'flow/1/1')
  host.prompted('trace of an event')
  host.encodeCall(Placed as never, { order: 'o-1' }, 'flow/1/2')
  host.prompted(null)
  host.encode(Placed, { order: 'o-1' }, 'flow/1/3')
  assert.deepEqual(
    origins.map(({ id, source, causationId, trace, asked }) => [id, source, causationId, trace, asked]),
    [
      ['flow/1/1', '/shop/sale', 'm-1', 'trace of the beginning', undefined],
      ['flow/1/2', '/shop/sale', 'm-1', 'trace of an event', 'flow'],
      ['flow/1/3', '/shop/sale', 'm-1', null, undefined],
    ],
  )
  assert.deepEqual([host.entryId(), host.endsBehind()], [41, [{ do: 'ends behind', id: 1 }]])
})

test('a flow that another one starts is queued where the flows of its context run one after the other', () => {
  const { all } = making()
  const { host } = all.runOf(spec(), all.rowOf(spec(), message))
  const started = (serial: boolean) => host.newFlow(spec({ name: 'next', serial }), { order: 'o-2' }, 'flow/1/1')
  assert.deepEqual([started(false).state, started(true).state], ['running', 'queued'])
  assert.deepEqual([started(true).mediator, started(true).context], ['next', 'o-2'])
})

test('the beginning of a flow is decoded, unless the app no longer has its version or its type', () => {
  const { all } = making()
  const row = all.rowOf(spec(), message)
  assert.deepEqual(all.beginningOf(row, spec()).data, { order: 'o-1' })
  assert.throws(() => all.beginningOf({ ...row, version: 1 } as FlowRow, spec()), {
    code: 'millrace/flow-mismatch',
    message: /flow 1 of mediator "sale" began with version 1/,
  })
  const unheard = Object.assign(encode(Placed, { order: 'o-1' }, stamp, 1_000), { type: 'unheard' })
  assert.throws(() => all.messageOf(unheard), { code: 'millrace/unknown-type' })
})

test('an error that no step awaits is logged with the flow', () => {
  const { all, logged } = making()
  all.runOf(spec(), all.rowOf(spec(), message)).host.late(new Error('forgotten'))
  const [[text, { code }]] = logged as [[string, { code: string }]]
  assert.equal(text, 'mediator "sale", flow 1, threw an error that no step awaits')
  assert.equal(code, 'millrace/late-error')
})
