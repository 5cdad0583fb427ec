// Cases for commits: rows, outgoing messages and acknowledgement are kept together, once, or not at all.
import assert from 'node:assert/strict'
import {
  type AppTx,
  event,
  type Fragment,
  isMillraceError,
  list,
  type Processor,
  processor,
  Refused,
  sql,
  type Tx,
  topic,
} from '../../index.ts'
import {
  accounts,
  assertDesk,
  assertWritten,
  type BrokerCase,
  brokerCase,
  coded,
  lanes,
  ledger,
  type Move,
  Moved,
  Moves,
  move,
  publish,
  twice,
  upTo,
  write,
} from './support.ts'

const Booked = event('booked', { schema: move, context: ({ account }) => account })
const Bookings = topic('bookings', [Booked])

/** Records the events of `bookkeeper`. */
const booked = processor('booked', {
  on: Bookings,
  handle: { booked: ({ data }, { commit }) => commit((tx) => write(tx, 'booked', data)) },
})

/** Writes a row and publishes in its commit, then calls `last`. */
const bookkeeper = (last: (move: Move, tx: Tx, book: (move: Move) => void) => unknown): Processor =>
  processor('bookkeeper', {
    on: Moves,
    publishes: [Booked],
    retry: twice,
    handle: {
      moved: ({ data }, { commit, publish }) =>
        commit(async (tx) => {
          await write(tx, 'bookkeeper', data)
          publish(Booked, data)
          await last(data, tx, (move) => void publish(Booked, move))
        }),
    },
  })

/** Runs a statement that every database refuses. */
const fails = (tx: Tx) => tx.query`insert into nowhere values (1)`

const says = (text: string) => () => {
  throw new Error(text)
}

