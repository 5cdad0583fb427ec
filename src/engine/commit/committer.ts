// Everything that is written goes through here, one batch at a time.
//
//   idle ──kick──→ scheduled (a turn later, so that what is ready now goes along) ──→ flushing ──→ idle | scheduled
//                                                                                        └ disk trouble → waiting ──→ scheduled
//
// While a batch is written and synced, the next one gathers: the busier the store, the larger the batch.
import { isOwn, type Stored } from '../../model/codec.ts'
import { isMillraceError, type MillraceError } from '../../model/errors.ts'
import { type Accepted, idConflict } from '../../model/publish.ts'
import type { Batch, Changes, CommitFunction, Committed, Written } from '../../seam/commit.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { FlowChange } from '../../seam/flows.ts'
import type { RequestChange } from '../../seam/requests.ts'
import type { Store } from '../../seam/store.ts'
import type { TimedChange } from '../../seam/timers.ts'
import type { World } from '../../seam/world.ts'
import { Chain } from './chain.ts'
import type { TakenBack } from './collected.ts'
import { Group } from './group.ts'
import type { Follower, Handled } from './handled.ts'
import type { Errand } from './timed-write.ts'

/** A message from outside that waits to be accepted. Made by a constructor, as all that lives as long as a batch. */
export class Publish {
  readonly message: Stored
  readonly resolve: (accepted: Accepted) => void
  readonly reject: (error: unknown) => void

  constructor(message: Stored, resolve: (accepted: Accepted) => void, reject: (error: unknown) => void) {
    this.message = message
    this.resolve = resolve
    this.reject = reject
  }
}

/** A function of `app.transaction` or `setup`, with what it publishes. */
export interface Transaction extends CommitFunction {
  /** No processor runs it. */
  readonly processor?: undefined
  readonly outgoing: readonly Stored[]
  /** Requests that it takes back. */
  readonly withdrawn: readonly TakenBack[]
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Something to write that needs no function of a user. */
export interface Job {
  readonly changes?: readonly DeskChange[] | undefined
  readonly requests?: readonly RequestChange[] | undefined
  readonly flows?: readonly FlowChange[] | undefined
  /** Messages that leave with it. */
  readonly outgoing?: readonly Stored[] | undefined
  /** Whose progress is written with it. */
  readonly consumer?: Follower | undefined
  /** The position that is done with it. */
  readonly position?: number | undefined
  readonly written?: (() => void) | undefined
  /** Called when it is not known to be written, for good. */
  readonly dropped?: ((error: unknown) => void) | undefined
}

/** What follows from what a batch has committed, before that is durable: what only computes may be ahead of the disk. */
export type Ahead = (what: Pick<Settled, 'appended' | keyof RequestsWritten>) => Promise<Job[]>

interface Mark {
  readonly processor: string
  readonly stream: number
  readonly position: number
  readonly written: () => void
}

/** What has become of requests, and for each the number of its entry in a journal; 0 where it has none. */
export type RequestsWritten = Pick<Settled, 'requests' | 'entries'>

/** What the engine does with a batch that is durable. */
export interface Settled {
  /** What was appended, and what was kept until it is due, in the order of positions; what repeats is there too. */
  readonly appended: readonly Stored[]
  /** What has become of requests. */
  readonly requests: readonly RequestChange[]
  readonly entries: readonly number[]
  readonly consumers: ReadonlySet<Follower>
  /** Requests that its functions have taken back. */
  readonly withdrawn: readonly TakenBack[]
}

/** After trouble with the disk, how long until the next try, milliseconds; and after a lock, which takes no time to look at. */
const troubleMs = 1_000
const lockedMs = 50
const publishesPerBatch = 4_096

export class Committer {
  /** Why the last batch was not written, while that is so. */
  trouble: MillraceError | undefined
  private readonly world: World
  private readonly store: Store
  private readonly flushBytes: number
  private readonly settled: (what: Settled) => void
  private readonly quiet: () => void
  private readonly fatal: (error: unknown) => void
  private publishes: Publish[] = []
  private functions: (Handled | Transaction)[] = []
  private finished: Handled[] = []
  private jobs: Job[] = []
  private marks: Mark[] = []
  private errands: Errand[] = []
  private works: { run(): Promise<void>; reject(error: unknown): void }[] = []
  /** The batch that is being written. */
  private writing: OneBatch | undefined
  private readonly chain = new Chain()
  private scheduled = false
  private flushing = false
  private waiting = false
  /** Set at the end: what everybody is told from then on. */
  private ended: { readonly why: unknown } | undefined

