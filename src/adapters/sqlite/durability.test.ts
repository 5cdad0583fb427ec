import assert from 'node:assert/strict'
import test from 'node:test'
import type { Synced } from './disk.ts'
import { Durability } from './durability.ts'

test('a read waits for the sync under way, and learns how much of the disk is free', async () => {
  const sync = Promise.withResolvers<Synced>()
  const durability = new Durability({ sync: () => sync.promise, freeBytes: () => 7 }, () => assert.fail())
  const order: string[] = []
  const done = durability.sync().then(() => order.push('synced'))
  const read = durability.reached.then(() => order.push('read'))
  assert.deepEqual(order, [])
  sync.resolve({ freeBytes: 5 })
  await Promise.all([done, read])
  assert.deepEqual(order, ['synced', 'read'])
  assert.equal(durability.freeBytes, 5)
  assert.deepEqual([durability.measure(), durability.freeBytes], [7, 7])
})

test('after a sync that failed every read rejects with its error, and the store hears of it once', async () => {
  const failed: unknown[] = []
  const lost = new Error('the disk is gone')
  const durability = new Durability({ sync: () => Promise.reject(lost), freeBytes: () => 0 }, (error) =>
    failed.push(error),
  )
  await assert.rejects(durability.sync(), lost)
  await assert.rejects(durability.reached, lost)
  await assert.rejects(durability.reached, lost)
  assert.deepEqual(failed, [lost])
})

test('before the first sync everything is durable', async () => {
  await new Durability({ sync: assert.fail, freeBytes: () => 0 }, () => assert.fail()).reached
})
