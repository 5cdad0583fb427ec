// A store as one elsewhere behaves, around any store: its arguments and results are copies, its answers come later, and
// messages arrive late and in other groups than those in which they were appended. By chance it gives what SQLite hardly
// gives:
//
//   trouble  nothing is written, for a reason that passes
//   known    all is written, and its answer was lost: what would follow before the sync is not asked for
//   lost     the store belongs to somebody else, whether the group was written or not
//   first    the group ends at a function, which comes back without an outcome; the next group has to begin with it
import type { Stored } from '../../src/model/codec.ts'
import { fault } from '../../src/model/errors.ts'
import type { CommitFunction, CommitGroup, Committed, Ran } from '../../src/seam/commit.ts'
import type { ArrivalListener, LogStore } from '../../src/seam/log.ts'
import type { Broker, Store } from '../../src/seam/store.ts'
import type { World } from '../../src/seam/world.ts'

/** How likely each is at a commit, from 0 to 1. */
export interface FarChances {
  readonly trouble?: number
  readonly known?: number
  readonly lost?: number
  readonly first?: number
}

/** How often each has come. */
export type FarCounts = Record<keyof FarChances, number>

export const noFarCounts = (): FarCounts => ({ trouble: 0, known: 0, lost: 0, first: 0 })

export interface FarOptions {
  readonly chances: FarChances
  readonly random: () => number
  readonly counts?: FarCounts
}

/** The same broker, behind a store that is far away. */
export function farBroker(broker: Broker, options: FarOptions): Broker {
  return { ...broker, create: (world) => farStore(broker.create(world), world, options) }
}

/** Members of a store that answer at once, or whose arguments are functions of the process. */
const near: readonly PropertyKey[] = ['open', 'room', 'health', 'checkFiles', 'query']

export function farStore(store: Store, world: World, options: FarOptions): Store {
  const soon = () => new Promise<void>((resolve) => world.soon(resolve))
  const commits = new FarCommits(store, options, soon)
  const log = (near: LogStore) => ({
    onArrival: (listener: ArrivalListener) => near.onArrival(arrivingLate(listener, options.random, world)),
  })
  return new Proxy(store, {
    get(target, name) {
      if (name === 'commit') return (group: CommitGroup) => commits.commit(group)
      const value: unknown = Reflect.get(target, name, target)
      if (near.includes(name)) return typeof value === 'function' ? value.bind(target) : value
      if (typeof value === 'function') return later(value.bind(target), soon)
      return facet(value as object, soon, name === 'log' ? log(value as LogStore) : {})
    },
  })
}

function facet(near: object, soon: () => Promise<void>, own: object): object {
  return new Proxy(near, {
    get(target, name) {
      if (Object.hasOwn(own, name)) return Reflect.get(own, name)
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value === 'function') return later(value.bind(target), soon)
      return typeof value === 'object' && value !== null ? facet(value, soon, {}) : value
    },
  })
}

/** The same method, between copies. */
function later(method: (...given: unknown[]) => unknown, soon: () => Promise<void>) {
  return async (...given: unknown[]) => {
    const sent = given.map((one) => (typeof one === 'function' ? called(one as () => unknown) : copy(one)))
    await soon()
    try {
      return copy(await method(...sent))
    } finally {
      await soon()
    }
  }
}

const called =
  (fn: (...given: unknown[]) => unknown) =>
  (...given: unknown[]) =>
    copy(fn(...given.map(copy)))

/** A listener that is told later, in other groups, and of copies. */
function arrivingLate(listener: ArrivalListener, random: () => number, world: World): ArrivalListener {
  const messages: Stored[] = []
  const positions: number[] = []
  let telling = false
  const tell = () => {
    if (random() < 0.5) {
      world.soon(tell)
      return
    }
    const count = 1 + Math.floor(random() * messages.length)
    listener(messages.splice(0, count), positions.splice(0, count))
    telling = messages.length > 0
    if (telling) world.soon(tell)
  }
  return (arrived, at) => {
    messages.push(...copy(arrived))
    positions.push(...at)
    if (telling) return
    telling = true
    world.soon(tell)
  }
}

