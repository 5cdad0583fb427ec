// What the engine counts of its parts, against what a test has counted itself.
import assert from 'node:assert/strict'
import test from 'node:test'
import {
  app,
  channel,
  command,
  event,
  histogramBoundsMs,
  mediator,
  type PartMetrics,
  processor,
  Refused,
  sqlite,
  topic,
} from 'millrace'
import { z } from 'zod'
import { millrace, objectsOf } from './cli/support/millrace.ts'
import { coded, place, started } from './support.ts'

const schema = z.object({ n: z.number() })
const Moved = event('moved', { schema })
const Moves = topic('moves', [Moved])
const Move = command('move', { schema })
const Orders = channel('orders', [Move])

const countsOf = ({ counts: { handled, failed, refused } }: PartMetrics) => ({ handled, failed, refused })

test('handled, failed and refused attempts are counted where they ended, with a duration each', async (t) => {
  const calls = new Map<number, number>()
  const moves = processor('moves', {
    on: Moves,
    retry: { attempts: 3, firstDelayMs: 1, maxDelayMs: 1 },
    handle: {
      moved: ({ data: { n } }, { commit }) => {
        const call = (calls.get(n) ?? 0) + 1
        calls.set(n, call)
        if (n === 1 && call < 3) throw new Error('not yet')
        if (n === 2) throw new Error('never')
        if (n === 3) throw new Refused('no')
        return commit(() => {
          if (n === 4 && call === 1) throw new Error('the commit fails')
        })
      },
    },
  })
  const orders = processor('orders-served', {
    on: Orders,
    handle: {
      move: () => {
        throw new Refused('no')
      },
    },
  })
  const flows = mediator('flows', { on: Moves, startedBy: Moved, run: async () => {} })
  const file = place(t)
  const one = app({ name: 'bank', broker: sqlite({ file }), log: () => {}, parts: [moves, orders, flows] })
  await assert.rejects(one.metrics(), coded('millrace/not-started'))
  await started(t, one)
  const begun = await one.metrics()
  assert(begun.parts.every(({ counts }) => counts.attempt.count === 0 && counts.criticalNewestMs === null))
  for (let n = 0; n < 6; n++) await one.publish(Moved, { n })
  await assert.rejects(one.request(Move, { n: 1 }), /no/)
  await one.idle()
  const { at, since, parts } = await one.metrics()
  assert(since <= at && since === begun.since)
  const of = (name: string) => parts.find((part) => part.name === name)!
  assert.deepEqual(countsOf(of('moves')), { handled: 4, failed: 2 + 3 + 1, refused: 1 })
  assert.deepEqual(countsOf(of('orders-served')), { handled: 0, failed: 0, refused: 1 })
  assert.deepEqual(countsOf(of('flows')), { handled: 6, failed: 0, refused: 0 })
  assert.deepEqual(of('flows').part, { kind: 'mediator', name: 'flows' })
  for (const { name, counts } of parts) {
    const { handled, failed, refused, attempt, critical, criticalNewestMs } = counts
    assert.equal(attempt.count, handled + failed + refused, name)
    assert.equal(critical.count, handled, name)
    for (const { count, sumMs, buckets } of [attempt, critical]) {
      assert.equal(buckets.length, histogramBoundsMs.length + 1)
      assert.equal(
        buckets.reduce((sum, one) => sum + one, 0),
        count,
      )
      assert(sumMs >= 0)
    }
    assert.equal(criticalNewestMs === null, handled === 0, name)
  }
  const { on, state, lag, running, held } = of('moves')
  assert.deepEqual({ on, state, lag, running, held }, { on: 'moves', state: 'live', lag: 0, running: 0, held: 2 })
  const [listed] = (await one.processors.list()).filter(({ name }) => name === 'moves')
  assert.deepEqual(listed!.counts, of('moves').counts)
  const { out } = await millrace(['processors', '--db', file, '--json'])
  const [shown] = objectsOf(out).filter(({ name }) => name === 'moves')
  assert.deepEqual(shown!['counts'], of('moves').counts)
  await one.stop()
  await assert.rejects(one.metrics(), coded('millrace/not-started'))
  const [stopped] = objectsOf((await millrace(['processors', '--db', file, '--json'])).out)
  assert.equal(stopped!['counts'], null)
})

test('a reset of a processor does not take its counts away, a start does', async (t) => {
  const moves = processor('moves', { on: Moves, handle: { moved: () => {} } })
  const one = await started(t, app({ name: 'bank', broker: sqlite({ file: place(t) }), log: () => {}, parts: [moves] }))
  for (let n = 0; n < 5; n++) await one.publish(Moved, { n })
  await one.idle()
  await one.processors.reset('moves', { to: 'beginning' })
  await one.idle()
  assert.equal((await one.metrics()).parts[0]!.counts.handled, 10)
  await one.stop()
  await one.start()
  await one.idle()
  assert.equal((await one.metrics()).parts[0]!.counts.handled, 0)
})
