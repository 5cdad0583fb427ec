import assert from 'node:assert/strict'
import test from 'node:test'
import { Stored } from '../../model/codec.ts'
import { RecentMessages } from '../commit/recent-messages.ts'
import { Progress } from './progress.ts'
import { Reader } from './reader.ts'

const messageAt = (position: number) => {
  const stamp = { stream: 1, id: `${position}`, ownId: false, source: '/a', time: 0, correlationId: '' }
  const message = new Stored('t', 1, { ...stamp, causationId: null, trace: null }, null, '{}')
  message.position = position
  return message
}

/** A reader of a stream with so many messages, of which memory has those after `onDiskUpTo`. */
function reading(head: number, onDiskUpTo: number, windowMessages = 100) {
  const recent = new RecentMessages(onDiskUpTo)
  for (let position = onDiskUpTo + 1; position <= head; position++) recent.push(messageAt(position))
  const taken: Stored[] = []
  const asked: [after: number, limit: number][] = []
  const ended = Promise.withResolvers<void>()
  const reader: Reader = new Reader(
    {
      progress: new Progress({ processor: 'p', stream: 1, epoch: 1, low: 0, done: null }),
      limits: { windowMessages, windowBytes: 1_000_000 },
      async read(after, limit) {
        asked.push([after, limit])
        const last = Math.min(onDiskUpTo, after + limit)
        return Array.from({ length: last - after }, (_, index) => messageAt(after + 1 + index))
      },
      take(message) {
        taken.push(message)
        reader.entered(message)
      },
      isPassedOver: () => false,
      save() {},
      taken() {},
      caughtUp() {
        if (reader.pull()) ended.resolve()
      },
      cannotRead: ended.reject,
    },
    recent,
  )
  const positions = () => taken.map(({ position }) => position)
  return { reader, taken, positions, asked, ended: ended.promise }
}

test('messages in memory are taken at once, in order, and the disk is not read', () => {
  const { reader, positions, asked } = reading(3, 0)
  assert.equal(reader.pull(), true)
  assert.deepEqual(positions(), [1, 2, 3])
  assert.equal(reader.isBehind, false)
  assert.deepEqual(asked, [])
})

test('messages that are not in memory are read from disk first, up to where memory begins', async () => {
  const { reader, positions, ended } = reading(6, 4)
  assert.equal(reader.pull(), false)
  assert.equal(reader.pull(), false, 'one read at a time')
  await ended
  assert.deepEqual(positions(), [1, 2, 3, 4, 5, 6])
  assert.equal(reader.isBehind, false)
})

test('a full window takes nothing until a message has left it', () => {
  const { reader, taken, positions } = reading(5, 0, 2)
  reader.pull()
  assert.deepEqual(positions(), [1, 2])
  assert.equal(reader.isFull, true)
  reader.left(taken[0]!)
  reader.pull()
  assert.deepEqual(positions(), [1, 2, 3])
})

test('from disk no more is read than the window has room for', async () => {
  const { reader, positions, asked, ended } = reading(9, 9, 4)
  reader.pull()
  await ended
  assert.deepEqual(positions(), [1, 2, 3, 4])
  assert.deepEqual(asked, [[0, 4]])
  assert.equal(reader.isFull, true)
})

test('a committed message that is not durable is taken ahead only by a reader that has had all before it', () => {
  const { reader, positions } = reading(2, 0)
  assert.equal(reader.pullAhead([messageAt(3)]), false)
  reader.pull()
  assert.equal(reader.pullAhead([messageAt(3)]), true)
  assert.deepEqual(positions(), [1, 2, 3])
})

test('a reader that was stopped takes nothing more', () => {
  const { reader, positions } = reading(3, 0)
  reader.stop()
  reader.pull()
  assert.deepEqual(positions(), [])
  assert.equal(reader.isFull, false)
})
