// A few seeds behind a store that is far away; `far.deep.test.ts` runs many.
import assert from 'node:assert/strict'
import test from 'node:test'
import { noFarCounts } from '../support/far-store.ts'
import { proveEngine } from './engine.ts'

test('random applications keep every promise behind a store that is far away', async () => {
  const far = noFarCounts()
  await proveEngine([1, 2, 3, 4], { far })
  assert(far.known > 0 && far.first > 0)
})
