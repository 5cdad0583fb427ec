import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import type { DeskEntry } from '../../model/desk.ts'
import { Delivery, endOf } from './delivery.ts'

const message = { id: 'm-1', type: 'placed', context: null } as Stored

test('a message from the log begins without attempts, one at the desk with those that it has had', () => {
  const fresh = new Delivery(message, undefined)
  assert.deepEqual([fresh.attempts, fresh.tries, fresh.entry], [0, [], undefined])
  const tries = [{ at: 5 }]
  const entry = { id: 7, attempts: 3, tries } as unknown as DeskEntry
  const again = new Delivery(message, entry)
  assert.deepEqual([again.attempts, again.tries, again.entry], [3, tries, entry])
})

test('the end of an attempt names the message and the number of the attempt', () => {
  const delivery = new Delivery(message, undefined)
  delivery.attempts = 2
  const common = { processor: 'stock', type: 'placed', id: 'm-1', context: undefined }
  assert.deepEqual(endOf('stock', delivery, { outcome: 'handled' }), {
    ...common,
    attempt: 2,
    outcome: 'handled',
    error: undefined,
    nextInMs: undefined,
  })
  const { attempt, nextInMs } = endOf('stock', delivery, { outcome: 'failed' as never, attempt: 1, nextInMs: 50 })
  assert.deepEqual([attempt, nextInMs], [1, 50])
})