  constructor(
    world: World,
    store: Store,
    flushBytes: number,
    settled: (what: Settled) => void,
    quiet: () => void,
    fatal: (error: unknown) => void,
  ) {
    this.world = world
    this.store = store
    this.flushBytes = flushBytes
    this.settled = settled
    this.quiet = quiet
    this.fatal = fatal
  }

  /** Set before anything is written. */
  ahead: Ahead | undefined

  publish(publish: Publish): void {
    this.publishes.push(publish)
    this.kick()
  }

  /** Whether the attempt at a message of the app has ended well, and its commit is to come or under way. */
  holds(id: string): boolean {
    const of = (one: Handled | Transaction) => one.processor !== undefined && isOwn(one.message, id)
    if (this.functions.some(of) || this.finished.some(of)) return true
    const { writing } = this
    return writing !== undefined && (writing.functions.some(of) || writing.finished.some(of))
  }

  get pendingPublishes(): number {
    return this.publishes.length
  }

  transact(transaction: Transaction): void {
    this.functions.push(transaction)
    this.kick()
  }

  /** An attempt that ended well; its commit is what makes its message done. */
  finish(attempt: Handled): void {
    if (attempt.needsFunction) this.functions.push(attempt)
    else this.finished.push(attempt)
    this.kick()
  }

  write(job: Job): void {
    this.jobs.push(job)
    this.kick()
  }

  /** The same; resolves when it is written, rejects when it is not known to be, for good. */
  written(job: Job): Promise<void> {
    return new Promise((resolve, reject) => this.write({ ...job, written: resolve, dropped: reject }))
  }

  /** Writes how far a consumer is, though nothing of it was handled. */
  save(consumer: Follower): void {
    this.write({ consumer })
  }

  /** Runs something that writes by itself, between two batches. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = async () => {
        try {
          resolve(await work())
        } catch (error) {
          reject(error)
          // Whoever asked for that sync: after it nothing is known to be durable.
          if (endsStore(error)) throw error
        }
      }
      this.works.push({ run, reject })
      this.kick()
    })
  }

  /** Remembers that a message is about to start. It may start once that is committed. */
  mark(mark: Mark): void {
    this.marks.push(mark)
    this.kick()
  }

  /** Writes what is due to time, with the next batch. */
  errand<Do extends TimedChange['do']>(errand: Errand<Do>): void {
    this.errands.push(errand as unknown as Errand)
    this.kick()
  }

  get idle(): boolean {
    return !this.flushing && this.empty
  }

  /** Whether a batch is being written. */
  get busy(): boolean {
    return this.flushing
  }

  /** Nothing more is written: what waits is told so, and whatever comes later. */
  end(error: unknown): void {
    this.ended = { why: error }
    const { publishes, functions, jobs, errands, works } = this
    this.works = []
    this.publishes = []
    this.functions = []
    this.finished = []
    this.jobs = []
    this.marks = []
    this.errands = []
    refuse({ publishes, functions, jobs, errands }, error)
    for (const { reject } of works) reject(error)
  }

  private get empty(): boolean {
    return this.works.length === 0 && this.batchEmpty
  }

  private get batchEmpty(): boolean {
    return (
      this.publishes.length === 0 &&
      this.functions.length === 0 &&
      this.finished.length === 0 &&
      this.jobs.length === 0 &&
      this.marks.length === 0 &&
      this.errands.length === 0
    )
  }

  private kick(): void {
    if (this.ended !== undefined) this.end(this.ended.why)
    if (this.scheduled || this.flushing || this.waiting || this.ended !== undefined) return
    this.scheduled = true
    this.world.soon(this.flush)
  }

  private readonly flush = (): void => {
    this.scheduled = false
    if (this.ended !== undefined || this.empty) return
    this.flushing = true
    this.writeBatch().then(
      () => {
        this.flushing = false
        if (this.empty) this.quiet()
        else this.kick()
      },
      (error) => {
        this.flushing = false
        this.fatal(error)
      },
    )
  }

  private async writeBatch(): Promise<void> {
    for (let left = this.works.length; left > 0; left--) await this.works.shift()?.run()
    if (this.batchEmpty) return
    const { functions, finished, jobs, marks, errands } = this
    const { ahead: runAhead } = this
    const batch = new OneBatch(this.takePublishes(), functions, finished, jobs, marks, errands)
    if (runAhead !== undefined) batch.followedBy = () => this.writeAhead(batch, runAhead)
    batch.inChain = this.chain.begins(this.world.elapsed())
    this.functions = []
    this.finished = []
    this.jobs = []
    this.marks = []
    this.errands = []
    let answer: Committed
    this.writing = batch
    try {
      answer = await this.store.commit(batch)
    } catch (error) {
      refuse(batch, error)
      throw error
    } finally {
      this.writing = undefined
      this.chain.ends(this.world.elapsed(), this.empty)
    }
    if (this.ended !== undefined) {
      refuse(batch, this.ended.why)
      return
    }
    const { rest, written, trouble, ahead } = answer
    batch.decided(written)
    this.settle(batch, rest, trouble)
    const { following } = batch
    if (following !== undefined) {
      if (ahead !== undefined) {
        following.decided([ahead])
        this.settle(following, true, undefined)
      } else {
        this.jobs = [...following.jobs, ...this.jobs]
        this.finished = [...following.finished, ...this.finished]
      }
    }
    if (trouble !== undefined) this.wait(trouble)
    this.trouble = trouble
  }

