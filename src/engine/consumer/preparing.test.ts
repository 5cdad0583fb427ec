import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import type { DeskEntry } from '../../model/desk.ts'
import type { Mark } from '../commit/writes.ts'
import { Delivery } from './delivery.ts'
import { DeskLane } from './desk-lanes.ts'
import { Preparing, type PreparingHost } from './preparing.ts'
import type { Status } from './status.ts'

function preparing(entry: DeskEntry | undefined, needsMark = false) {
  const told: unknown[] = []
  const marks: Mark[] = []
  const is = { status: 'running' as Status, slots: 0 }
  const host = {
    name: 'p',
    stream: 3,
    status: () => is.status,
    attempts: { reserve: () => void is.slots++, release: () => void is.slots-- },
    recovery: { needsMark: () => needsMark },
    desk: { drop: ({ headId }) => void told.push('drop', headId) },
    lanes: { again: () => void told.push('again') },
    entry: async () => entry,
    mark: (mark) => void marks.push(mark),
    start: (delivery) => void told.push('start', delivery.entry?.id ?? delivery.message.position),
    pump: () => {},
    maybeIdle: () => void told.push('idle?'),
    cannotRead: () => assert.fail('no read fails'),
  } as PreparingHost
  return { preparing: new Preparing(host), told, marks, is }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const entry = { id: 7, message: {}, attempts: 0, tries: [] } as unknown as DeskEntry
const message = () => new Delivery({ position: 5 } as Stored, undefined)

test('the head of a lane that is on disk only is read, and takes a slot until then', async () => {
  const { preparing: all, told, is } = preparing(entry)
  const lane = new DeskLane('a', { id: 7, place: 7 })
  all.begin(lane)
  assert.equal(is.slots, 1)
  await turn()
  assert.deepEqual([told, is.slots, lane.entry], [['start', 7, 'idle?'], 0, entry])
})

test('a lane whose head is not at the desk is dropped', async () => {
  const { preparing: all, told } = preparing(undefined)
  all.begin(new DeskLane('a', { id: 7, place: 7 }))
  await turn()
  assert.deepEqual(told, ['drop', 7, 'idle?'])
})

test('a marked start begins when the mark is on disk, unless the processor was paused or stopped in between', () => {
  for (const [status, follows] of [
    ['running', ['start', 5]],
    ['paused', ['again']],
    ['stopped', []],
  ] as const) {
    const { preparing: all, told, marks, is } = preparing(undefined, true)
    all.begin(message())
    assert.deepEqual([marks[0]!.position, marks[0]!.stream, is.slots, told], [5, 3, 1, []])
    is.status = status
    marks[0]!.written()
    assert.deepEqual([told, is.slots], [follows, 0])
  }
})
