import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import type { DeskEntry } from '../../model/desk.ts'
import type { DeskHead } from '../../seam/desk.ts'
import { Delivery } from './delivery.ts'
import { DeskLane } from './desk-lanes.ts'
import { Lanes } from './lanes.ts'

function lanes(atDesk: 'yes' | 'no' | 'maybe' = 'no') {
  const ready: unknown[] = []
  const line: Delivery[] = []
  const answers: ((head: DeskHead | undefined) => void)[] = []
  const known = { atDesk }
  const lane = new DeskLane('a', { id: 1, place: 1 })
  const all = new Lanes({
    windowMessages: 10,
    desk: {
      has: () => known.atDesk,
      of: (entry) => (entry.lane === null ? undefined : lane),
      join: (delivery) => void line.push(delivery),
      begin: () => lane,
      advance: () => void ready.push('desk advances'),
    },
    writes: {
      keep: (delivery, fields) => {
        delivery.entry = { id: 1, place: 1, ...delivery.entry, ...fields } as DeskEntry
        return delivery.entry
      },
    },
    now: () => 0,
    after: (_, fn) => fn(),
    nextNumber: () => 9,
    headOf: () => new Promise((answer) => void answers.push(answer)),
    ready: (next) => void ready.push(next),
    pump: () => {},
    maybeIdle: () => {},
    cannotAsk: () => assert.fail('no question fails'),
  })
  const queue = () => {
    const delivery = new Delivery({ context: 'a' } as Stored, undefined)
    all.queue(delivery)
    return delivery
  }
  return { all, queue, ready, line, answers, known, lane }
}

test('messages of an open lane have their turns one after the other', () => {
  const { all, queue, ready } = lanes()
  const [first, second] = [queue(), queue()]
  assert.deepEqual(ready, [first])
  all.advance(first, undefined)
  assert.deepEqual(ready, [first, second])
  all.advance(second, undefined)
  const third = queue()
  assert.equal(ready[2], third)
})

test('a message without a context has its turn at once', () => {
  const { all, ready } = lanes('yes')
  const delivery = new Delivery({ context: null } as Stored, undefined)
  all.queue(delivery)
  all.advance(delivery, undefined)
  assert.deepEqual(ready, [delivery])
})

test('a message whose lane is at the desk joins the line', () => {
  const { queue, ready, line } = lanes('yes')
  const first = queue()
  assert.deepEqual([ready, line], [[], [first]])
})

test('a lane unknown to memory is asked of the store, and others queue behind', async () => {
  for (const head of [undefined, {} as DeskHead]) {
    const { all, queue, ready, line, answers } = lanes('maybe')
    const [first, second] = [queue(), queue()]
    assert.deepEqual([answers.length, all.isAsking, ready], [1, true, []])
    answers[0]!(head)
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual([ready, line], head === undefined ? [[first], []] : [[], [first, second]])
    assert.equal(all.isAsking, false)
  }
})

test('a lane that closes goes to the desk head first, the others in line behind', () => {
  const { all, queue, line, lane } = lanes()
  const [first, second, third] = [queue(), queue(), queue()]
  const closed = all.moveToDesk(first, { state: 'trying' })
  assert.deepEqual([closed, line, closed.entry?.lane, closed.mayHaveLine], [lane, [second, third], 'a', true])
})

test('a failed message at the desk has its turn again with its attempts, in its lane', () => {
  const { all, ready, lane } = lanes()
  const entry = { id: 1, lane: 'a', attempts: 0, tries: [] } as unknown as DeskEntry
  lane.entry = Object.freeze(entry)
  const delivery = new Delivery({ context: 'a' } as Stored, entry)
  delivery.attempts = 2
  all.again(delivery)
  assert.deepEqual([ready, lane.entry?.attempts, entry.attempts], [[lane], 2, 0])
})