  /** What follows from a batch before it is durable: of flows, and of attempts that only compute. */
  private async writeAhead(batch: OneBatch, runAhead: Ahead): Promise<OneBatch | undefined> {
    const jobs = await runAhead(batch)
    // What is to be written about a message at the desk comes before the end of its attempt.
    const mayGo = ({ processor, position }: Handled) =>
      processor.spec.runsAhead && (position > 0 || this.jobs.length === 0)
    const finished = this.finished.filter(mayGo)
    if (jobs.length === 0 && finished.length === 0) return undefined
    this.finished = this.finished.filter((attempt) => !mayGo(attempt))
    return new OneBatch([], [], finished, jobs, [], [])
  }

  /** What was written has its consequences; what was not goes to the front again. */
  private settle(batch: OneBatch, rest: boolean, trouble: MillraceError | undefined): void {
    const again: (Handled | Transaction)[] = []
    const { consumers } = batch
    for (const fn of batch.functions) {
      const { outcome } = fn
      if (outcome === undefined) {
        // What a handler has done waits however long it lasts; who calls is told, as publishers are.
        if (trouble !== undefined && fn.processor === undefined) fn.reject(trouble)
        else again.push(fn)
        continue
      }
      if (fn.processor !== undefined) {
        consumers.add(fn.processor)
        if (outcome.ok) {
          fn.committed()
        } else {
          fn.outcome = undefined
          fn.commitFailed(outcome.error)
        }
      } else if (outcome.ok) fn.resolve(outcome.value)
      else fn.reject(outcome.error)
      if (outcome.ok && fn.withdrawn.length > 0) batch.withdrawn.push(...fn.withdrawn)
    }
    if (again.length > 0) this.functions = [...again, ...this.functions]
    if (rest) {
      for (const attempt of batch.finished) {
        attempt.committed()
        consumers.add(attempt.processor)
      }
      for (const { message, resolve, reject } of batch.publishes) {
        if (message.repeat === 'other') reject(idConflict(message))
        else resolve(message.repeat === 'same' ? { id: message.id, duplicate: true } : { id: message.id })
      }
      for (const { consumer, written } of batch.jobs) {
        if (consumer !== undefined) consumers.add(consumer)
        written?.()
      }
      for (const { written } of batch.marks) written()
      batch.tellErrands()
    } else {
      for (const { reject } of batch.publishes) reject(trouble)
      for (const { patient, dropped } of batch.errands) if (!patient) dropped(trouble)
      this.errands = [...batch.errands.filter(({ patient }) => patient), ...this.errands]
      this.finished = [...batch.finished, ...this.finished]
      this.jobs = [...batch.jobs, ...this.jobs]
      this.marks = [...batch.marks, ...this.marks]
    }
    this.settled(batch)
    batch.letGo()
  }

  private takePublishes(): Publish[] {
    const { publishes } = this
    let bytes = 0
    let count = 0
    while (count < publishes.length && count < publishesPerBatch && bytes < this.flushBytes) {
      bytes += publishes[count++]!.message.json.length
    }
    this.publishes = count === publishes.length ? [] : publishes.slice(count)
    return count === publishes.length ? publishes : publishes.slice(0, count)
  }

  private wait({ code, message }: MillraceError): void {
    this.waiting = true
    const inMs = code === 'millrace/locked' ? lockedMs : troubleMs
    // Said once, however long it lasts.
    if (this.trouble?.code !== code) this.world.log('error', `${message}; trying again`, { everyMs: inMs })
    this.world.after(inMs, () => {
      this.waiting = false
      this.kick()
    })
  }
}

/** Whether after an error nothing that is committed is known to be kept. */
function endsStore(error: unknown): boolean {
  return isMillraceError(error, 'millrace/sync-failed') || isMillraceError(error, 'millrace/files-replaced')
}

/** Tells all that wait that theirs is not known to be written. */
function refuse(what: Pick<OneBatch, 'publishes' | 'functions' | 'jobs' | 'errands'>, error: unknown): void {
  for (const { reject } of what.publishes) reject(error)
  for (const fn of what.functions) if (fn.processor === undefined) fn.reject(error)
  for (const { dropped } of what.jobs) dropped?.(error)
  for (const { dropped } of what.errands) dropped(error)
}

class OneBatch implements Batch {
  readonly publishes: Publish[]
  readonly functions: (Handled | Transaction)[]
  readonly finished: Handled[]
  readonly jobs: Job[]
  readonly marks: readonly Mark[]
  readonly errands: readonly Errand[]
  /** What each of its transactions writes, in their order. */
  private readonly groups: Group[] = []
  readonly withdrawn: TakenBack[] = []
  readonly consumers = new Set<Follower>()
  /** What follows from it before it is durable. */
  following: OneBatch | undefined
  followedBy: (() => Promise<OneBatch | undefined>) | undefined
  inChain = false
  private touched = new Set<Follower>()