class FarCommits {
  private readonly store: Store
  private readonly options: FarOptions
  private readonly soon: () => Promise<void>
  /** The function that came back, which the next group begins with. */
  private first: CommitFunction | undefined

  constructor(store: Store, options: FarOptions, soon: () => Promise<void>) {
    this.store = store
    this.options = options
    this.soon = soon
  }

  async commit(group: CommitGroup): Promise<Committed> {
    await this.soon()
    const { first } = this
    this.first = undefined
    if (first !== undefined && group.functions[0] !== first) {
      throw new Error('the group does not begin with the function that came back without an outcome')
    }
    if (this.comes('trouble')) {
      const why = fault('millrace/disk-full', 'the server has no room')
      return { state: 'trouble', why, rest: 'again', written: [] }
    }
    const lost = this.comes('lost')
    if (lost && this.options.random() < 0.5) return this.lost()
    const known = this.comes('known')
    const ends = this.comes('first')
      ? Math.floor(this.options.random() * group.functions.length)
      : group.functions.length
    const back = group.functions[ends]
    const ran = group.functions.slice(0, ends)
    const { sent, outcomes } = send(group, ran, known ? 'known' : 'written')
    const answer = await this.store.commit(sent)
    outcomes()
    await this.soon()
    if (lost) return this.lost()
    if (answer.state === 'lost') return answer
    if (answer.state === 'trouble') return { ...answer, written: copy(answer.written) }
    // A store that has left others before it wants those first.
    if (ran.every(({ outcome }) => outcome !== undefined)) this.first = back
    return known ? { state: 'known', written: copy(answer.written) } : { ...copy(answer) }
  }

  private lost(): Committed {
    return { state: 'lost', why: fault('millrace/ownership-lost', 'another process has taken the store over') }
  }

  private comes(what: keyof FarChances): boolean {
    const { chances, random, counts } = this.options
    const comes = random() < (chances[what] ?? 0)
    if (comes && counts !== undefined) counts[what]++
    return comes
  }
}

/** A group as it goes to the store: its functions run there, their outcomes come back with the next call. */
function send(group: CommitGroup, ran: readonly CommitFunction[], answer: 'written' | 'known') {
  const functions = ran.map((fn): CommitFunction => {
    const savepoint = fn.savepoint === undefined ? undefined : () => fn.savepoint!()
    const watch = fn.watch === undefined ? undefined : told((statement) => fn.watch!(statement))
    return { label: fn.label, run: (tx, own) => fn.run(tx, own), savepoint, watch, outcome: undefined }
  })
  const outcomes = () => {
    for (const [index, { outcome }] of functions.entries()) ran[index]!.outcome = outcome
  }
  const sent: CommitGroup = {
    functions,
    inChain: group.inChain,
    changes: (some, of) => {
      outcomes()
      return copy(
        group.changes(
          some.map((fn) => ran[functions.indexOf(fn)]!),
          of,
        ),
      )
    },
    rolledBack: () => group.rolledBack(),
    ahead: async (written) => {
      const next = answer === 'known' ? undefined : await group.ahead?.(copy(written))
      return next && send(next, [], 'written').sent
    },
  }
  return { sent, outcomes }
}

/** Statements are told as copies; the error that one gives its function is of the process. */
function told(watch: (statement: Ran) => void) {
  return ({ error, ...statement }: Ran) => watch(error === undefined ? copy(statement) : { ...copy(statement), error })
}

/** A copy as a store elsewhere gets it. What belongs to the process stays here. */
export function copy<T>(value: T): T {
  return structuredClone(bare(value)) as T
}

const ofProcess: readonly string[] = ['decoded', 'plain']

function bare(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(bare)
  if (ArrayBuffer.isView(value) || value instanceof Date || value instanceof Error) return value
  if (value instanceof Map || value instanceof Set) return value
  const fields = Object.entries(value).filter(([name]) => !ofProcess.includes(name))
  return Object.fromEntries(fields.map(([name, field]) => [name, bare(field)]))
}
