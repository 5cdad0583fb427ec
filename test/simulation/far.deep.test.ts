// The engine proven behind a store that is far away, which gives what SQLite hardly gives.
import assert from 'node:assert/strict'
import test from 'node:test'
import { noFarCounts } from '../support/far-store.ts'
import { proveEngine } from './engine.ts'

const seeds = 200

test('two hundred random applications keep every promise behind a store that is far away', async () => {
  const far = noFarCounts()
  const report = await proveEngine(
    Array.from({ length: seeds }, (_, index) => index + 1),
    { far },
  )
  assert.equal(report.seeds, seeds)
  for (const [what, count] of Object.entries(far)) assert(count >= seeds / 2, `${what} came ${count} times only`)
})
