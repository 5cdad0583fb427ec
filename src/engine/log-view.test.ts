import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../model/codec.ts'
import { RecentMessages } from './commit/recent-messages.ts'
import { LogView } from './log-view.ts'

const message = (position: number) => ({ position, json: '{}' }) as Stored

/** A stream with ten messages on disk, of which the newest may be in memory; the last two are not durable. */
function view({ head = 8, inMemory = 0 } = {}) {
  const recent = new RecentMessages(head - inMemory)
  for (let position = head - inMemory + 1; position <= head; position++) recent.push(message(position))
  const reads: unknown[][] = []
  const log = {
    read: async (stream: number, after: number, limit: number) => {
      reads.push([stream, after, limit])
      return Array.from({ length: 10 - after }, (_, n) => message(after + n + 1)).slice(0, limit)
    },
  }
  return { view: new LogView({ ids: new Map([['orders', 3]]), recent: () => recent }, log), reads }
}

const positions = async (found: Promise<readonly Stored[]>) => (await found).map(({ position }) => position)

test('messages in memory are given without a read', async () => {
  const { view: log, reads } = view({ inMemory: 4 })
  assert.equal(log.head('orders'), 8)
  assert.deepEqual(await positions(log.after('orders', 5, 2)), [6, 7])
  assert.deepEqual(await positions(log.after('orders', 6, 10)), [7, 8])
  assert.deepEqual(reads, [])
})

test('older ones are read, and what is not durable is left out', async () => {
  const { view: log, reads } = view({ inMemory: 2 })
  assert.deepEqual(await positions(log.after('orders', 1, 3)), [2, 3, 4])
  assert.deepEqual(await positions(log.after('orders', 1, 100)), [2, 3, 4, 5, 6, 7, 8])
  assert.deepEqual(reads, [
    [3, 1, 3],
    [3, 1, 100],
  ])
})

test('from the newest on there is nothing, and nothing is read', async () => {
  const { view: log, reads } = view()
  assert.deepEqual(await log.after('orders', 8, 10), [])
  assert.deepEqual(await log.after('orders', 90, 10), [])
  assert.deepEqual(reads, [])
})
