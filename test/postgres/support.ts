// A small shop on PostgreSQL, for the tests of the store.
import { type App, type AppOptions, app, event, type Part, processor, topic } from 'millrace'
import { type PostgresOptions, postgres } from 'millrace/postgres'
import { z } from 'zod'

export const Ordered = event('ordered', {
  schema: z.object({ id: z.string(), n: z.number() }),
  context: ({ id }) => id,
})
export const Orders = topic('orders', [Ordered])

/** Writes a row for each order, in its commit. */
export const stock = () =>
  processor('stock', {
    on: Orders,
    handle: {
      ordered: ({ data }, { commit }) =>
        commit((tx) => tx.query`insert into taken (id, n) values (${data.id}, ${data.n})`),
    },
  })

export type ShopOptions = Partial<Omit<AppOptions, 'broker' | 'parts'>> & Omit<Partial<PostgresOptions>, 'url'>

/** The shop on a database, with the table `taken`. */
export function shopOn(url: string, parts: readonly Part[] = [stock()], options: ShopOptions = {}): App {
  const { leaseMs, commitMs, ...more } = options
  return app({
    name: 'shop',
    broker: postgres({ url, leaseMs, commitMs }),
    parts: [Orders, ...parts],
    log: () => {},
    setup: (tx) => tx.query`create table if not exists taken (place serial, id text, n integer)`,
    ...more,
  })
}

/** The numbers that were taken of one order, in order. */
export async function takenOf(shop: App, id: string): Promise<number[]> {
  const rows = await shop.read<{ n: number }>`select n from taken where id = ${id} order by place`
  return rows.map(({ n }) => n)
}

/** Counts 0, 1, … below `count`. */
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)
