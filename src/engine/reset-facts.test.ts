import assert from 'node:assert/strict'
import test from 'node:test'
import { coded } from '../../test/support.ts'
import type { CountedSlice, LogReads } from '../seam/log.ts'
import { type FactsReads, factsOf, type ResetTo, sentSince } from './reset-facts.ts'

const nothing = { held: 0, tried: 0, inLine: 0, left: 0, gathered: 0 }
/** A stream that keeps the positions 4 to 20, one a second; 9, 11 and 12 are done above the low-water 8. */
const log = {
  first: async () => 4,
  positionBefore: async (_: number, ms: number) => Math.min(20, Math.ceil(ms / 1_000) - 1),
} as unknown as LogReads
const reads = { log, desk: { endedByReset: async () => nothing } } as unknown as FactsReads
const row = { processor: 'p', stream: 1, epoch: 1, low: 8, done: Uint8Array.of(0b1101) }
const facts = async (to: ResetTo) => {
  const { begins, again, skipped } = await factsOf(reads, { row, head: 20 }, to)
  return { begins, again, skipped }
}

test('messages handled again and passed over are counted by position, with those done above the low-water', async () => {
  assert.deepEqual(await facts('beginning'), { begins: 4, again: 8, skipped: 0 })
  assert.deepEqual(await facts(9), { begins: 9, again: 3, skipped: 0 })
  assert.deepEqual(await facts(12), { begins: 12, again: 1, skipped: 1 })
  assert.deepEqual(await facts('now'), { begins: 21, again: 0, skipped: 9 })
  assert.deepEqual(await facts(new Date(6_000)), { begins: 6, again: 6, skipped: 0 })
  assert.deepEqual(await facts(new Date(0)), { begins: 4, again: 8, skipped: 0 })
})

test('a position has to be one that is kept, or the next', async () => {
  await assert.rejects(facts(3), coded('millrace/bad-position', /position 3 is not kept: the oldest one is 4/))
  await assert.rejects(facts(22), coded('millrace/bad-position', /position 22 does not exist yet: the next one is 21/))
  assert.equal((await facts(21)).begins, 21)
})

test('messages sent by a part are counted slice by slice, of its source and its types, since the position', async () => {
  const asked: unknown[] = []
  const slices: Record<number, CountedSlice> = {
    5: {
      counts: [
        ['paid', 2],
        ['other', 9],
      ],
      upTo: 2_005,
    },
    2005: { counts: [['paid', 1]], upTo: undefined },
  }
  const sent = await sentSince(
    {
      log: {
        read: async () => [{ time: 77 }],
        positionBefore: async (stream: number, ms: number) => asked.push([stream, ms]) && 5,
        count: async (_: number, source: string, after: number) => asked.push(source) && slices[after]!,
      } as unknown as LogReads,
      streamOf: (name) => ({ orders: 1, payments: 2 })[name],
      pause: async () => void asked.push('pause'),
    },
    { destination: 'orders', begins: 3 },
    {
      source: '/shop/bill',
      types: [
        { type: 'paid', destination: 'payments' },
        { type: 'refunded', destination: 'payments' },
      ],
    },
  )
  assert.deepEqual(sent, [{ type: 'paid', count: 3 }])
  assert.deepEqual(asked, [[2, 77], '/shop/bill', 'pause', '/shop/bill'])
})
