import assert from 'node:assert/strict'
import test from 'node:test'
import type { RequestRow } from '../model/requests.ts'
import { statusOf } from './requests.ts'

const row: RequestRow = {
  id: 'r',
  type: 'do',
  state: 'waiting',
  item: null,
  behind: null,
  outcome: null,
  askedAt: 1,
  endedAt: null,
}
const asked = { id: 'r', command: 'do', askedAt: 1 }

test('a request that has not ended shows neither an end nor an outcome', () => {
  assert.deepEqual(statusOf(row), { ...asked, state: 'waiting' })
  assert.deepEqual(statusOf({ ...row, state: 'held', item: 4 }), { ...asked, state: 'held', item: 4 })
  assert.deepEqual(statusOf({ ...row, behind: 3 }), { ...asked, state: 'waiting', behind: 3 })
})

test('a request that has ended shows what its state says: a reply, a refusal or a reason', () => {
  const ended = (state: RequestRow['state'], outcome: unknown) => statusOf({ ...row, state, outcome, endedAt: 9 })
  const said = { message: 'no', code: 'sold-out' }
  assert.deepEqual(ended('replied', undefined), { ...asked, endedAt: 9, state: 'replied', reply: undefined })
  assert.deepEqual(ended('refused', said), { ...asked, endedAt: 9, state: 'refused', refusal: said })
  assert.deepEqual(ended('discarded', said), { ...asked, endedAt: 9, state: 'discarded', reason: 'no' })
  assert.deepEqual(ended('withdrawn', said), { ...asked, endedAt: 9, state: 'withdrawn', reason: 'no' })
})