export const commitCases: readonly BrokerCase[] = [
  ...(
    [
      ['throws', Error],
      ['refuses', Refused],
    ] as const
  ).map(([what, Failure]) =>
    brokerCase(`a commit that ${what} leaves no rows and no outgoing events`, async (place) => {
      const last = ({ account }: Move) => {
        if (account === 'bad') throw new Failure('bad')
      }
      const bank = await place.start([bookkeeper(last), booked])
      await publish(bank, ['good', 'bad'], upTo(3))
      await place.idle(bank)
      for (const name of ['bookkeeper', 'booked']) await assertWritten(bank, name, lanes(['good'], upTo(3)))
      await assertDesk(bank, { held: 1, waiting: 2 })
    }),
  ),

  brokerCase('rows and outgoing events are there once when the commit fails first and is made again', async (place) => {
    const failed = new Set<number>()
    const last = ({ n }: Move) => {
      if (failed.has(n)) return
      failed.add(n)
      throw new Error('the first time')
    }
    const first = await place.start([bookkeeper(last), booked])
    await publish(first, ['a'], upTo(10))
    await place.idle(first)
    await place.stop(first)
    const bank = await place.start([bookkeeper(last), booked])
    await place.idle(bank)
    for (const name of ['bookkeeper', 'booked']) await assertWritten(bank, name, lanes(['a'], upTo(10)))
  }),

  brokerCase('what a handler without a commit publishes leaves once, with the attempt that succeeds', async (place) => {
    let attempts = 0
    const forward = processor('forward', {
      on: Moves,
      publishes: [Booked],
      retry: { attempts: 3, firstDelayMs: 1, maxDelayMs: 2 },
      handle: {
        moved: ({ data: { account, n } }, { publish }) => {
          publish(Booked, { account, n })
          if (++attempts < 3) throw new Error('not yet')
        },
      },
    })
    const bank = await place.start([forward, booked])
    await publish(bank, ['a'], [7])
    await place.idle(bank)
    assert.equal(attempts, 3)
    await assertWritten(bank, 'booked', lanes(['a'], [7]))
  }),

  brokerCase('a statement that the database refuses fails its own message and no other', async (place) => {
    // The place is a primary key: a second row with it is refused.
    const twiceTheSame = async (tx: Tx, { account, n }: Move) => {
      for (const _ of upTo(2)) await tx.query`insert into written values (${-1 - n}, 'sick', ${account}, ${n})`
    }
    const clerk = processor('clerk', {
      on: Moves,
      retry: twice,
      concurrency: 50,
      handle: {
        moved: ({ data }, { commit }) =>
          commit(async (tx) => {
            await write(tx, 'clerk', data)
            if (data.account === 'a7') await twiceTheSame(tx, data)
          }),
      },
    })
    const bank = await place.start([clerk])
    await publish(bank, accounts(50), [0])
    await place.idle(bank)
    const others = accounts(50).filter((account) => account !== 'a7')
    await assertWritten(bank, 'clerk', lanes(others, [0]))
    await assertWritten(bank, 'sick', lanes([], []))
    await assertDesk(bank, { held: 1, waiting: 0 })
  }),

  brokerCase('a transaction of the app keeps its rows and events together or not at all', async (place) => {
    const bank = await place.start([ledger('ledger')])
    const both = async (tx: AppTx, n: number) => {
      await write(tx, 'caller', { account: 'a', n })
      tx.publish(Moved, { account: 'a', n })
    }
    const value = await bank.transaction(async (tx) => {
      await both(tx, 0)
      return 'the value'
    })
    assert.equal(value, 'the value')
    const changed = bank.transaction((tx) => both(tx, 1).then(says('changed my mind')))
    await assert.rejects(changed, { message: 'changed my mind' })
    await Promise.all(upTo(6, 2).map((n) => bank.transaction((tx) => both(tx, n))))
    await place.idle(bank)
    for (const name of ['caller', 'ledger']) await assertWritten(bank, name, lanes(['a'], [0, ...upTo(6, 2)]))
  }),

  brokerCase(
    'a whole number is bound as one, and an integer that no number holds exactly is read as a bigint',
    async (place) => {
      const bank = await place.start([ledger('ledger')])
      const large = 2n ** 53n + 1n
      await bank.transaction(async (tx) => {
        await tx.query`insert into written (place, who, account, n) values (${large}, 'caller', ${5}, ${7})`
      })
      const beyond = bank.transaction((tx) => tx.query`select ${2n ** 63n} as n`)
      await assert.rejects(beyond, coded('millrace/bad-value'))
      const rows = await bank.read`select place, account, n from written where who = 'caller'`
      assert.deepEqual(rows, [{ place: large, account: '5', n: 7 }])
    },
  ),

  brokerCase('lists and fragments are bound where they stand, and an empty list finds no row', async (place) => {
    const bank = await place.start([ledger('ledger')])
    const numbers = async (condition: Fragment) => {
      const rows = await bank.read<{
        n: number
      }>`select n from written where who = 'caller' and ${condition} order by n`
      return rows.map(({ n }) => n)
    }
    await bank.transaction(async (tx) => {
      const values = upTo(4).map((n) => sql`(${n}, 'caller', ${`a${n}`}, ${n})`)
      await tx.query`insert into written (place, who, account, n) values ${values.reduce((all, one) => sql`${all}, ${one}`)}`
      await tx.query`delete from written where who = 'caller' and n in ${list([1, 7])}`
      await tx.query`delete from written where who = 'caller' and n in ${list([])}`
    })
    assert.deepEqual(await numbers(sql`n not in ${list([])}`), [0, 2, 3])
    assert.deepEqual(await numbers(sql`account in ${list(['a2', 'a0'])} and n < ${2}`), [0])
    assert.deepEqual(await numbers(sql`account in ${list([])}`), [])
  }),

  brokerCase('a statement that failed fails its function, though that caught the error and returned', async (place) => {
    const keeper = bookkeeper(async ({ account }, tx) => {
      if (account === 'bad') await fails(tx).catch(() => {})
    })
    const bank = await place.start([keeper, booked])
    await publish(bank, ['good', 'bad'], [0])
    await place.idle(bank)
    for (const name of ['bookkeeper', 'booked']) await assertWritten(bank, name, lanes(['good'], [0]))
    await assertDesk(bank, { held: 1, waiting: 0 })
    const refused: unknown[] = []
    const transaction = bank.transaction(async (tx) => {
      await write(tx, 'caller', { account: 'a', n: 0 })
      await fails(tx).catch(() => {})
      await tx.query`select 1 as one`.catch((error: unknown) => refused.push(error))
    })
    await assert.rejects(transaction, coded('millrace/statement-failed'))
    assert(coded('millrace/statement-failed')(refused[0]), 'the next statement is refused')
    await assertWritten(bank, 'caller', lanes([], []))
    await place.stop(bank)
    const unready = place.start([keeper, booked], {
      setup: async (tx) => {
        await write(tx, 'setup', { account: 'a', n: 0 })
        await fails(tx).catch(() => {})
      },
    })
    await assert.rejects(unready, coded('millrace/statement-failed'))
    await assertWritten(await place.start([keeper, booked]), 'setup', lanes([], []))
  }),

  brokerCase('an attempt that fails takes back what is its own, and the function around it goes on', async (place) => {
    const keeper = bookkeeper(async (outside, tx, book) => {
      const { account, n } = outside
      const inside = { account, n: n + 10 }
      const attempt = tx.attempt(async (inner) => {
        await write(inner, 'bookkeeper', inside)
        book(inside)
        await inner.attempt((innermost) => write(innermost, 'bookkeeper', { account, n: n + 20 }))
        if (account === 'bad') await fails(inner)
        return 'the value'
      })
      if (account === 'bad') await assert.rejects(attempt)
      else assert.equal(await attempt, 'the value')
      await write(tx, 'after', outside)
    })
    const bank = await place.start([keeper, booked])
    await publish(bank, ['good', 'bad'], [0])
    await place.idle(bank)
    await assertDesk(bank, { held: 0, waiting: 0 })
    await assertWritten(bank, 'bookkeeper', new Map([...lanes(['bad'], [0]), ...lanes(['good'], [0, 10, 20])]))
    await assertWritten(bank, 'booked', new Map([...lanes(['bad'], [0]), ...lanes(['good'], [0, 10])]))
    await assertWritten(bank, 'after', lanes(['good', 'bad'], [0]))
  }),

  brokerCase('an attempt that ends after its time can neither commit nor publish', async (place) => {
    const nextBegun = Promise.withResolvers<void>()
    const lateEnded = Promise.withResolvers<void>()
    const refused: unknown[] = []
    let attempts = 0
    const slow = processor('slow', {
      on: Moves,
      publishes: [Booked],
      timeoutMs: 50,
      lingerMs: 1,
      retry: { attempts: 100, firstDelayMs: 1, maxDelayMs: 2 },
      handle: {
        moved: async ({ data }, { commit, publish }) => {
          if (data.n === 1) nextBegun.resolve()
          if (data.n === 1 || ++attempts > 1) return commit((tx) => write(tx, 'slow', data))
          // It exceeds its time until its lane has continued without it.
          await nextBegun.promise
          const late = [() => publish(Booked, data), () => void commit((tx) => write(tx, 'late', data))]
          for (const call of late) {
            try {
              call()
            } catch (error) {
              refused.push(isMillraceError(error) ? error.code : error)
            }
          }
          lateEnded.resolve()
        },
      },
    })
    const bank = await place.start([slow, booked])
    await publish(bank, ['a'], upTo(2))
    await place.until('the attempt that is late has ended', lateEnded.promise)
    await place.idle(bank)
    assert.deepEqual(refused, ['millrace/after-end', 'millrace/after-end'])
    await assertWritten(bank, 'slow', lanes(['a'], upTo(2)))
    for (const name of ['late', 'booked']) await assertWritten(bank, name, lanes([], []))
  }),
]
