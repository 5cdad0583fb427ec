// Cases for publishing: ids, sizes, the moment of acknowledgement.
import assert from 'node:assert/strict'
import { defaults, event, type Message, processor, topic } from '../../index.ts'
import { takeIn } from '../../operate/edge.ts'
import {
  assertWritten,
  type BrokerCase,
  brokerCase,
  coded,
  lanes,
  ledger,
  Moved,
  Moves,
  move,
  publish,
  shape,
  upTo,
} from './support.ts'

export const publishCases: readonly BrokerCase[] = [
  brokerCase('delayed messages are read page by page, in the order in which they are due', async (place) => {
    const bank = await place.start([ledger('ledger')])
    const at = (n: number) => new Date(Date.UTC(2100, 0, n))
    for (const n of [3, 1, 2]) {
      await place.until('it is accepted', bank.publish(Moved, { account: 'a', n }, { id: `d${n}`, at: at(n) }))
    }
    const first = await bank.schedules.delayed({ limit: 2 })
    assert.deepEqual(
      first.items.map(({ id, dueAt, context }) => [id, dueAt, context]),
      [1, 2].map((n) => [`d${n}`, at(n).getTime(), 'a']),
    )
    const second = await bank.schedules.delayed({ limit: 2, after: first.next! })
    assert.deepEqual([second.items.map(({ id }) => id), second.next], [['d3'], null])
  }),

  brokerCase('a message is accepted while its handler has not ended', async (place) => {
    const begun = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    const before = () => {
      begun.resolve()
      return go.promise
    }
    const bank = await place.start([ledger('ledger', { before })])
    const accepted = upTo(5).map((n) => bank.publish(Moved, { account: 'a', n }))
    await place.until('all is accepted', Promise.all(accepted))
    await place.until('the handler runs', begun.promise)
    await assertWritten(bank, 'ledger', lanes([], []))
    go.resolve()
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(['a'], upTo(5)))
  }),

  brokerCase('what was accepted is there after a stop without any time', async (place) => {
    const first = await place.start([ledger('ledger')], { only: [] })
    await publish(first, ['a'], upTo(50))
    await place.stop(first, 0)
    const bank = await place.start([ledger('ledger')])
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(['a'], upTo(50)))
  }),

  brokerCase('publishing again with the same id adds nothing, together and across a restart', async (place) => {
    const data = { account: 'a', n: 0 }
    const first = await place.start([ledger('ledger')])
    const together = await Promise.all(upTo(10).map(() => first.publish(Moved, data, { id: 'once' })))
    assert(
      together.every(({ id }) => id === 'once'),
      'each is told the id',
    )
    const fresh = together.filter(({ duplicate }) => duplicate === undefined)
    assert.equal(fresh.length, 1, 'one of them is no duplicate')
    await place.idle(first)
    await place.stop(first)
    const bank = await place.start([ledger('ledger')])
    const again = await bank.publish(Moved, data, { id: 'once' })
    assert.deepEqual(again, { id: 'once', duplicate: true })
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(['a'], [0]))
  }),

  brokerCase('the same id with other data is refused, and the first stays', async (place) => {
    const first = await place.start([ledger('ledger')])
    await first.publish(Moved, { account: 'a', n: 0 }, { id: 'once' })
    const conflict = coded('millrace/id-conflict')
    await assert.rejects(first.publish(Moved, { account: 'a', n: 1 }, { id: 'once' }), conflict)
    await place.stop(first)
    const bank = await place.start([ledger('ledger')])
    await assert.rejects(bank.publish(Moved, { account: 'a', n: 1 }, { id: 'once' }), conflict)
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(['a'], [0]))
  }),

  brokerCase('an id is one per type and may have any characters', async (place) => {
    const Closed = event('closed', { schema: move })
    const bank = await place.start([ledger('ledger'), topic('closings', [Closed])])
    const ids = ['x', 'X', 'x'.repeat(255), 'ü 🚀', "it's", 'a.b', '>', '*', 'a\nb', '0']
    for (const [n, id] of ids.entries()) {
      assert.deepEqual(await bank.publish(Moved, { account: 'a', n }, { id }), { id })
      assert.deepEqual(await bank.publish(Closed, { account: 'a', n }, { id }), { id })
      assert.deepEqual(await bank.publish(Closed, { account: 'a', n }, { id }), { id, duplicate: true })
    }
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(['a'], upTo(ids.length)))
  }),

  brokerCase('a message from elsewhere is one per source and id, and keeps both with its attributes', async (place) => {
    const seen: Message[] = []
    const watching = (name: string) =>
      processor(name, { on: Moves, handle: { moved: (message) => void seen.push(message) } })
    const first = await place.start([ledger('ledger'), watching('sees')])
    const attributes = { subject: 'ü', sequence: 1, sampled: false }
    const origins = ['//one.example', '//two.example'].map((source) => ({ source, id: 'x', attributes }))
    for (const from of origins) {
      assert.deepEqual(await takeIn(first, Moved, { account: 'a', n: seen.length }, from), { id: 'x' })
      await place.idle(first)
    }
    assert.deepEqual(await first.publish(Moved, { account: 'a', n: 2 }, { id: 'x' }), { id: 'x' })
    await place.idle(first)
    await place.stop(first)
    const bank = await place.start([ledger('ledger'), watching('later')])
    for (const [n, from] of origins.entries()) {
      assert.deepEqual(await takeIn(bank, Moved, { account: 'a', n }, from), { id: 'x', duplicate: true })
      await assert.rejects(takeIn(bank, Moved, { account: 'a', n: 9 }, from), coded('millrace/id-conflict'))
    }
    assert.deepEqual(await bank.publish(Moved, { account: 'a', n: 2 }, { id: 'x' }), { id: 'x', duplicate: true })
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(['a'], upTo(3)))
    const foreign = origins.map(({ source }) => [source, attributes])
    const expected = [...foreign, ['/bank', undefined]]
    assert.deepEqual(
      seen.map(({ source, attributes: given }) => [source, given]),
      [...expected, ...expected],
      'they came with source and attributes, from memory and from what is kept',
    )
  }),

  brokerCase('a message that is too large is refused, and the next ones are not', async (place) => {
    const Filed = event('filed', { schema: shape({ text: 'string' }) })
    const bank = await place.start([ledger('ledger'), topic('files', [Filed])])
    const text = 'x'.repeat(defaults.messageBytesMax.default)
    await assert.rejects(bank.publish(Filed, { text }), coded('millrace/too-large'))
    await publish(bank, ['a'], upTo(3))
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(['a'], upTo(3)))
  }),
]
