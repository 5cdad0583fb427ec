// Gathered elements, whatever crashes: each is in one batch, in order, in time.
import assert from 'node:assert/strict'
import test from 'node:test'
import { app, event, gather, sqlite, topic } from 'millrace'
import { simulate } from 'millrace/testing'
import { z } from 'zod'

const Placed = event('placed', { schema: z.object({ key: z.string(), n: z.number() }), context: ({ key }) => key })
const Orders = topic('orders', [Placed])
const Full = event('full', { schema: z.object({ numbers: z.array(z.number()) }) })
const Batches = topic('batches', [Full])

test('with crashes and power cuts every element is in one batch, in order, and no batch waits beyond its time', async () => {
  const report = await simulate({
    app: () =>
      app({
        name: 'bank',
        broker: sqlite({ file: 'simulated.db' }),
        parts: [
          Batches,
          gather('batch', {
            on: Orders,
            of: [Placed],
            publishes: Full,
            count: 4,
            afterMs: 3_000,
            data: (items) => ({ numbers: items.map(({ n }) => n) }),
          }),
        ],
      }),
    seeds: 50,
    workload: (work, random) => {
      const clients = ['a', 'b', 'c'].map((key, at) => ({ key, client: at === 0 ? work : work.client() }))
      for (const [at, { key, client }] of clients.entries()) {
        for (let n = 0; n < 12; n++) {
          client.publish(Placed, { key, n: at * 100 + n })
          if (random.chance(0.3)) client.wait(random.below(5_000))
        }
      }
    },
    always: {
      'each item is in one batch, those of a context in order, at most four together': ({ published }) => {
        const last = new Map<number, number>()
        for (const { data } of published(Full)) {
          assert(data.numbers.length >= 1 && data.numbers.length <= 4)
          for (const n of data.numbers) {
            const context = Math.floor(n / 100)
            assert.equal(context, Math.floor(data.numbers[0]! / 100))
            assert.equal(n, (last.get(context) ?? context * 100 - 1) + 1, `${n} is out of turn`)
            last.set(context, n)
          }
        }
      },
    },
    eventually: {
      'what is in no batch is gathered, with a timer': ({ published, query, accepted }) => {
        const batched = published(Full).flatMap(({ data }) => data.numbers)
        const gathered = query<{ n: number }>`select data ->> 'n' as n from millrace_gathered`.map(({ n }) => n)
        const sent = accepted.map(({ data }) => (data as { n: number }).n)
        assert.deepEqual([...batched, ...gathered].toSorted(), sent.toSorted())
        const [stuck] = query<{ count: number }>`select count(*) as count from millrace_gathers
          where timer not in (select message_id from millrace_timers)`
        assert.equal(stuck!.count, 0)
      },
    },
  })
  assert(report.faults.crash > 20 && report.faults.powerCut > 20 && report.faults.handlerFails > 20)
})
