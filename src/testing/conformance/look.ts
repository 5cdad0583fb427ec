// Cases for looking through the messages that are kept: lists, one message, its story.
import assert from 'node:assert/strict'
import { event, type MessagePage, processor, topic } from '../../index.ts'
import { type BrokerCase, brokerCase, ledger, Moved, Moves, move, onlyHeld, publish, upTo } from './support.ts'

const Noted = event('noted', { schema: move, context: ({ account }) => account })
const Notes = topic('notes', [Noted])

async function pagesOf(read: (after: string | undefined) => Promise<MessagePage>): Promise<number[]> {
  const found: number[] = []
  for (let after: string | undefined; ; ) {
    const { items, next } = await read(after)
    found.push(...items.map(({ position }) => position))
    if (next === null) return found
    after = next
  }
}

export const lookCases: readonly BrokerCase[] = [
  brokerCase('a list has what was accepted before it, each message once, while others are published', async (place) => {
    const bank = await place.start([ledger('ledger')])
    await publish(bank, ['a', 'b'], upTo(100))
    const newest = await pagesOf(async (after) => {
      const page = await bank.messages.list({ after, limit: 30 })
      await publish(bank, ['c'], [0])
      return page
    })
    assert.equal(newest.length, 200, 'all of it, and nothing that came later')
    assert.deepEqual(
      newest,
      newest.toSorted((a, b) => b - a),
      'the newest first',
    )
    const oldest = await pagesOf((after) => bank.messages.list({ order: 'oldest', context: 'a', after, limit: 30 }))
    assert.equal(new Set(oldest).size, 100, 'those of one context, each once')
    assert.deepEqual(
      oldest,
      oldest.toSorted((a, b) => a - b),
      'the oldest first',
    )
  }),

  brokerCase('a message is found by its id, with what became of it at each processor', async (place) => {
    const fails = ({ account }: { account: string }) => {
      if (account === 'bad') throw new Error('no such account')
    }
    const bank = await place.start([ledger('first'), ledger('second', { before: fails })])
    const { id } = await bank.publish(Moved, { account: 'bad', n: 1 })
    await bank.publish(Moved, { account: 'bad', n: 2 }, { id: 'mine' })
    await place.idle(bank)
    const { id: item } = await onlyHeld(bank)
    const outcomes = async (of: string) => {
      const { items } = await bank.messages.show(of)
      assert.equal(items.length, 1, `message ${of} is found once`)
      return items[0]!.outcomes.map(({ processor, state }) => `${processor} ${state}`)
    }
    assert.deepEqual(await outcomes(id), ['first done', 'second held'])
    assert.deepEqual(await outcomes('mine'), ['first done', 'second line'])
    assert.equal((await bank.messages.show(id)).items[0]!.outcomes[1]!.item, item)
    assert.deepEqual((await bank.messages.show('none')).items, [])
  }),

  brokerCase('the story of a message has its causes and effects, also after a restart', async (place) => {
    const parts = () => [
      Notes,
      ledger('ledger'),
      processor('notes', {
        on: Moves,
        publishes: [Noted],
        handle: { moved: ({ data }, { publish }) => publish(Noted, data) },
      }),
    ]
    const first = await place.start(parts())
    const { id } = await first.publish(Moved, { account: 'a', n: 1 })
    await first.publish(Moved, { account: 'b', n: 2 })
    await place.idle(first)
    await place.stop(first)
    const bank = await place.start(parts())
    const { items, complete } = await bank.messages.story(id)
    assert.deepEqual(
      items.map(({ type, causationId }) => [type, causationId]),
      [
        ['moved', null],
        ['noted', id],
      ],
    )
    assert.equal(complete, true)
  }),
]
