// Cases for trials of held messages: what an attempt would have done is told, and nothing of it is left.
import assert from 'node:assert/strict'
import { event, processor, topic } from '../../index.ts'
import { type BrokerCase, brokerCase, Moves, move, publish, write } from './support.ts'

const Booked = event('booked', { schema: move, context: ({ account }) => account })
const Bookings = topic('bookings', [Booked])

export const trialCases: readonly BrokerCase[] = [
  brokerCase(
    'a trial tells its statements, the rows of each and how many it changed, and leaves nothing',
    async (place) => {
      const clerk = processor('clerk', {
        on: Moves,
        publishes: [Booked],
        retry: { attempts: 1 },
        trial: true,
        handle: {
          moved: ({ data }, { commit, publish }) =>
            commit(async (tx) => {
              await write(tx, 'clerk', data)
              const inVain = async (inner: typeof tx) => {
                await inner.query`delete from written where who = ${'clerk'}`
                publish(Booked, { ...data, n: -1 })
                throw new Error('in vain')
              }
              await tx.attempt(inVain).catch(() => {})
              await tx.query`select n from written where who = ${'clerk'}`
              if (data.n < 9) throw new Error('too few')
              publish(Booked, data, { id: `once ${data.n}` })
            }),
        },
      })
      const heard: number[] = []
      const listener = processor('listener', {
        on: Bookings,
        handle: { booked: ({ data }) => void heard.push(data.n) },
      })
      const bank = await place.start([Bookings, clerk, listener])
      await publish(bank, ['a'], [1, 9])
      await place.idle(bank)
      const [held] = await bank.desk.list()
      const failed = await bank.desk.try(held!.id)
      assert.deepEqual([failed.outcome, failed.error?.message, failed.messages], ['failed', 'too few', []])
      const change = [{ op: 'replace', path: '/n', value: 10 }] as const
      const trial = await bank.desk.try(held!.id, { change })
      assert.deepEqual([trial.outcome, trial.revision], ['handled', held!.revision])
      assert.deepEqual(
        trial.statements.map(({ rows, changed }) => [rows, changed]),
        [
          [0, 1],
          [0, 1],
          [1, 0],
        ],
      )
      assert.deepEqual(
        trial.messages.map(({ type, id, data }) => [type, id, data]),
        [['booked', 'once 10', { account: 'a', n: 10 }]],
      )
      assert.deepEqual(await bank.read`select * from written`, [])
      assert.equal((await bank.desk.show(held!.id))!.revision, held!.revision)
      await bank.desk.change(held!.id, change, { by: 'anna', reason: 'tried', revision: held!.revision })
      await place.idle(bank)
      assert.deepEqual(heard, [10, 9])
      assert.equal((await bank.read`select * from written`).length, 2)
    },
  ),
]
