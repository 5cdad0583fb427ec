import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import { coded } from '../../test/support.ts'
import { event, topic } from '../model/message.ts'
import { desk } from '../parts/desk.ts'
import { gather } from '../parts/gather.ts'
import { mediator } from '../parts/mediator.ts'
import { processor } from '../parts/processor.ts'
import { schedule } from '../parts/schedule.ts'
import { wire } from '../parts/wiring.ts'
import { numbersOf } from './options.ts'
import { type Given, planOf } from './plan.ts'

const Placed = event('placed', { schema: z.object({}) })
const Paid = event('paid', { schema: z.object({}) })
const Digested = event('digested', { schema: z.object({}) })
const [Orders, Payments] = [topic('orders', [Placed, Digested]), topic('payments', [Paid])]
const parts = [
  Orders,
  Payments,
  processor('ledger', { on: Orders, handle: { placed: () => {} } }),
  processor('labels', { on: Orders, handle: { placed: () => {} } }),
  gather('digest', { on: Orders, of: [Placed], publishes: Digested, count: 2, data: () => ({}) }),
  mediator('delivery', { on: Orders, startedBy: Placed, waits: [Paid], run: () => {} }),
  schedule('nightly', { cron: '0 2 * * *', publishes: Placed, data: {} }),
  desk('rules', { on: Orders, decide: {} }),
]
const wiring = wire('shop', parts)
const given: Given = { options: { name: 'shop' }, numbers: numbersOf({ name: 'shop' }), accepted: () => {} }
const names = (specs: readonly { readonly name: string }[]) => specs.map(({ name }) => name)

test('a plan without only runs every part, leaves none out, and tells which are new or gone', () => {
  const plan = planOf(given, wiring, { only: undefined, waitMs: 5 })
  assert.deepEqual(names(plan.processors), [
    'ledger',
    'labels',
    'digest',
    'digest.due',
    'delivery',
    'delivery.payments',
  ])
  assert.deepEqual(plan.leftOut, [])
  assert.deepEqual([...names(plan.schedules), ...names(plan.mediators)], ['nightly', 'delivery'])
  assert.equal(plan.tellsChanges, true)
  assert.equal(plan.waitMs, 5)
  assert.deepEqual(
    plan.destinations.map(({ name }) => name),
    ['orders', 'payments', 'digest.due', 'failures'],
  )
})

test('a plan with only runs these parts with all their processors, and leaves the others out', () => {
  const plan = planOf(given, wiring, { only: ['delivery', 'digest'], waitMs: 0 })
  assert.deepEqual(names(plan.processors), ['digest', 'digest.due', 'delivery', 'delivery.payments'])
  assert.deepEqual(names(plan.leftOut), ['ledger', 'labels'])
  assert.deepEqual([...names(plan.schedules), ...names(plan.mediators)], ['delivery'])
  assert.equal(plan.tellsChanges, false)
})

test('each processor has the rules of the desk of its topic, running or left out', () => {
  const { processors, leftOut } = planOf(given, wiring, { only: ['ledger', 'delivery'], waitMs: 0 })
  const deskOf = new Map([...processors, ...leftOut].map(({ name, desk }) => [name, desk?.name]))
  assert.equal(deskOf.get('ledger'), 'rules')
  assert.equal(deskOf.get('labels'), 'rules')
  assert.equal(deskOf.get('delivery.payments'), undefined)
})

test('a name that no running part has is refused, with the nearest', () => {
  const plan = () => planOf(given, wiring, { only: ['ledgr'], waitMs: 0 })
  assert.throws(
    plan,
    coded('millrace/unknown-part', /^app "shop" has no part "ledgr" that runs; did you mean "ledger"/),
  )
  assert.throws(() => planOf(given, wiring, { only: ['rules'], waitMs: 0 }), coded('millrace/unknown-part'))
})
