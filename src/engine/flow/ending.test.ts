import assert from 'node:assert/strict'
import test from 'node:test'
import { Ending } from './ending.ts'

test('the first end of a function counts', () => {
  const ending = new Ending('sale')
  ending.cancelled('by ada')
  ending.ended({ ok: true, value: 1 })
  assert.equal(ending.function?.ok, false)
  assert.deepEqual(ending.failure, { code: 'millrace/flow-cancelled', message: 'by ada' })
})

test('a result that JSON does not carry is a failure', () => {
  const ending = new Ending('sale')
  ending.ended({ ok: true, value: 1n })
  assert.equal(ending.function?.ok, false)
  assert.match(String(ending.function.value), /result of mediator "sale"/)
})

test('a function may return nothing', () => {
  const ending = new Ending('sale')
  ending.ended({ ok: true, value: undefined })
  assert.deepEqual(ending.function, { ok: true, value: undefined })
})

test('people see the obstacle before the failure', () => {
  const ending = new Ending('sale')
  ending.failed({ ok: false, value: new Error('first') })
  ending.failed({ ok: false, value: new Error('second') })
  assert.equal(ending.error?.message, 'first')
  ending.obstacle = { code: 'Error', message: 'undo' }
  assert.equal(ending.error?.message, 'undo')
})
