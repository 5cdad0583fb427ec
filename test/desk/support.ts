// A bank whose ledger writes down what it handles, on a simulated machine: what the tests of the desk are made of.
import assert from 'node:assert/strict'
import {
  type App,
  type AppOptions,
  app,
  type DeskRow,
  type DeskState,
  event,
  type Message,
  type Part,
  type Processor,
  type ProcessorOptions,
  processor,
  sqlite,
  topic,
} from 'millrace'
import { type Simulation, simulation } from 'millrace/testing'
import { z } from 'zod'

export const Moved = event('moved', {
  schema: z.object({ account: z.string(), n: z.number().int(), note: z.string().optional() }),
  context: (move) => move.account,
})
export const Moves = topic('moves', [Moved])
export type Move = Message<typeof Moved>
export type LedgerOptions = Partial<ProcessorOptions<typeof Moved, [], []>>

interface Ends {
  after(fn: () => unknown): void
}

/** At once, and twice: what fails is held soon. */
export const hasty = { attempts: 2, firstDelayMs: 1, maxDelayMs: 2, jitter: 0 } as const

/** Attempts that have begun, in order. */
export type Begun = { readonly n: number; readonly account: string; readonly at: number }[]

/** A processor that writes down what it handles, in the order of its commits. */
export function ledger(
  before: (move: Move['data'], message: Move, key: string) => unknown = () => {},
  { name = 'ledger', ...options }: LedgerOptions & { readonly name?: string } = {},
): Processor {
  return processor(name, {
    on: Moves,
    retry: hasty,
    ...options,
    handle: {
      moved: async (message, { commit, idempotencyKey }) => {
        const { account, n } = message.data
        await before(message.data, message, idempotencyKey)
        return commit(
          (tx) => tx.query`insert into seen (who, account, n, id) values (${name}, ${account}, ${n}, ${message.id})`,
        )
      },
    },
  })
}

export const setup: AppOptions['setup'] = (tx) =>
  tx.query`create table if not exists seen (place integer primary key, who text, account text, n int, id text)`

export type BankOptions = Partial<Omit<AppOptions, 'name' | 'broker' | 'parts'>> & { readonly seed?: number }

/** The app of the bank, which a simulation starts on a file of its own. */
export function bankApp(parts: readonly Part[], options: Omit<BankOptions, 'seed'> = {}, file = 'bank.db'): App {
  return app({ name: 'bank', broker: sqlite({ file }), log: () => {}, setup, ...options, parts: [Moves, ...parts] })
}

/** A bank on a simulated machine. With a function each process gets parts of its own, as in real life. */
export function bank(
  t: Ends,
  parts: readonly Part[] | (() => readonly Part[]),
  { seed = 1, ...options }: BankOptions = {},
): Simulation {
  const made = typeof parts === 'function' ? parts : () => parts
  const sim = simulation({ app: () => bankApp(made(), options), seed })
  t.after(() => sim.stop())
  return sim
}

export const upTo = (end: number, from = 0) => Array.from({ length: end - from }, (_, index) => from + index)

/** Publishes moves with these numbers, one after the other. */
export async function publish(sim: Simulation, account: string, numbers: readonly number[]): Promise<void> {
  for (const n of numbers) await sim.publish(Moved, { account, n })
}

/** What was handled of an account, in the order of commits. */
export function seen(sim: Simulation, account: string, who = 'ledger'): number[] {
  return sim.query<{ n: number }>`select n from seen where who = ${who} and account = ${account} order by place`.map(
    ({ n }) => n,
  )
}

/** What is at the desk in a state, the oldest first. */
export function atDesk(sim: Simulation, ...states: DeskState[]): Promise<DeskRow[]> {
  return sim.settled(sim.app.desk.list({ states, limit: 10_000 }))
}

/** The one that is held. */
export function onlyHeld(sim: Simulation): DeskRow {
  const held = sim.held()
  assert.equal(held.length, 1, `one is held, not ${held.length}`)
  return held[0]!
}

/** Held, waiting, discarded. */
export async function counts(sim: Simulation): Promise<[held: number, waiting: number, discarded: number]> {
  const { held, waiting, discarded } = await sim.settled(sim.app.desk.counts())
  return [held, waiting, discarded]
}

/** What was done about a message, oldest first. */
export async function history(sim: Simulation, id: number): Promise<string[]> {
  const item = await sim.settled(sim.app.desk.show(id))
  return item!.history.map(({ action, by, reason }) => `${action} by ${by}${reason === null ? '' : `: ${reason}`}`)
}

/** The events on the topic of failures, in order. */
export function told(sim: Simulation): { type: string; processor: string; n: number; outcome?: string }[] {
  const [stream] = sim.query<{ id: number }>`select id from millrace_streams where name = 'failures'`
  return sim.rows<{ kind: number; data: string }>(`millrace_log_${stream!.id}`).map(({ kind, data }) => {
    const [row] = sim.query<{ type: string }>`select type from millrace_kinds where id = ${kind}`
    const {
      processor: who,
      message,
      outcome,
    } = JSON.parse(data) as {
      processor: string
      message: { data: { n: number } }
      outcome?: string
    }
    return {
      type: row!.type.replace('processing.', ''),
      processor: who,
      n: message.data?.n,
      ...(outcome && { outcome }),
    }
  })
}

/** Lets time pass until something holds. */
export async function until(sim: Simulation, what: string, holds: () => boolean, stepMs = 10): Promise<void> {
  for (let steps = 0; !holds(); steps++) {
    assert(steps < 100_000, `waited in vain until ${what}`)
    await sim.advance(stepMs)
  }
}

/** A gate that handlers wait at. */
export function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { open: resolve, opened: promise }
}

/** What the file says of lanes must always hold: exactly one head each, and every group counts what is in it. */
export function assertDeskSound(sim: Simulation): void {
  const heads = sim.query<{ processor: string; lane: string; heads: number; first: number; top: number }>`
    select processor, lane, sum(state in ('held', 'deciding', 'trying')) as heads, min(place) as first,
      min(case when state in ('held', 'deciding', 'trying') then place end) as top
    from millrace_desk where lane is not null group by processor, stream, lane`
  for (const { processor: who, lane, heads: count, first, top } of heads) {
    assert.equal(count, 1, `lane ${lane} of "${who}" has ${count} heads`)
    assert.equal(top, first, `the head of lane ${lane} of "${who}" is its first`)
  }
  const ties = sim.query`select processor, lane, place from millrace_desk where lane is not null
    group by processor, stream, lane, place having count(*) > 1`
  assert.deepEqual(ties, [], 'no two of a lane have one place')
  const wrong = sim.query`select g.id, g.held, (select count(*) from millrace_desk d where d.group_id = g.id) as counted
    from millrace_desk_groups g
    where g.held <> (select count(*) from millrace_desk d where d.group_id = g.id and d.state = 'held')`
  assert.deepEqual(wrong, [], 'each group counts what is held in it')
  const ungrouped = sim.query`select id, state from millrace_desk where (state = 'held') <> (group_id is not null)`
  assert.deepEqual(ungrouped, [], 'exactly what is held is in a group')
}
