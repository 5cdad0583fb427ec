// Two apps that deliver to each other, each on a simulated machine, with a network between that goes wrong. Their clocks
// go on in turns. Either may be killed at a commit; a client of each publishes until it has its acknowledgement.
import assert from 'node:assert/strict'
import { app, event, processor, sqlite, topic } from 'millrace'
import type { Answered, Arrived } from 'millrace/testing'
import { z } from 'zod'
import { deliver } from '../../src/http/deliver.ts'
import { takeIn } from '../../src/operate/edge.ts'
import { FaultPlan, type Step } from '../../src/testing/faults.ts'
import { beginsAtDefaultMs, Machine } from '../../src/testing/machine/machine.ts'
import { type Random, randomOf } from '../../src/testing/random.ts'

export const Noted = event('noted', { schema: z.object({ key: z.string(), n: z.number() }), context: ({ key }) => key })
export const Notes = topic('notes', [Noted])

const always = { alive: true }
const quantumMs = 150
const quantaMax = 4_000

/** Kills at a commit, by its number, and makes the network fail by chance. */
export class Killing extends FaultPlan {
  private commits = 0
  private readonly at: number
  private over = false

  constructor(at: number, random: Random) {
    super({ networkFails: true }, random)
    this.at = at
  }

  override dies(step: Step): 'crash' | 'powerCut' | undefined {
    if (this.over || step !== 'commit' || ++this.commits !== this.at) return undefined
    return this.at % 3 === 0 ? 'powerCut' : 'crash'
  }

  override heal(): void {
    this.over = true
    super.heal()
  }
}

interface Request {
  readonly arrived: Arrived
  readonly answer: (answered: Answered) => void
  readonly breaks: (error: Error) => void
}

export interface SideOptions {
  readonly name: string
  /** The name of the other one. */
  readonly to: string
  readonly seed: number
  /** The number of the step of a commit at which it is killed; 0 for never. */
  readonly killedAt: number
}

interface Row {
  readonly source: string
  readonly id: string
  readonly key: string
  readonly n: number
}

export class Side {
  readonly name: string
  readonly machine: Machine
  readonly sent: Arrived[] = []
  readonly faults: Killing
  /** Requests of the other side that have arrived. */
  private inbox: Request[] = []
  private readonly random: Random
  private other!: Side
  /** Until when nothing reaches it, by the clock of its sender. */
  awayUntil = 0

  constructor({ name, to, seed, killedAt }: SideOptions) {
    this.name = name
    this.random = randomOf(seed, `pair ${name}`)
    this.faults = new Killing(killedAt, this.random.fork('faults'))
    const make = () =>
      app({
        name,
        broker: sqlite({ file: 'pair.db' }),
        setup: (tx) => tx.query`create table if not exists kept (place integer primary key, source text, id text,
          key text, n int, unique (source, id))`,
        parts: [
          deliver('out', { on: Notes, url: `https://${to}.example/events`, to, probeEveryMs: 30_000 }),
          processor('keep', {
            on: Notes,
            handle: {
              noted: ({ id, source, data }, { commit }) =>
                commit(
                  (tx) =>
                    tx.query`insert into kept (source, id, key, n) values (${source}, ${id}, ${data.key}, ${data.n})`,
                ),
            },
          }),
        ],
      })
    this.machine = new Machine({
      make,
      seed,
      beginsAt: beginsAtDefaultMs,
      faults: this.faults,
      network: (arrived) => {
        this.sent.push(arrived)
        return this.other.arrives(arrived, this.machine.now())
      },
    })
  }

  meets(other: Side): void {
    this.other = other
  }

  private arrives(arrived: Arrived, now: number): Promise<Answered> {
    return new Promise((answer, breaks) => {
      if (this.machine.app === undefined || now < this.awayUntil) breaks(new Error('nobody is there'))
      else this.inbox.push({ arrived, answer, breaks })
    })
  }

  /** Its machine goes on for a while; a process that has died is started again. */
  async advance(ms = quantumMs): Promise<void> {
    const { machine } = this
    const { scheduler } = machine
    if (machine.app === undefined && (machine.starts === 0 || this.random.chance(0.3))) {
      await scheduler.settled('the start', machine.begin())
    }
    for (const request of this.inbox.splice(0)) this.take(request)
    let over = false
    scheduler.after(ms, always, () => {
      over = true
    })
    await scheduler.until('time to pass', () => over)
  }

