import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import { encode, type Stored } from '../../model/codec.ts'
import type { DeskEntry } from '../../model/desk.ts'
import { event } from '../../model/message.ts'
import { Delivery } from './delivery.ts'
import { Starts } from './starts.ts'

const Placed = event('placed', { schema: z.object({ n: z.number() }) })

const stamp = {
  ...{ stream: 1, id: 'm-1', ownId: false, source: '/app', time: 1, correlationId: 'm-1', causationId: null },
  trace: null,
}
const message = (fields: Partial<Stored> = {}) => Object.assign(encode(Placed, { n: 1 }, stamp, 1_000), fields)

function starts({ late = false, withdrawn = [] as string[] } = {}) {
  const told: unknown[] = []
  const all = new Starts({
    spec: {
      name: 'stock',
      destination: { kind: 'topic', name: 'orders' },
      handlers: new Map([['placed', { type: Placed }]]),
      passedOver: new Set(['retired']),
    } as never,
    deadlines: {
      check: () => {
        if (late) throw new Error('too late')
      },
    },
    elapsed: () => 40,
    isWithdrawn: (id) => withdrawn.includes(id),
    passOver: ({ message: { type } }) => void told.push(['passed over', type]),
    unreadable: (_, error) => void told.push(['unreadable', (error as Error).message]),
    begin: (_, handler, { data }, now) => void told.push(['begins', handler.type.name, data, now]),
  })
  return { all, told }
}

test('a handler begins with the data of its message, and the time since it became the head of its lane is kept', () => {
  const { all, told } = starts()
  const delivery = new Delivery(message(), undefined)
  all.start(delivery)
  assert.deepEqual(told, [['begins', 'placed', { n: 1 }, 40]])
  assert.equal(delivery.headSince, 40)
  delivery.headSince = 30
  all.start(delivery)
  assert.equal(delivery.headSince, 30)
})

test('a withdrawn command and a type that is retired are passed over; an id alone withdraws nothing', () => {
  const { all, told } = starts({ withdrawn: ['m-1'] })
  all.start(new Delivery(message({ asked: 'app' }), undefined))
  all.start(new Delivery(message({ type: 'retired' }), undefined))
  all.start(new Delivery(message(), undefined))
  assert.deepEqual(told.slice(0, 2), [
    ['passed over', 'placed'],
    ['passed over', 'retired'],
  ])
  assert.equal((told[2] as unknown[])[0], 'begins')
})

test('a message of an unknown type, and one whose data do not fit, are unreadable', () => {
  const { all, told } = starts()
  all.start(new Delivery(message({ type: 'unheard' }), undefined))
  all.start(new Delivery(message({ json: '{"n":"one"}', plain: undefined }), undefined))
  const [[first, unheard], [second, unfit]] = told as [string[], string[]]
  assert.deepEqual([first, second], ['unreadable', 'unreadable'])
  assert.match(unheard!, /unheard/)
  assert.match(unfit!, /stored data of event "placed"/)
})

test('a deadline counts for the first attempt alone: what was tried, or is at the desk, begins', () => {
  const { all, told } = starts({ late: true })
  all.start(new Delivery(message(), undefined))
  assert.deepEqual(told, [['unreadable', 'too late']])
  const tried = new Delivery(message(), undefined)
  tried.attempts = 1
  all.start(tried)
  all.start(new Delivery(message(), { id: 1, attempts: 0, tries: [] } as unknown as DeskEntry))
  assert.deepEqual(
    told.slice(1).map((one) => (one as unknown[])[0]),
    ['begins', 'begins'],
  )
})
