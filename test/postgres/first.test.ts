// An app on PostgreSQL: what is published is handled once, in order, with its rows.
import assert from 'node:assert/strict'
import test from 'node:test'
import { app, event, processor, topic } from 'millrace'
import { postgres } from 'millrace/postgres'
import { z } from 'zod'
import { needsServer, testDatabase } from '../support/postgres.ts'

const Ordered = event('ordered', { schema: z.object({ id: z.string(), n: z.number() }), context: ({ id }) => id })
const Orders = topic('orders', [Ordered])

function shop(url: string) {
  const stock = processor('stock', {
    on: Orders,
    handle: {
      ordered: ({ data }, { commit }) =>
        commit((tx) => tx.query`insert into taken (id, n) values (${data.id}, ${data.n})`),
    },
  })
  return app({
    name: 'shop',
    broker: postgres({ url }),
    parts: [Orders, stock],
    log: () => {},
    setup: (tx) => tx.query`create table if not exists taken (place serial, id text, n integer)`,
  })
}

test(
  'what is published is handled once, in order, with its rows, and goes on after a restart',
  needsServer,
  async () => {
    await using database = await testDatabase()
    for (const first of [0, 10]) {
      const one = shop(database.url)
      await one.start({ control: false })
      for (let n = first; n < first + 10; n++) await one.publish(Ordered, { id: 'o-1', n })
      await one.idle()
      const rows = await one.read<{ n: number }>`select n from taken order by place`
      assert.deepEqual(
        rows.map(({ n }) => n),
        Array.from({ length: first + 10 }, (_, n) => n),
      )
      await one.stop()
    }
  },
)
