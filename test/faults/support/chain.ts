// The app that is killed and loses power: two topics in a chain, four processors, rows by commit.
import { type App, app, type Broker, event, processor, topic } from 'millrace'
import { z } from 'zod'
import type { Chance } from './seed.ts'

const Body = z.object({ lane: z.string(), n: z.number().int() })

export const Placed = event('order.placed', { schema: Body, context: (order) => order.lane })
export const Moved = event('stock.moved', { schema: Body, context: (moved) => moved.lane })
export const Seen = event('order.seen', { schema: Body })
export const Orders = topic('orders', [Placed])
export const Stock = topic('stock', [Moved])
export const Sights = topic('sights', [Seen])

export interface ChainOptions {
  readonly name?: string
  readonly broker: Broker
  readonly chance: Chance
  /** Called with the id of each message that a handler sees. */
  readonly saw?: (id: string) => void
  /** How often an attempt fails before its commit, and in it: from 0 to 1. */
  readonly failures: number
}

/** Rows of handlers: `seq` is the order of commits, `step` counts within the lane. */
export function chain({ broker, chance, failures, saw = () => {} }: ChainOptions): App {
  const stumble = (where: string) => {
    if (chance.next() < failures) throw new Error(`stumbled ${where}`)
  }
  const pause = () => new Promise<void>((resolve) => setTimeout(resolve, chance.below(4)))
  const retry = { attempts: 1_000, firstDelayMs: 1, maxDelayMs: 20 }

  const reserve = processor('reserve', {
    on: Orders,
    publishes: [Moved],
    concurrency: 8,
    retry,
    handle: {
      'order.placed': async ({ id, data }, { commit, publish }) => {
        saw(id)
        if (data.n % 3 === 0) await pause()
        stumble('while handling')
        if (data.n % 2 === 0) publish(Moved, data)
        return commit(async (tx) => {
          await tx.query`insert into reserved (message, lane, step)
            select ${id}, ${data.lane}, coalesce(max(step), 0) + 1 from reserved where lane = ${data.lane}`
          stumble('in the commit')
          if (data.n % 2 !== 0) publish(Moved, data)
        })
      },
    },
  })

  const audit = processor('audit', {
    on: Orders,
    concurrency: 2,
    retry,
    handle: {
      'order.placed': ({ id }, { commit }) => {
        saw(id)
        return commit((tx) => tx.query`insert into audited (message) values (${id})`)
      },
    },
  })

  const watch = processor('watch', {
    on: Orders,
    publishes: [Seen],
    retry,
    handle: {
      'order.placed': async ({ id, data }, { publish }) => {
        saw(id)
        publish(Seen, data)
        if (data.n % 5 === 0) await pause()
        stumble('after it published')
      },
    },
  })

  const ship = processor('ship', {
    on: Stock,
    concurrency: 4,
    retry,
    handle: {
      'stock.moved': async ({ id, data }, { commit }) => {
        saw(id)
        if (data.n % 7 === 0) await pause()
        return commit(async (tx) => {
          await tx.query`insert into shipped (message, lane, step)
            select ${id}, ${data.lane}, coalesce(max(step), 0) + 1 from shipped where lane = ${data.lane}`
        })
      },
    },
  })

  return app({
    name: 'chain',
    broker,
    // Failed attempts are part of the trial and not worth a line, what goes wrong in the library is.
    log: (level, text, fields) => {
      if (level === 'error') process.stderr.write(`${text} ${JSON.stringify(fields)}\n`)
    },
    setup: async (tx) => {
      await tx.query`create table if not exists reserved
        (seq integer primary key autoincrement, message text not null, lane text not null, step integer not null)`
      await tx.query`create table if not exists audited (seq integer primary key autoincrement, message text not null)`
      await tx.query`create table if not exists shipped
        (seq integer primary key autoincrement, message text not null, lane text not null, step integer not null)`
      await tx.query`create index if not exists reserved_lanes on reserved (lane, step)`
      await tx.query`create index if not exists shipped_lanes on shipped (lane, step)`
      await tx.query`create table if not exists own (lane text not null, n integer not null)`
    },
    parts: [Orders, Stock, Sights, reserve, audit, watch, ship],
  })
}
