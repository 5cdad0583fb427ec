import assert from 'node:assert/strict'
import test from 'node:test'
import { FlowNumbers } from './numbers.ts'

test('numbers continue behind those that the take-over has found, each kind by itself', () => {
  const numbers = new FlowNumbers()
  numbers.takeOver({ flow: 3, entry: 1_024, mail: 0 })
  assert.deepEqual([numbers.newFlow(), numbers.newEntry(), numbers.newEntry(), numbers.newMail()], [4, 1_025, 1_026, 1])
})