  constructor(
    publishes: Publish[],
    functions: (Handled | Transaction)[],
    finished: Handled[],
    jobs: Job[],
    marks: readonly Mark[],
    errands: readonly Errand[],
  ) {
    this.publishes = publishes
    this.functions = functions
    this.finished = finished
    this.jobs = jobs
    this.marks = marks
    this.errands = errands
  }

  get appended(): readonly Stored[] {
    return this.groups.length === 1 ? this.groups[0]!.appended : this.groups.flatMap(({ appended }) => appended)
  }

  get requests(): readonly RequestChange[] {
    return this.groups.length === 1 ? this.groups[0]!.requests : this.groups.flatMap(({ requests }) => requests)
  }

  get entries(): readonly number[] {
    return this.groups.flatMap(({ written }) => written!.entries)
  }

  changes(functions: readonly CommitFunction[], rest: boolean): Changes {
    const group = new Group(rest ? this.marks : [])
    this.groups.push(group)
    this.touched = new Set()
    if (rest) {
      for (const { message } of this.publishes) group.append.push(message)
      for (const { changes, requests, flows, outgoing, consumer, position } of this.jobs) {
        if (flows !== undefined) for (const change of flows) group.flows.push(change)
        if (changes !== undefined) for (const change of changes) group.desk.push(change)
        if (requests !== undefined) for (const change of requests) group.requests.push(change)
        if (outgoing !== undefined) for (const message of outgoing) group.append.push(message)
        if (consumer !== undefined) this.done(consumer, position ?? 0)
      }
      for (const attempt of this.finished) this.finish(attempt, group)
      for (const { change } of this.errands) group.timed.push(change)
    }
    for (const fn of functions as readonly (Handled | Transaction)[]) {
      if (fn.outcome?.ok !== true) continue
      if (fn.processor !== undefined) this.finish(fn, group)
      else group.leave(fn.outgoing)
    }
    for (const consumer of this.touched) group.progress.push(consumer.progress.row())
    return group
  }

  /** Takes the answer of the store: what it has decided in each transaction. */
  decided(written: readonly Written[]): void {
    for (const [index, group] of this.groups.entries()) group.written = written[index]
  }

  /** Tells each errand what has become of it. They are in the first transaction. */
  tellErrands(): void {
    for (const [index, errand] of this.errands.entries()) errand.written(this.groups[0]!.written!.timed[index]!)
  }

  async ahead(written: readonly Written[]): Promise<Batch | undefined> {
    this.decided(written)
    this.following = await this.followedBy?.()
    return this.following
  }

  rolledBack(): void {
    for (const consumer of this.touched) consumer.progress.restore()
    this.touched = new Set()
    this.groups.pop()
  }

  /**
   * Refers to nothing any more. V8 comes to put lists like these among the old objects at once, where they are taken for
   * alive, with all that they refer to, until the next full collection.
   */
  letGo(): void {
    for (const list of [this.publishes, this.functions, this.finished, this.jobs]) list.length = 0
    for (const group of this.groups) group.letGo()
  }

  private finish(attempt: Handled, group: Group): void {
    const { also, position } = attempt
    group.leave(attempt.outgoing)
    if (also !== undefined) {
      for (const change of also.flows) group.flows.push(change)
      for (const message of also.outgoing) group.append.push(message)
    }
    const request = attempt.requestEnd()
    if (request !== undefined) group.requests.push(request)
    if (position > 0) {
      this.done(attempt.processor, position)
      return
    }
    const { changes, outgoing } = attempt.deskEnd()
    for (const change of changes) group.desk.push(change)
    for (const message of outgoing) group.append.push(message)
  }

  private done(consumer: Follower, position: number): void {
    if (!this.touched.has(consumer)) {
      this.touched.add(consumer)
      consumer.progress.save()
    }
    if (position > 0) consumer.progress.done(position)
  }
}