  /** Takes in what has arrived, as an HTTP edge does. */
  private take({ arrived, answer, breaks }: Request): void {
    const { app } = this.machine
    if (app === undefined) {
      breaks(new Error('nobody is there'))
      return
    }
    const { specversion: _, id, source, type, data, traceparent, ...attributes } = JSON.parse(arrived.body)
    assert.equal(type, 'noted')
    void this.machine.ends().then(() => breaks(new Error('the connection broke off')))
    takeIn(app, Noted, data, { id, source, traceparent, attributes }).then(
      () => answer({ status: 202 }),
      () => answer({ status: 503 }),
    )
  }

  /** Publishes until it is acknowledged, as a client with an id of its own does. */
  async publish(id: string, key: string, n: number): Promise<void> {
    for (;;) {
      const { app } = this.machine
      if (app !== undefined) {
        const died = this.machine.ends().then(() => false)
        const done = app.publish(Noted, { key, n }, { id }).then(
          () => true,
          () => false,
        )
        if (await Promise.race([done, died])) return
      }
      await new Promise<void>((resolve) => void this.machine.scheduler.after(quantumMs, always, resolve))
    }
  }

  kept(): Row[] {
    return this.machine.look((db) =>
      db.prepare("select 1 from sqlite_schema where name = 'kept'").get() === undefined
        ? []
        : (db.prepare('select source, id, key, n from kept order by place').all() as unknown as Row[]),
    )
  }

  get atDesk(): number {
    return this.machine.look((db) => {
      const { count } = db
        .prepare("select count(*) as count from millrace_desk where state in ('held', 'deciding')")
        .get() as {
        count: number
      }
      return count
    })
  }
}

export const keys = ['a', 'b']
const each = 4

export interface PairRun {
  readonly left: Side
  readonly right: Side
  /** Lets both go on until a condition holds. */
  until(what: string, done: () => boolean): Promise<void>
  dispose(): void
}

export function pairOf(seed: number, killed: { readonly left: number; readonly right: number }): PairRun {
  const left = new Side({ name: 'left', to: 'right', seed, killedAt: killed.left })
  const right = new Side({ name: 'right', to: 'left', seed: seed + 1_000, killedAt: killed.right })
  left.meets(right)
  right.meets(left)
  return {
    left,
    right,
    until: async (what, done) => {
      for (let quanta = 0; !done(); quanta++) {
        assert(quanta < quantaMax, `seed ${seed}: ${what} does not come`)
        await left.advance()
        await right.advance()
      }
    },
    dispose: () => {
      left.machine.dispose()
      right.machine.dispose()
    },
  }
}

/** Clients publish on both sides, each key in order; resolves when all is acknowledged. */
export function publishOn(side: Side, from = 0): Promise<unknown> {
  const one = async (key: string) => {
    for (let n = from; n < from + each; n++) await side.publish(`${side.name} ${key} ${n}`, key, n)
  }
  return Promise.all(keys.map(one))
}

/** Everything is on both sides once, each context of each source in order, and nothing is at the desk. */
export function judge(pair: PairRun, count = each): void {
  for (const side of [pair.left, pair.right]) {
    const kept = side.kept()
    for (const source of ['/left', '/right']) {
      for (const key of keys) {
        const of = kept.filter((row) => row.source === source && row.key === key).map(({ n }) => n)
        const all = Array.from({ length: count }, (_, n) => n)
        assert.deepEqual(of, all, `${side.name} has ${key} of ${source} once each, in order`)
      }
    }
    assert.equal(side.atDesk, 0, `${side.name} has nothing at the desk`)
    const other = side === pair.left ? '/right' : '/left'
    for (const { body } of side.sent) {
      const { source } = JSON.parse(body) as { source: string }
      assert.notEqual(source, other, `${side.name} sends nothing back to where it came from`)
    }
  }
}

export const isWhole = ({ left, right }: PairRun, count = each): boolean =>
  [left, right].every((side) => side.kept().length >= 2 * keys.length * count)
