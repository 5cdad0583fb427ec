// Tools of the tests that do harm to a server: publishers with a record of their own, and the judge of what they published.
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { type App, event, type Part, processor, topic } from 'millrace'
import { z } from 'zod'
import { asAdmin } from '../support/postgres.ts'
import { Ordered, Orders, type ShopOptions, shopOn } from './support.ts'

const Moved = event('moved', { schema: z.object({ id: z.string(), n: z.number() }), context: ({ id }) => id })
const Stock = topic('stock', [Moved])

/** The time after which a publisher tries again what was refused, milliseconds. */
export const againMs = 10

/** Whatever comes between, an attempt is made again soon. */
const retry = { attempts: 1_000, firstDelayMs: 1, maxDelayMs: 20 }

/** Orders go through two processors, and each writes a row in its commit; `who` is the process that writes. */
export function chainOn(url: string, options: ShopOptions & { readonly who?: string } = {}): App {
  const { who = '', ...more } = options
  const parts: Part[] = [
    Stock,
    processor('stock', {
      on: Orders,
      publishes: [Moved],
      retry,
      handle: {
        ordered: ({ data }, { commit, publish }) => {
          publish(Moved, data)
          return commit((tx) => tx.query`insert into public.taken (id, n, who) values (${data.id}, ${data.n}, ${who})`)
        },
      },
    }),
    processor('ship', {
      on: Stock,
      retry,
      handle: {
        moved: ({ data }, { commit }) =>
          commit((tx) => tx.query`insert into public.shipped (id, n) values (${data.id}, ${data.n})`),
      },
    }),
  ]
  return shopOn(url, parts, {
    setup: async (tx) => {
      await tx.query`create table if not exists public.taken (place serial, id text, n integer, who text)`
      await tx.query`create table if not exists public.shipped (place serial, id text, n integer)`
    },
    ...more,
  })
}

/** Who publishes the orders 0, 1, 2, … of some lanes, one after the other in each, and keeps a record of the answers. */
export class Publishers {
  /** How many of each lane were accepted: all below that number. */
  readonly accepted: Map<string, number>
  /** Called with the code of each refusal. */
  refused: (code: string) => void = () => {}
  private readonly shop: App
  private readonly running: Promise<unknown>
  private isOver = false
  private waiting: { readonly count: number; readonly resolve: () => void }[] = []

  constructor(shop: App, lanes: readonly string[]) {
    this.shop = shop
    this.accepted = new Map(lanes.map((lane) => [lane, 0]))
    this.running = Promise.all(lanes.map((lane) => this.publishIn(lane)))
    this.running.catch(() => {})
  }

  get count(): number {
    return [...this.accepted.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Resolves when so many more were accepted. */
  more(count: number): Promise<unknown> {
    const reached = new Promise<void>((resolve) => this.waiting.push({ count: this.count + count, resolve }))
    return Promise.race([reached, this.running])
  }

  /** Publishes no more; resolves when all that was begun is accepted. */
  async end(): Promise<void> {
    this.isOver = true
    await this.running
  }

  private async publishIn(lane: string): Promise<void> {
    for (let n = 0; !this.isOver; n++) {
      // Its id says whether it was kept: publishing again adds nothing.
      while (!(await this.isAccepted(lane, n))) await delay(againMs)
      this.accepted.set(lane, n + 1)
      const { count } = this
      this.waiting = this.waiting.filter((one) => count < one.count || one.resolve())
    }
  }

  private async isAccepted(lane: string, n: number): Promise<boolean> {
    try {
      await this.shop.publish(Ordered, { id: lane, n }, { id: `${lane}-${n}` })
      return true
    } catch (error) {
      const { code, retryable } = error as { code?: string; retryable?: boolean }
      assert(retryable === true || code === 'millrace/ownership-lost', `refused for ever: ${code} ${String(error)}`)
      this.refused(code!)
      return false
    }
  }
}

interface Row {
  readonly id: string
  readonly n: number
}

/** The numbers of each lane in a table, in the order of their commits. */
export async function lanesIn(url: string, table: 'taken' | 'shipped'): Promise<Map<string, number[]>> {
  const lanes = new Map<string, number[]>()
  for (const { id, n } of await asAdmin<Row>(url, `select id, n from public.${table} order by place`)) {
    lanes.set(id, [...(lanes.get(id) ?? []), n])
  }
  return lanes
}

/** All that was accepted has gone through both processors once, in the order of its lane, and nothing else has. */
export async function judge(url: string, accepted: ReadonlyMap<string, number>): Promise<void> {
  for (const table of ['taken', 'shipped'] as const) {
    const lanes = await lanesIn(url, table)
    for (const [lane, count] of accepted) {
      const all = Array.from({ length: count }, (_, n) => n)
      assert.deepEqual(lanes.get(lane) ?? [], all, `${table}, lane ${lane}`)
    }
    assert.equal(lanes.size, [...accepted.values()].filter((count) => count > 0).length, table)
  }
  assert.deepEqual(await asAdmin(url, 'select id from millrace.desk where resolved_at is null'), [], 'nothing is held')
}

/** The lanes `a-0`, `a-1`, … */
export const lanesOf = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${name}-${n}`)
