// Cases for order: one lane per context, one message at a time, in order, despite any failure.
import assert from 'node:assert/strict'
import { processor } from '../../index.ts'
import { randomOf } from '../random.ts'
import {
  accounts,
  assertWritten,
  type BrokerCase,
  brokerCase,
  lanes,
  ledger,
  Moves,
  publish,
  turns,
  upTo,
  write,
} from './support.ts'

export const orderCases: readonly BrokerCase[] = [
  brokerCase(
    'messages of one context are handled in order, one at a time, those of others beside them',
    async (place) => {
      const running = new Set<string>()
      const overlaps: string[] = []
      let atOnceMax = 0
      const before = async ({ account, n }: { account: string; n: number }) => {
        if (running.has(account)) overlaps.push(`${account}/${n}`)
        running.add(account)
        atOnceMax = Math.max(atOnceMax, running.size)
        await turns(1 + (n % 3))
        running.delete(account)
      }
      const bank = await place.start([ledger('ledger', { concurrency: 32, before })])
      await publish(bank, accounts(20), upTo(30))
      await place.idle(bank)
      assert.deepEqual(overlaps, [], 'no message begins while another of its context is handled')
      assert(atOnceMax > 1, 'different contexts are handled side by side')
      await assertWritten(bank, 'ledger', lanes(accounts(20), upTo(30)))
    },
  ),

  brokerCase('a handler sees the rows of the messages before it in its lane', async (place) => {
    const missed: string[] = []
    const reader = processor('reader', {
      on: Moves,
      handle: {
        moved: async ({ data }, { commit, read }) => {
          const rows = await read`select n from written where who = 'reader' and account = ${data.account}`
          if (rows.length !== data.n) missed.push(`${data.account}/${data.n} sees ${rows.length}`)
          return commit((tx) => write(tx, 'reader', data))
        },
      },
    })
    const bank = await place.start([reader])
    await publish(bank, accounts(5), upTo(20))
    await place.idle(bank)
    assert.deepEqual(missed, [], 'a lane goes on when the commit before is kept')
  }),

  brokerCase('a message whose handler fails is handled again', async (place) => {
    const attempts = new Map<string, number>()
    const before = ({ account, n }: { account: string; n: number }) => {
      const key = `${account}/${n}`
      attempts.set(key, (attempts.get(key) ?? 0) + 1)
      if (attempts.get(key)! <= n) throw new Error(`fails ${n} times`)
    }
    const retry = { attempts: 4, firstDelayMs: 1, maxDelayMs: 2 }
    const bank = await place.start([ledger('ledger', { retry, before })])
    await publish(bank, accounts(5), upTo(4))
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(accounts(5), upTo(4)))
    for (const [key, count] of attempts) assert.equal(count, 1 + Number(key.split('/')[1]), `attempts at ${key}`)
  }),

  brokerCase('a lane whose message fails waits, the other lanes go on', async (place) => {
    const others = accounts(5).slice(1)
    let othersLeft = others.length * 20
    const before = ({ account, n }: { account: string; n: number }) => {
      if (account !== 'a0') othersLeft--
      else if (n === 0 && othersLeft > 0) throw new Error('not before the others are through')
    }
    const retry = { attempts: 1_000, firstDelayMs: 1, maxDelayMs: 5 }
    const bank = await place.start([ledger('ledger', { concurrency: 2, retry, before })])
    await publish(bank, accounts(5), upTo(20))
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(accounts(5), upTo(20)))
  }),

  ...[1, 2, 3].map((seed) =>
    brokerCase(`order holds through failures, holds, releases and restarts, with seed ${seed}`, async (place) => {
      const random = randomOf(seed)
      const failsLeft = new Map(
        accounts(5).flatMap((account) =>
          upTo(30).map((n): [string, number] => [`${account}/${n}`, random.below(4) === 0 ? random.below(5) : 0]),
        ),
      )
      const before = async ({ account, n }: { account: string; n: number }) => {
        await turns(random.below(3))
        const left = failsLeft.get(`${account}/${n}`)!
        if (left === 0) return
        failsLeft.set(`${account}/${n}`, left - 1)
        throw new Error(`fails ${left} times more`)
      }
      const parts = [ledger('fails', { concurrency: 1 + random.below(8), before }), ledger('works')]
      let bank = await place.start(parts)
      const release = async () => {
        const held = await bank.desk.list({ states: ['held'] })
        for (const { id } of held) await bank.desk.release(id)
        return held.length
      }
      for (const n of upTo(30)) {
        await publish(bank, accounts(5), [n])
        if (random.below(4) === 0) await release()
        if (random.below(10) > 0) continue
        await place.stop(bank, random.below(2) === 0 ? 0 : undefined)
        bank = await place.start(parts)
      }
      // Each round ends at least one of the remaining failures.
      for (let rounds = 0; rounds < 5 * 30 * 4; rounds++) {
        await place.idle(bank)
        if ((await release()) === 0) break
      }
      for (const name of ['fails', 'works']) await assertWritten(bank, name, lanes(accounts(5), upTo(30)))
    }),
  ),
]
