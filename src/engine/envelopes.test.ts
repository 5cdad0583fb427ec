import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import { coded } from '../../test/support.ts'
import { event, type MessageType } from '../model/message.ts'
import { Envelopes } from './envelopes.ts'

const Placed = event('placed', { schema: z.object({ n: z.number() }) })
const Elsewhere = event('elsewhere', { schema: z.object({ n: z.number() }) })

/** Envelopes of app `shop`, whose clock stands at 5 and whose ids count. */
function envelopes(bytesMax = 1_000) {
  let ids = 0
  const world = { now: () => 5, newId: () => `id ${++ids}` }
  return new Envelopes({ app: 'shop', world, streamOf: new Map<MessageType, number>([[Placed, 3]]), bytesMax })
}

test('a message of the app is its own cause, of the source of the app', () => {
  const { stream, id, ownId, source, time, due, correlationId, causationId } = envelopes().fresh(
    Placed,
    { n: 1 },
    undefined,
  )
  assert.deepEqual(
    { stream, id, ownId, source, time, due, correlationId, causationId },
    {
      stream: 3,
      id: 'id 1',
      ownId: false,
      source: '/shop',
      time: 5,
      due: 0,
      correlationId: 'id 1',
      causationId: null,
    },
  )
})

test('a message of a part names the message that caused it, and belongs to the same correlation', () => {
  const made = envelopes()
  const cause = made.fresh(Placed, { n: 1 }, { id: 'first' })
  const second = made.from(Placed, { n: 2 }, { part: 'ledger', cause }, undefined)
  const third = made.from(Placed, { n: 3 }, { part: 'labels', cause: second }, { id: 'mine', delayMs: 10 })
  assert.deepEqual(
    [second, third].map(({ id, ownId, source, correlationId, causationId, due }) => [
      ...[id, ownId, source, correlationId, causationId, due],
    ]),
    [
      ['id 1', false, '/shop/ledger', 'first', 'first', 0],
      ['mine', true, '/shop/labels', 'first', 'id 1', 15],
    ],
  )
})

test('a message from elsewhere keeps its source, its id and its attributes', () => {
  const from = { source: 'https://bank', id: 'b-1', attributes: { subject: 'a' } }
  const { source, id, attributes } = envelopes().elsewhere(Placed, { n: 1 }, from)
  assert.deepEqual({ source, id, attributes }, from)
})

test('a type that is on no topic is refused, but for one that no log has', () => {
  const made = envelopes()
  const refused = coded('millrace/type-without-topic', /event "elsewhere" is on no topic or channel/)
  assert.throws(() => made.fresh(Elsewhere, { n: 1 }, undefined), refused)
  const cause = made.fresh(Placed, { n: 1 }, undefined)
  assert.equal(made.unplaced(Elsewhere, { n: 1 }, made.derivedFrom(cause, 'delivery', 'x/1')).id, 'x/1')
})

test('data that are too large are refused, but for an event about a message that failed', () => {
  const made = envelopes(5)
  assert.throws(() => made.fresh(Placed, { n: 123_456 }, undefined), coded('millrace/too-large'))
  const cause = { ...envelopes().fresh(Placed, { n: 1 }, undefined) }
  assert.equal(made.failure(Placed, { n: 123_456 }, cause as never, 'ledger').json, '{"n":123456}')
})
