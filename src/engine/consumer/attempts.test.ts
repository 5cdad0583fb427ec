import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import type { AttemptHost } from './attempt.ts'
import { Attempts } from './attempts.ts'
import { Concurrency } from './concurrency.ts'
import { Delivery } from './delivery.ts'

const event = { kind: 'event', name: 'placed', secret: [] }
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

function attempts(concurrency = 2) {
  const told: string[] = []
  const later: (() => void)[] = []
  const logged: string[] = []
  const gone: (Promise<void> | undefined)[] = []
  const all = new Attempts({
    spec: { name: 'p', timeoutMs: 100, lingerMs: 50 },
    concurrency: new Concurrency(concurrency),
    world: {
      elapsed: () => 0,
      after: (_: number, fn: () => void) => void later.push(fn),
      guard: (_owner: unknown, fn: (a: unknown, b: unknown) => unknown, a: unknown, b: unknown) => fn(a, b),
      log: (_: string, text: string) => void logged.push(text),
    } as never,
    processor: { name: 'p', callback: (_: unknown, fn: () => unknown) => fn() } as AttemptHost,
    watch: () => void told.push('watch'),
    returned: ({ message }) => void told.push(`${message.id} returned`),
    failed: ({ message }, error, ends) => {
      told.push(`${message.id} failed: ${(error as Error).message}`)
      gone.push(ends)
    },
    pump: () => {},
  })
  const begin = (id: string, handle: () => unknown, startedAt = 0) => {
    const delivery = new Delivery({ id, type: 'placed', attributes: null } as Stored, undefined)
    all.begin(delivery, { type: event, handle } as never, {} as never, startedAt)
    return delivery
  }
  return { all, begin, told, later, logged, gone }
}

test('an attempt takes a slot until its handler has ended, and is told of once', async () => {
  const { all, begin, told } = attempts()
  const { promise, resolve } = Promise.withResolvers<void>()
  begin('a', () => promise)
  begin('b', () => {
    throw new Error('no')
  })
  assert.deepEqual([all.taken, all.hasRoom], [1, true])
  resolve()
  await turn()
  assert.deepEqual(told, ['watch', 'watch', 'b failed: no', 'a returned'])
  assert.deepEqual([all.taken, all.first], [0, undefined])
})

test('an attempt whose time is over fails at once, keeps its slot, and counts for nothing at its end', async () => {
  const { all, begin, told, gone } = attempts(1)
  const { promise, resolve } = Promise.withResolvers<void>()
  begin('a', () => promise)
  all.expireOverdue(99)
  assert.equal(all.stuck, false)
  all.expireOverdue(100)
  assert.match(told[1]!, /a failed: an attempt of processor "p" took longer than 100 ms/)
  assert.deepEqual([all.taken, all.counting, all.stuck, all.hasRoom], [1, 0, true, false])
  resolve()
  await gone[0]
  await turn()
  assert.deepEqual([all.taken, all.stuck, told.length], [0, false, 2])
})

test('the next attempt waits for an expired one, but no longer than it may linger', async () => {
  const { all, begin, later, gone } = attempts()
  const never = Promise.withResolvers<void>()
  begin('a', () => never.promise)
  all.expireOverdue(100)
  all.outlives(7, gone[0]!)
  const order: string[] = []
  all.whenGone(8, () => void order.push('8'))
  all.whenGone(7, () => void order.push('7'))
  assert.deepEqual([order, all.isWaitedFor], [['8'], true])
  later[0]!()
  await turn()
  assert.deepEqual([order, all.isWaitedFor], [['8', '7'], false])
})

test('an error that comes outside the promise of a handler fails its attempt; after the end it is logged', async () => {
  const { all, begin, told, logged } = attempts()
  const { promise, resolve } = Promise.withResolvers<void>()
  begin('a', () => promise)
  const first = all.first!
  all.late(first, new Error('late'))
  resolve()
  await turn()
  all.late(first, new Error('later'))
  assert.deepEqual(told.slice(1), ['a failed: late'])
  assert.deepEqual(logged, ['processor "p" threw after its attempt had ended'])
})

test('the attempt at a withdrawn command is fenced; it is no failure', () => {
  const { all, begin, told } = attempts()
  const delivery = begin('a', () => new Promise(() => {}))
  assert.equal(all.fenceMessage('b', new Error('gone on')), undefined)
  assert.equal(all.fenceMessage('a', new Error('gone on'))?.delivery, delivery)
  assert.deepEqual([told, all.first, all.counting], [['watch'], undefined, 0])
})
