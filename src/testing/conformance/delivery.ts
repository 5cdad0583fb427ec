// Cases for delivery: each processor gets all messages of its topic, each message once.
import assert from 'node:assert/strict'
import { channel, command, defaults, event, type Message, processor, topic } from '../../index.ts'
import {
  accounts,
  assertWritten,
  type BrokerCase,
  betweenMessages,
  brokerCase,
  differs,
  lanes,
  ledger,
  Moved,
  Moves,
  move,
  publish,
  shape,
  turns,
  upTo,
  write,
} from './support.ts'

const Take = command('take', { schema: move, context: ({ account }) => account })
const Till = channel('till', [Take])

export const deliveryCases: readonly BrokerCase[] = [
  brokerCase('every processor of a topic gets every event', async (place) => {
    const names = ['one', 'two', 'three']
    const bank = await place.start(names.map((name) => ledger(name)))
    await publish(bank, accounts(10), upTo(20))
    await place.idle(bank)
    for (const name of names) await assertWritten(bank, name, lanes(accounts(10), upTo(20)))
  }),

  brokerCase('publishers and processors at work at the same time lose nothing and repeat nothing', async (place) => {
    const bank = await place.start([ledger('one'), ledger('two')])
    const publisher = async (account: string) => {
      for (const n of upTo(50)) await bank.publish(Moved, { account, n })
    }
    await place.until('all is accepted', Promise.all(accounts(16).map(publisher)))
    await place.idle(bank)
    for (const name of ['one', 'two']) await assertWritten(bank, name, lanes(accounts(16), upTo(50)))
  }),

  brokerCase('a processor with many handlers at once handles each message once', async (place) => {
    const Rang = event('rang', { schema: shape({ n: 'number' }) })
    const rung: number[] = []
    let atOnce = 0
    let mostAtOnce = 0
    const ears = processor('ears', {
      on: topic('bells', [Rang]),
      concurrency: 64,
      handle: {
        rang: async ({ data: { n } }) => {
          mostAtOnce = Math.max(mostAtOnce, ++atOnce)
          await turns(3)
          atOnce--
          rung.push(n)
        },
      },
    })
    const bank = await place.start([ears])
    await place.until('all is accepted', Promise.all(upTo(500).map((n) => bank.publish(Rang, { n }))))
    await place.idle(bank)
    assert.equal(differs([...rung].sort(byNumber), upTo(500)), undefined)
    assert(mostAtOnce > 1 && mostAtOnce <= 64, `up to 64 handlers run at once, not ${mostAtOnce}`)
  }),

  brokerCase('a slow processor delays no other', async (place) => {
    const othersDone = Promise.withResolvers<void>()
    let left = 400
    const quick = ledger('quick', { before: () => --left === 0 && othersDone.resolve() })
    const slow = ledger('slow', { before: () => othersDone.promise })
    const bank = await place.start([slow, quick], { windowMessages: 20 })
    await publish(bank, accounts(4), upTo(100))
    await place.until('the quick processor is through', othersDone.promise)
    await place.idle(bank)
    for (const name of ['quick', 'slow']) await assertWritten(bank, name, lanes(accounts(4), upTo(100)))
  }),

  brokerCase('a processor whose every message fails disturbs no other', async (place) => {
    const fails = () => {
      throw new Error('always')
    }
    const bank = await place.start([ledger('fails', { before: fails }), ledger('works')])
    await publish(bank, accounts(5), upTo(10))
    await place.idle(bank)
    await assertWritten(bank, 'works', lanes(accounts(5), upTo(10)))
    const held = await bank.desk.list({ states: ['held'] })
    assert.deepEqual(
      held.map(({ processor, waiting }) => [processor, waiting]),
      accounts(5).map(() => ['fails', 9]),
      'one message of each account is held, the others wait behind it',
    )
  }),

  brokerCase('a processor that is far behind reads what does not fit its window', async (place) => {
    const before = await place.start([Moves])
    await publish(before, accounts(10), upTo(60))
    await place.stop(before)
    const bank = await place.start([ledger('behind')], { windowMessages: 16 })
    await publish(bank, accounts(10), upTo(70, 60))
    await place.idle(bank)
    await assertWritten(bank, 'behind', lanes(accounts(10), upTo(70)))
  }),

  brokerCase('each of many topics goes to its own processor', async (place) => {
    const parts = upTo(50).map((number) => {
      const type = event(`moved-${number}`, { schema: move, context: ({ account }) => account })
      const got: number[] = []
      const part = processor(`ledger-${number}`, {
        on: topic(`moves-${number}`, [type]),
        handle: { [type.name]: ({ data }: Message<typeof type>) => void got.push(data.n) },
      })
      return { type, part, got }
    })
    const bank = await place.start(parts.map(({ part }) => part))
    const publishOne = (n: number) =>
      parts.map(({ type }, number) => bank.publish(type, { account: 'a', n: number * 100 + n }))
    await place.until('all is accepted', Promise.all(upTo(5).flatMap(publishOne)))
    await place.idle(bank)
    parts.forEach(({ got }, number) => {
      const wrong = differs(got, upTo(number * 100 + 5, number * 100))
      assert.equal(wrong, undefined, `topic ${number} ${wrong}`)
    })
  }),

  brokerCase('thousands of contexts have lanes of their own', async (place) => {
    const bank = await place.start([ledger('ledger', { concurrency: 100 })])
    await publish(bank, accounts(2_000), upTo(2))
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(accounts(2_000), upTo(2)))
  }),

  brokerCase('contexts of any characters have lanes of their own, also at the desk', async (place) => {
    const names = ['a', 'A', ' a', 'a ', 'a.b', 'a.*', '>', '$x', 'a/b', "it's", '"', '%s', '\\', 'ü', 'u\u0308', '🚀']
    const odd = [...names, 'a\nb', 'null', '0', '-1', 'x'.repeat(1_024), `${'x'.repeat(1_023)}y`]
    let broken = true
    const before = () => {
      if (broken) throw new Error('broken')
    }
    const first = await place.start([ledger('ledger', { before })])
    await publish(first, odd, upTo(3))
    await place.idle(first)
    await place.stop(first)
    broken = false
    const bank = await place.start([ledger('ledger', { before })])
    const held = await bank.desk.list({ states: ['held'] })
    assert.deepEqual(held.map(({ message }) => message.context).sort(), [...odd].sort(), 'one of each context is held')
    await publish(bank, odd, upTo(6, 3))
    await place.idle(bank)
    for (const { id } of held) await bank.desk.release(id)
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(odd, upTo(6)))
  }),

  brokerCase('a message as large as is allowed arrives whole, from memory and from the log', async (place) => {
    const Filed = event('filed', { schema: shape({ text: 'string' }) })
    const Files = topic('files', [Filed])
    const text = 'x'.repeat(defaults.messageBytesMax.default - JSON.stringify({ text: '' }).length)
    const got = new Map<string, string[]>()
    const reader = (name: string) => {
      const texts: string[] = []
      got.set(name, texts)
      return processor(name, { on: Files, handle: { filed: ({ data }) => void texts.push(data.text) } })
    }
    const before = await place.start([reader('memory')])
    await place.until('they are accepted', Promise.all(upTo(3).map(() => before.publish(Filed, { text }))))
    await place.idle(before)
    await place.stop(before)
    const bank = await place.start([reader('log')])
    await place.idle(bank)
    for (const [name, texts] of got) {
      assert.equal(texts.length, 3, `the processor that reads from the ${name} gets all three`)
      assert(
        texts.every((one) => one === text),
        `the processor that reads from the ${name} gets them whole`,
      )
    }
  }),

  brokerCase('a command is handled once, by the one processor of its channel', async (place) => {
    const till = processor('till', {
      on: Till,
      concurrency: 32,
      handle: { take: ({ data }, { commit }) => commit((tx) => write(tx, 'till', data).then(() => undefined)) },
    })
    const bank = await place.start([till, ledger('ledger')])
    const sent = upTo(20).flatMap((n) => accounts(5).map((account) => bank.send(Take, { account, n })))
    await place.until('all is accepted', Promise.all(sent))
    await place.idle(bank)
    await assertWritten(bank, 'till', lanes(accounts(5), upTo(20)))
    await assertWritten(bank, 'ledger', lanes([], []))
  }),

  brokerCase(
    'a chain of processors carries the flow and names each cause, from memory and from the log',
    async (place) => {
      const Booked = event('booked', { schema: move, context: ({ account }) => account })
      const Taken = event('taken', { schema: move, context: ({ account }) => account })
      const Taking = topic('taking', [Taken])
      const seen: Message[] = []
      const book = processor('book', {
        on: Moves,
        publishes: [Booked],
        handle: {
          moved: (message, { publish }) => {
            seen.push(message)
            publish(Booked, message.data)
          },
        },
      })
      const order = processor('order', {
        on: topic('bookings', [Booked]),
        sends: [Take],
        handle: {
          booked: (message, { commit, send }) => {
            seen.push(message)
            return commit(() => send(Take, message.data))
          },
        },
      })
      const till = processor('till', {
        on: Till,
        publishes: [Taken],
        handle: {
          take: (message, { publish }) => {
            seen.push(message)
            publish(Taken, message.data)
          },
        },
      })
      const look = (name: string) =>
        processor(name, { on: Taking, handle: { taken: (message) => void seen.push(message) } })
      const bank = await place.start([book, order, till, look('now')])
      const { id } = await bank.publish(Moved, { account: 'a', n: 1 })
      await place.idle(bank)
      await place.stop(bank)
      await place.idle(await place.start([book, order, till, look('now'), look('later')]))
      assert.equal(seen.length, 5, `five messages are handled, not ${seen.length}`)
      const [moved, booked, take, taken, later] = seen
      const carried = seen.map(({ type, source, correlationId, causationId }) => ({
        type,
        source,
        correlationId,
        causationId,
      }))
      const last = { type: 'taken', source: '/bank/till', correlationId: id, causationId: take!.id }
      assert.deepEqual(carried, [
        { type: 'moved', source: '/bank', correlationId: id, causationId: undefined },
        { type: 'booked', source: '/bank/book', correlationId: id, causationId: moved!.id },
        { type: 'take', source: '/bank/order', correlationId: id, causationId: booked!.id },
        last,
        last,
      ])
      assert.deepEqual(later, taken, 'what is read from the log is what was in memory')
    },
  ),

  brokerCase('a new processor begins with the oldest event of its topic', async (place) => {
    const before = await place.start([Moves])
    await publish(before, accounts(3), upTo(10))
    await place.stop(before)
    const bank = await place.start([ledger('new')])
    await publish(bank, accounts(3), upTo(15, 10))
    await place.idle(bank)
    await assertWritten(bank, 'new', lanes(accounts(3), upTo(15)))
  }),

  brokerCase("a new processor with startAt 'now' gets what comes after its first start", async (place) => {
    const before = await place.start([Moves])
    await publish(before, accounts(3), upTo(10))
    await place.stop(before)
    const first = await place.start([ledger('new', { startAt: 'now' })])
    await publish(first, accounts(3), upTo(15, 10))
    await place.idle(first)
    await place.stop(first)
    const without = await place.start([Moves])
    await publish(without, accounts(3), upTo(20, 15))
    await place.stop(without)
    const bank = await place.start([ledger('new', { startAt: 'now' })])
    await place.idle(bank)
    await assertWritten(bank, 'new', lanes(accounts(3), upTo(20, 10)))
  }),

  brokerCase('a new processor with a date as startAt gets what was published from then on', async (place) => {
    const before = await place.start([Moves])
    await publish(before, accounts(3), upTo(10))
    const startAt = await betweenMessages()
    await publish(before, accounts(3), upTo(15, 10))
    await place.stop(before)
    const bank = await place.start([ledger('new', { startAt })])
    await place.idle(bank)
    await assertWritten(bank, 'new', lanes(accounts(3), upTo(15, 10)))
  }),
]

function byNumber(a: number, b: number): number {
  return a - b
}
