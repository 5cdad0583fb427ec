import assert from 'node:assert/strict'
import test from 'node:test'
import { command, event, mediator, Refused } from 'millrace'
import { z } from 'zod'
import type { JournalEntry } from '../model/flow.ts'
import { Script, scripted } from './flow-script.ts'

const Placed = event('order.placed', { schema: z.object({}) })
const Paid = event('order.paid', { schema: z.object({}) })
const Take = command('stock.take', { schema: z.object({}), reply: z.object({ left: z.number() }) })
const Other = command('stock.other', { schema: z.object({}) })
const sale = mediator('sale', { startedBy: Placed, sends: [Take], waits: [Paid], run: () => {} })

const entry = (step: string) => ({ kind: 'call', step, what: 'stock.take' }) as JournalEntry

test('a line for a step comes before the line for its type, and each counts by itself', () => {
  const script = new Script(sale)
  script.put(
    Take,
    'sends',
    scripted((_: unknown, times: number) => ({ left: times }), Take),
  )
  script.put('second', undefined, scripted('by name'))
  const ends = ['first', 'second', 'third'].map((step) => script.endOf(entry(step), {}))
  assert.deepEqual(ends, [
    { ok: true, value: { left: 0 } },
    { ok: true, value: 'by name' },
    { ok: true, value: { left: 1 } },
  ])
})

test('a line may refuse or fail, but its reply fits the schema', () => {
  const refuses = () => {
    throw new Refused('sold out', { left: 0 })
  }
  assert.deepEqual(scripted(refuses)({}, 0), { ok: false, code: 'refused', message: 'sold out', data: { left: 0 } })
  const fails = () => {
    throw new Error('down')
  }
  assert.equal((scripted(fails)({}, 0) as { code: string }).code, 'millrace/subflow-failed')
  assert.throws(() => scripted({ left: 'few' }, Take)({}, 0), { code: 'millrace/bad-data' })
})

test('a script names only what the mediator may send and wait for', () => {
  const script = new Script(sale)
  assert.throws(() => script.put(Other, 'sends', scripted(1)), { code: 'millrace/undeclared' })
  assert.throws(() => script.happens(Placed, {}), { code: 'millrace/undeclared' })
  script.happens(Paid, {})
  assert.deepEqual(script.events, [{ type: Paid, data: {} }])
})
