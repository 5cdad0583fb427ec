import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import type { DeskEntry } from '../../model/desk.ts'
import type { Job } from '../commit/writes.ts'
import { Delivery } from './delivery.ts'
import { DeskLanes } from './desk-lanes.ts'

const entryOf = (id: number, fields: Partial<DeskEntry> = {}) =>
  Object.freeze({ id, place: id, lane: 'a', state: 'line', message: { context: 'a' }, ...fields }) as DeskEntry

function lanes() {
  const ready: (number | undefined)[] = []
  const jobs: Job[] = []
  const inLine: string[] = []
  const reads: { after: number; answer(entries: DeskEntry[]): void }[] = []
  let id = 100
  const desk = new DeskLanes({
    heldContextsMax: 10,
    windowMessages: 100,
    writes: {
      keep: (delivery, fields, more) => {
        const entry = entryOf(delivery.entry?.id ?? ++id, { ...fields, message: delivery.message })
        jobs.push(more(entry))
        return entry
      },
    },
    nextNumber: () => ++id,
    line: (_context, after) => new Promise((answer) => void reads.push({ after, answer })),
    inLine: ({ id }) => void inLine.push(id),
    ready: (lane) => void ready.push(lane.entry?.id),
    pump: () => {},
    maybeIdle: () => {},
    cannotRead: () => assert.fail('no read fails'),
  })
  return { desk, ready, jobs, reads, inLine }
}
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const delivery = () => new Delivery({ context: 'a' } as Stored, undefined)

test('the lines of a lane have their turns in the order of their places, read from disk when they are needed', async () => {
  const { desk, ready, reads } = lanes()
  const lane = desk.begin({ id: 1, place: 1, lane: 'a' })
  desk.advance(lane)
  reads[0]!.answer([entryOf(2), entryOf(3)])
  await turn()
  assert.deepEqual([reads[0]!.after, ready, lane.entry?.state], [1, [2], 'trying'])
  desk.advance(lane)
  assert.deepEqual(ready, [2, 3])
  desk.advance(lane)
  reads[1]!.answer([])
  await turn()
  assert.deepEqual([reads[1]!.after, desk.has('a'), desk.idle], [3, 'no', true])
})

test('a lane that nothing joined opens without a read', () => {
  const { desk, reads } = lanes()
  const lane = desk.begin({ id: 1, place: 1, lane: 'a' })
  lane.mayHaveLine = false
  desk.advance(lane)
  assert.deepEqual([reads.length, desk.has('a')], [0, 'no'])
})

test('a lane waits for a message on its way into the line, and reads again when that is written', async () => {
  const { desk, ready, jobs, reads } = lanes()
  const lane = desk.begin({ id: 1, place: 1, lane: 'a' })
  desk.join(delivery())
  desk.advance(lane)
  reads[0]!.answer([])
  await turn()
  assert.deepEqual([lane.isStarved, desk.has('a')], [true, 'yes'])
  jobs[0]!.written?.([0])
  reads[1]!.answer([entryOf(101)])
  await turn()
  assert.deepEqual([lane.isStarved, ready], [false, [101]])
})

test('a message that is read before its way into the line is durable has its turn after that, once', async () => {
  const { desk, ready, jobs, reads } = lanes()
  const lane = desk.begin({ id: 1, place: 1, lane: 'a' })
  desk.join(delivery())
  desk.join(delivery())
  desk.advance(lane)
  reads[0]!.answer([entryOf(101, { state: 'trying' }), entryOf(102)])
  await turn()
  assert.deepEqual([lane.isStarved, ready], [true, []])
  jobs[0]!.written?.([101])
  reads[1]!.answer([entryOf(101), entryOf(102)])
  await turn()
  assert.deepEqual([ready, lane.line, desk.tried], [[101], [], 1])
  jobs[1]!.written?.([0])
  desk.advance(lane)
  reads[2]!.answer([entryOf(102)])
  await turn()
  assert.deepEqual(ready, [101, 102])
})

test('a message that the store made the head of its lane begins that lane; any other stays in line', () => {
  const { desk, ready, jobs } = lanes()
  desk.wait('a')
  desk.join(delivery())
  desk.join(delivery())
  jobs[1]!.written?.([0])
  assert.deepEqual([ready, desk.tried], [[], 0])
  jobs[0]!.written?.([101])
  assert.deepEqual([ready, desk.tried], [[101], 1])
})

test('a command of the app that is in line is told of once that is durable; one at the head of its lane is not', () => {
  const { desk, jobs, inLine } = lanes()
  const asked = (id: string) => new Delivery({ id, context: 'a', asked: 'app' } as Stored, undefined)
  desk.wait('a')
  desk.join(asked('head'))
  desk.join(asked('behind'))
  desk.join(delivery())
  assert.deepEqual(inLine, [])
  jobs[0]!.written?.([101])
  jobs[1]!.written?.([0])
  jobs[2]!.written?.([0])
  assert.deepEqual(inLine, ['behind'])
})

test('a lane becomes only what follows from its state', () => {
  const { desk } = lanes()
  const lane = desk.begin({ id: 1, place: 1, lane: 'a' })
  assert.throws(() => lane.become('starved'), /the lane is trying and cannot become starved/)
})

test('a message in line that is pinned has its turn when it is let go, as it is then, and so do those behind it', async () => {
  const { desk, ready, reads } = lanes()
  const lane = desk.begin({ id: 1, place: 1, lane: 'a' })
  desk.advance(lane)
  reads[0]!.answer([entryOf(2), entryOf(3), entryOf(4)])
  await turn()
  const third = { id: 3, place: 3, lane: 'a' }
  assert.deepEqual([desk.pin({ ...third, id: 2, place: 2 }), desk.pin(third)], [false, true])
  desk.advance(lane)
  reads[1]!.answer([entryOf(3), entryOf(4)])
  await turn()
  assert.deepEqual([reads[1]!.after, lane.isStarved, ready], [2, true, [2]])
  desk.unpin(third)
  reads[2]!.answer([entryOf(3, { corrections: 1 }), entryOf(4)])
  await turn()
  assert.deepEqual([reads[2]!.after, lane.entry?.corrections, ready], [2, 1, [2, 3]])
})

test('a line that was read before a message in it was changed is read again', async () => {
  const { desk, ready, reads } = lanes()
  const lane = desk.begin({ id: 1, place: 1, lane: 'a' })
  desk.advance(lane)
  const second = { id: 2, place: 2, lane: 'a' }
  desk.pin(second)
  desk.unpin(second)
  reads[0]!.answer([entryOf(2)])
  await turn()
  assert.deepEqual(ready, [])
  reads[1]!.answer([entryOf(2, { corrections: 1 })])
  await turn()
  assert.deepEqual([ready, lane.entry?.corrections], [[2], 1])
})
