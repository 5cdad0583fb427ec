import assert from 'node:assert/strict'
import test from 'node:test'
import { BesideCommits, type BesideNeeds, writeDurably } from './beside-commits.ts'

const busy = Object.assign(new Error('database is locked'), { errcode: 5 })

/** What is beside a connection that the test plays. */
function played({ isOpen = true }: { readonly isOpen?: boolean } = {}) {
  const order: string[] = []
  const sync = Promise.withResolvers<void>()
  const needs: BesideNeeds = {
    file: 'a.db',
    lock: {
      run: async (take) => take(),
      read: async (read) => {
        order.push('again')
        return read()
      },
    },
    durability: { sync: () => sync.promise, reached: sync.promise },
    checkpoints: { wrote: () => {} },
    connection: {
      isOpen,
      transaction: (fn) => {
        order.push('begin')
        const value = fn()
        order.push('commit')
        return value
      },
    },
  }
  return { beside: new BesideCommits(needs), order, sync }
}

test('a read waits until all that it shows is durable', async () => {
  const { beside, order, sync } = played()
  const read = beside.durable(() => order.push('read'))
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(order, [])
  sync.resolve()
  await read
  assert.deepEqual(order, ['read'])
})

test('a read that meets a lock is repeated by way of the lock', async () => {
  const { beside, order, sync } = played()
  sync.resolve()
  let tries = 0
  const value = await beside.durable(() => {
    if (++tries === 1) throw busy
    return 'found'
  })
  assert.deepEqual([value, order], ['found', ['again']])
})

test('a write is one transaction, and durable on request', async () => {
  const { beside, order, sync } = played()
  assert.equal(await beside.write(() => 7), 7)
  const durable = writeDurably(beside, () => 8).then((value) => order.push(`durable ${value}`))
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(order, ['begin', 'commit', 'begin', 'commit'])
  sync.resolve()
  await durable
  assert.equal(order.at(-1), 'durable 8')
})

test('a failure of the disk is an error with a code; nothing is read or written once the file is closed', async () => {
  const { beside } = played()
  const full = Object.assign(new Error('database or disk is full'), { errcode: 13 })
  await assert.rejects(
    beside.write(() => {
      throw full
    }),
    { code: 'millrace/disk-full' },
  )
  const closed = played({ isOpen: false })
  closed.sync.resolve()
  await assert.rejects(closed.beside.write(assert.fail), { code: 'millrace/not-started' })
  await assert.rejects(closed.beside.durable(assert.fail), { code: 'millrace/not-started' })
})
