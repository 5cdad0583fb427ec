import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import type { Stored } from '../model/codec.ts'
import { channel, command, event, topic } from '../model/message.ts'
import type { StartAt, StreamInfo } from '../model/streams.ts'
import type { LogStore } from '../seam/log.ts'
import { Streams, startOf } from './streams.ts'

const Placed = event('placed', { schema: z.object({}) })
const Ship = command('ship', { schema: z.object({}) })
const known: readonly StreamInfo[] = [
  { id: 1, kind: 'topic', name: 'orders', head: 4 },
  { id: 2, kind: 'channel', name: 'shipping', head: 0 },
  { id: 3, kind: 'channel', name: 'gone', head: 9 },
]

function streams() {
  const told: string[] = []
  const host = {
    accepted: ({ position }: Stored) => void told.push(`accepted ${position}`),
  }
  return { told, made: new Streams(known, [topic('orders', [Placed]), channel('shipping', [Ship])], host) }
}

const message = (fields: Partial<Stored>) => ({ stream: 1, position: 5, due: 0, json: '{}', ...fields }) as Stored

test('a type is on the stream of its topic or channel', () => {
  const { made } = streams()
  assert.deepEqual([made.ofTypes.get(Placed), made.ofTypes.get(Ship)], [1, 2])
  assert.equal(made.of({ name: 'shipping' }), 2)
})

test('messages that arrive get their positions, and are the newest of their streams', () => {
  const { made, told } = streams()
  const messages = [1, 2, 1].map((stream) => message({ stream, position: 0 }))
  const grown = made.arrived(messages, [5, 1, 6])
  assert.deepEqual([...grown].sort(), [1, 2])
  assert.deepEqual([made.recent(1).head, made.recent(2).head], [6, 1])
  assert.deepEqual(told, ['accepted 5', 'accepted 1', 'accepted 6'])
})

test('streams are idle when all appends of the run have arrived, with any other arrivals', () => {
  const { made } = streams()
  assert(made.idle)
  made.appended([message({ position: 6 }), message({ stream: 2, position: 1 })])
  made.arrived([message({ stream: 2 }), message({})], [1, 5])
  assert(!made.idle)
  made.arrived([message({})], [6])
  assert(made.idle)
})

test('a new processor begins where its start says', async () => {
  const log = { head: async () => 9, first: async () => 4, positionBefore: async (_: number, ms: number) => ms }
  const at = (startAt: StartAt) => startOf(log as unknown as LogStore, 1, startAt)
  assert.deepEqual([await at('now'), await at('beginning'), await at(new Date(7))], [9, 3, 7])
})

test('the position of a processor tells the number of messages after it', () => {
  const { made } = streams()
  const row = { processor: 'ledger', stream: 1, epoch: 1, low: 3, done: null }
  assert.deepEqual(made.positions([row]), [{ processor: 'ledger', destination: 'orders', low: 3, lag: 1 }])
})

test('channels are all streams but the topics of the app, also those that the app does not have', () => {
  const { made } = streams()
  const rows = [1, 2, 3].map((stream) => ({ processor: 'p', stream, epoch: 1, low: 2, done: null }))
  assert.deepEqual(made.channels(rows), [
    { stream: 2, low: 2, head: 0 },
    { stream: 3, low: 2, head: 9 },
  ])
})
