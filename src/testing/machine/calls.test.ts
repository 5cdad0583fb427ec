import assert from 'node:assert/strict'
import test from 'node:test'
import { Calls } from './calls.ts'

test('an interference with a message is told once, for its processor only', () => {
  const calls = new Calls()
  const message = { type: 'order.placed', id: '1' }
  calls.interfere('stock', message)
  assert.equal(calls.hasInterfered('cards', message), false)
  assert.equal(calls.hasInterfered('stock', { ...message, id: '2' }), false)
  assert.equal(calls.hasInterfered('stock', message), true)
  assert.equal(calls.hasInterfered('stock', message), false)
})

test('the owner of a call has the name that it was given last, others have none', () => {
  const calls = new Calls()
  const owner = {}
  calls.name(owner, 'processor "stock"')
  calls.name(owner, 'desk "orders"')
  assert.equal(calls.nameOf(owner), 'desk "orders"')
  assert.equal(calls.nameOf({}), undefined)
})
