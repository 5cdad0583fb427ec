import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import type { Job } from '../commit/writes.ts'
import { Delivery } from './delivery.ts'
import { changed, DeskWrites, type DeskWritesHost } from './desk-writes.ts'

const message = { id: 'm1', type: 'placed', context: 'a', position: 7 } as Stored

function writes() {
  const jobs: Job[] = []
  const left: Stored[] = []
  const host: DeskWritesHost = {
    name: 'p',
    appVersion: undefined,
    follower: {} as never,
    now: () => 5,
    nextNumber: () => 11,
    write: (job) => void jobs.push(job),
    left: (one) => void left.push(one),
    resolved: (_, state) => [{ id: state } as Stored],
  }
  return { writes: new DeskWrites(host), host, jobs, left }
}

test('the first change brings a message to the desk in the commit that moves the position past it', () => {
  const { writes: desk, host, jobs, left } = writes()
  const delivery = new Delivery(message, undefined)
  const entry = desk.keep(delivery, { state: 'held', lane: 'a' }, ({ id }) => ({ requests: [{ id } as never] }))
  assert.deepEqual([entry.id, entry.place, entry.state, entry.heldAt], [11, 11, 'held', 5])
  assert.deepEqual(jobs, [
    { requests: [{ id: 11 }], consumer: host.follower, position: 7, changes: [{ do: 'put', entry }] },
  ])
  assert.deepEqual([left, delivery.entry], [[message], entry])
})

test('a later change makes a new entry, names the lane that it leaves, and moves no position', () => {
  const { writes: desk, jobs, left } = writes()
  const delivery = new Delivery(message, undefined)
  const first = Object.freeze(desk.keep(delivery, { lane: 'a' }, () => ({})))
  delivery.entry = first
  const second = desk.keep(delivery, { lane: null, state: 'held' }, () => ({ changes: [{ do: 'granted', item: 11 }] }))
  assert.equal(first.lane, 'a')
  assert.equal(delivery.entry, second)
  assert.deepEqual(jobs[1], {
    changes: [
      { do: 'update', entry: second, leaves: 'a' },
      { do: 'granted', item: 11 },
    ],
  })
  assert.equal(left.length, 1)
})

test('a message that was held ends on record and is told of; any other leaves no trace', () => {
  const { writes: desk } = writes()
  const entry = desk.keep(new Delivery(message, undefined), {}, () => ({}))
  assert.deepEqual(desk.ending(entry), { changes: [{ do: 'remove', entry }], outgoing: [] })
  const held = changed(entry, { failures: 1 })
  const { changes, outgoing } = desk.ending(held)
  assert.deepEqual(changes[0], { do: 'resolve', entry: held, state: 'handled', at: 5 })
  assert.equal(changes[1]?.do === 'record' && changes[1].audit.action, 'handled')
  assert.deepEqual(outgoing, [{ id: 'handled' }])
})
