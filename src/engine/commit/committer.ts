// Everything that is written goes through here, one commit group at a time.
//
//   idle ──something to write──→ gathering (a turn, so that what is ready now goes along)
//   gathering ──→ writing ──committed──→ syncing ──durable──→ idle, or gathering
//                    └ the store is in trouble ──→ waiting ──→ gathering
//   all ──→ ended: what waits, and what comes later, is refused
//
// While a group is written and synced, the next one gathers: the busier the store, the larger the group.
import { isMillraceError, type MillraceError } from '../../model/errors.ts'
import type { Answered, Committed, Trouble } from '../../seam/commit.ts'
import type { Store } from '../../seam/store.ts'
import type { TimedChange } from '../../seam/timers.ts'
import type { World } from '../../seam/world.ts'
import type { Journals } from './asked.ts'
import { Chain } from './chain.ts'
import { type Committing, Group, type Settled } from './group.ts'
import type { Handled } from './handled.ts'
import type { TimedWrite } from './timed-write.ts'
import { type Job, type Mark, type Publish, type Transaction, Writes } from './writes.ts'

/** The run, as the committer tells it of its work. */
export interface CommitterHost {
  /** A group is durable, and nobody is told yet. */
  settles(): void
  /** A group is durable. */
  settled(what: Settled): void
  /** Nothing waits to be written. */
  quiet(): void
  /** The store is lost, or has failed: what was committed is unknown. */
  fatal(error: unknown): void
}

/** Returns the jobs that follow from a group before it is durable: parts that only compute may be ahead of the disk. */
export type Ahead = (what: Committing) => Promise<Job[]>

type State = 'idle' | 'gathering' | 'writing' | 'syncing' | 'waiting' | 'ended'

const next: Readonly<Record<State, readonly State[]>> = {
  idle: ['gathering', 'ended'],
  gathering: ['writing', 'idle', 'ended'],
  writing: ['syncing', 'idle', 'waiting', 'ended'],
  syncing: ['idle', 'waiting', 'ended'],
  waiting: ['gathering', 'ended'],
  ended: ['ended'],
}

/** After trouble with the disk, how long until the next try, milliseconds; and after a lock, which takes no time to look at. */
const troubleMs = 1_000
const lockedMs = 50

/** Work that writes by itself, between two groups. */
interface Work {
  run(): Promise<void>
  reject(error: unknown): void
}

export class Committer {
  /** Why the last group was not written, while that is so. */
  trouble: MillraceError | undefined
  /** Set before anything is written. */
  ahead: Ahead | undefined
  journals: Journals | undefined
  private state: State = 'idle'
  private readonly world: World
  private readonly store: Pick<Store, 'commit'>
  private readonly flushBytes: number
  private readonly host: CommitterHost
  private pending = new Writes()
  private works: Work[] = []
  /** The group that is being written. */
  private group: Group | undefined
  private readonly chain = new Chain()
  /** Why it has ended: told to all who come later. */
  private why: unknown

  /** `flushBytes` bounds the publishes of a group. */
  constructor(world: World, store: Pick<Store, 'commit'>, flushBytes: number, host: CommitterHost) {
    this.world = world
    this.store = store
    this.flushBytes = flushBytes
    this.host = host
  }

  publish(publish: Publish): void {
    this.pending.publishes.push(publish)
    this.kick()
  }

  /** Whether the attempt at a message of the app has ended well, and its commit is to come or under way. */
  holds(id: string): boolean {
    return this.pending.holds(id) || this.group?.writes.holds(id) === true
  }

  get pendingPublishes(): number {
    return this.pending.published
  }

  transact(transaction: Transaction): void {
    this.pending.transact(transaction)
    this.kick()
  }

  /** An attempt that ended well. Its commit makes its message done. */
  finish(attempt: Handled): void {
    if (attempt.needsFunction) this.pending.functions.push(attempt)
    else this.pending.handled.push(attempt)
    this.kick()
  }

  write(job: Job): void {
    this.pending.jobs.push(job)
    this.kick()
  }

  /** The same. Resolves when it is written; rejects when the run ends before it is known to be. */
  written(job: Job): Promise<void> {
    return new Promise((resolve, reject) => this.write({ ...job, written: () => resolve(), dropped: reject }))
  }

  /** Runs something that writes by itself, between two groups. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = async () => {
        try {
          resolve(await work())
        } catch (error) {
          reject(error)
          // Nothing is known to be durable after a failed sync, wherever it was asked for.
          if (endsStore(error)) throw error
        }
      }
      this.works.push({ run, reject })
      this.kick()
    })
  }

  /** Remembers that a message is about to start. It may start once that is committed. */
  mark(mark: Mark): void {
    this.pending.marks.push(mark)
    this.kick()
  }

  /** Messages arrive: what they begin follows from the group that is being written. */
  arrives(): void {
    if (this.group !== undefined) this.chain.arrives(this.isEmpty ? 'nothing waits' : 'others wait')
  }

  /** Writes a change that is made because of time. */
  writeTimed<Do extends TimedChange['do']>(write: TimedWrite<Do>): void {
    this.pending.timed.push(write as unknown as TimedWrite)
    this.kick()
  }

  get idle(): boolean {
    return !this.busy && this.isEmpty
  }

  /** Whether a group is being written. */
  get busy(): boolean {
    return this.state === 'writing' || this.state === 'syncing'
  }

  /** Writes nothing more. All that waits, and all that comes later, is told why. */
  end(error: unknown): void {
    this.become('ended')
    this.why = error
    const { works, pending } = this
    this.works = []
    this.pending = new Writes()
    pending.refuse(error)
    for (const { reject } of works) reject(error)
  }

  private become(state: State): void {
    if (!next[this.state].includes(state)) throw new Error(`a committer that is ${this.state} cannot be ${state}`)
    this.state = state
  }

  private get isEmpty(): boolean {
    return this.works.length === 0 && this.pending.isEmpty
  }

  private kick(): void {
    if (this.state === 'ended') this.end(this.why)
    if (this.state === 'idle') this.gather()
  }

  private gather(): void {
    this.become('gathering')
    this.world.soon(this.flush)
  }

  private readonly flush = (): void => {
    if (this.state === 'ended') return
    if (this.isEmpty) {
      this.become('idle')
      return
    }
    this.become('writing')
    this.writeNext().then(
      () => {
        if (this.busy) this.become('idle')
        if (this.isEmpty) this.host.quiet()
        else this.kick()
      },
      (error) => {
        if (this.busy) this.become('idle')
        this.host.fatal(error)
      },
    )
  }

  private async writeNext(): Promise<void> {
    for (let left = this.works.length; left > 0; left--) await this.works.shift()?.run()
    if (this.pending.isEmpty) return
    const chained = this.chain.begins(this.world.elapsed()) ? 'chain' : 'single'
    const group = new Group(this.pending.take(this.flushBytes), chained, this.journals, this.committed)
    this.group = group
    let answer: Committed
    try {
      answer = await this.store.commit(group)
    } catch (error) {
      group.writes.refuse(error)
      throw error
    } finally {
      this.group = undefined
      this.chain.ends(this.world.elapsed(), this.isEmpty ? 'nothing waits' : 'others wait')
    }
    if (answer.state === 'lost') {
      group.writes.refuse(answer.why)
      throw answer.why
    }
    if (this.state === 'ended') group.writes.refuse(this.why)
    else this.settle(group, answer)
  }

  /** A group is committed and not durable yet. */
  private readonly committed = (group: Group): Promise<Group | undefined> | undefined => {
    if (this.state === 'writing') this.become('syncing')
    return this.ahead === undefined ? undefined : this.follow(group, this.ahead)
  }

  /** Makes the group that follows: jobs of flows, and ends of attempts that only compute. */
  private async follow(group: Group, ahead: Ahead): Promise<Group | undefined> {
    const jobs = await ahead(group)
    const { pending } = this
    // Changes of a message at the desk come before the end of its attempt.
    const mayGo = ({ processor, position }: Handled) =>
      processor.spec.runsAhead && (position > 0 || pending.jobs.length === 0)
    const handled = pending.handled.filter(mayGo)
    if (jobs.length === 0 && handled.length === 0) return undefined
    pending.handled = pending.handled.filter((attempt) => !mayGo(attempt))
    return new Group(Object.assign(new Writes(), { handled, jobs }), 'single', this.journals)
  }

  private settle(group: Group, answer: Answered | Trouble): void {
    group.decided(answer.written)
    this.host.settles()
    const trouble = answer.state === 'trouble' ? answer.why : undefined
    this.settled(group, answer.state === 'trouble' ? answer.rest : 'written', trouble)
    const { following } = group
    if (following !== undefined) {
      if (answer.state === 'trouble' || answer.ahead === undefined) this.pending.putBack(following.writes)
      else {
        following.decided([answer.ahead])
        this.settled(following, 'written', undefined)
      }
    }
    if (trouble !== undefined) this.wait(trouble)
    this.trouble = trouble
  }

  /** Tells all that wait for a group, and puts the rest to the front again. */
  private settled(group: Group, rest: 'written' | 'again', trouble: MillraceError | undefined): void {
    // Who is told may withdraw the command of an attempt that waits for the next group: it must be found there.
    this.pending.putBack(group.settle(rest, trouble))
    if (rest === 'written') group.tellWritten()
    this.host.settled(group)
    group.clear()
  }

  private wait({ code, message }: MillraceError): void {
    if (this.state === 'ended') return
    this.become('waiting')
    const inMs = code === 'millrace/locked' ? lockedMs : troubleMs
    // Logged once, however long it lasts.
    if (this.trouble?.code !== code) this.world.log('error', `${message}; trying again`, { everyMs: inMs })
    this.world.after(inMs, () => {
      if (this.state === 'waiting') this.gather()
    })
  }
}

/** Whether after an error it is unknown what is committed. */
function endsStore(error: unknown): boolean {
  return isMillraceError(error) && endings.includes(error.code)
}

const endings: readonly string[] = ['millrace/sync-failed', 'millrace/files-replaced', 'millrace/ownership-lost']
