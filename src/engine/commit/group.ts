// One commit group: its transactions, and the consequences of their commit.
//
//   asked for its changes ⇄ rolled back ──→ decided: the store has answered ──→ settled: durable, all that wait are told
import type { Stored } from '../../model/codec.ts'
import type { MillraceError } from '../../model/errors.ts'
import { idConflict } from '../../model/publish.ts'
import type { Changes, CommitFunction, CommitGroup, Written } from '../../seam/commit.ts'
import type { StepEnded } from '../../seam/flows.ts'
import type { RequestChange } from '../../seam/requests.ts'
import type { Journals } from './asked.ts'
import { TransactionChanges } from './changes.ts'
import type { TakenBack } from './collected.ts'
import type { Follower, Handled } from './handled.ts'
import { acceptedOf, type Publish, type Transaction, Writes } from './writes.ts'

/** The messages of a group that is committed and not durable yet, and the steps of flows that have ended with it. */
export interface Committing {
  /** In the order of positions. */
  readonly appended: readonly Stored[]
  readonly ended: readonly StepEnded[]
}

/** A group that is durable, as the engine is told of it. */
export interface Settled extends Committing {
  /** The messages that are kept until they are due. */
  readonly delayed: readonly Stored[]
  /** What has become of requests of the app. */
  readonly requests: readonly RequestChange[]
  /** When the next time of a flow comes; null where there is none. Undefined: that has not changed. */
  readonly flowsDue: number | null | undefined
  readonly consumers: ReadonlySet<Follower>
  /** Requests that its functions have taken back. */
  readonly withdrawn: readonly TakenBack[]
}

/** Asked when a group is committed, for the group that follows from it before it is durable. */
export type Follow = (group: Group) => Promise<Group | undefined> | undefined

export class Group implements CommitGroup, Settled {
  readonly writes: Writes
  readonly inChain: boolean
  readonly withdrawn: TakenBack[] = []
  readonly consumers = new Set<Follower>()
  /** The group that is written after it, before the same sync. */
  following: Group | undefined
  private readonly follow: Follow | undefined
  private readonly journals: Journals | undefined
  /** The changes of each of its transactions, in their order. */
  private readonly transactions: TransactionChanges[] = []
  /** The processors whose progress the present transaction writes. */
  private touched = new Set<Follower>()

  constructor(writes: Writes, inChain: 'chain' | 'single' = 'single', journals?: Journals, follow?: Follow) {
    this.writes = writes
    this.journals = journals
    this.inChain = inChain === 'chain'
    this.follow = follow
  }

  get functions(): readonly CommitFunction[] {
    return this.writes.functions
  }

  get appended(): readonly Stored[] {
    return this.ofEach(({ appended }) => appended)
  }

  get delayed(): readonly Stored[] {
    return this.ofEach(({ delayed }) => delayed)
  }

  get requests(): readonly RequestChange[] {
    return this.ofEach(({ requests }) => requests)
  }

  get ended(): readonly StepEnded[] {
    return this.ofEach(({ told }) => told)
  }

  get flowsDue(): number | null | undefined {
    let due: number | null | undefined
    for (const { written } of this.transactions) {
      const { nextDue } = written!.flows
      if (nextDue !== undefined) due = nextDue
    }
    return due
  }

  changes(functions: readonly CommitFunction[], of: 'all' | 'functions'): Changes {
    const changes = new TransactionChanges()
    this.transactions.push(changes)
    this.touched = new Set()
    if (of === 'all') this.addRest(changes)
    for (const fn of functions as readonly (Handled | Transaction)[]) {
      if (fn.outcome?.ok !== true) continue
      if (fn.processor !== undefined) this.finish(fn, changes)
      else {
        fn.leaves?.(changes, changes.append.length)
        changes.leave(fn.outgoing)
      }
    }
    for (const { progress } of this.touched) changes.progress.push(progress.row())
    if (changes.ends.length > 0) changes.enter(this.journals!)
    return changes
  }

  rolledBack(): void {
    for (const { progress } of this.touched) progress.restore()
    this.touched = new Set()
    this.transactions.pop()
  }

  async ahead(written: readonly Written[]): Promise<CommitGroup | undefined> {
    this.decided(written)
    this.following = await this.follow?.(this)
    return this.following
  }

  /** Takes the decisions of the store about each transaction. */
  decided(written: readonly Written[]): void {
    for (const [index, transaction] of this.transactions.entries()) {
      if (transaction.written === undefined) transaction.decided(written[index]!)
    }
  }

  /** Tells its functions what has become of them. Returns what is to be written again, before any other is told. */
  settle(rest: 'written' | 'again', trouble: MillraceError | undefined): Writes {
    const again = new Writes()
    this.settleFunctions(again, trouble)
    if (rest === 'again') this.keep(again, trouble)
    return again
  }

  /** Refers to nothing from now on. */
  clear(): void {
    this.writes.clear()
    for (const transaction of this.transactions) transaction.clear()
  }

  private settleFunctions(again: Writes, trouble: MillraceError | undefined): void {
    for (const fn of this.writes.functions) {
      const { outcome } = fn
      if (outcome === undefined) {
        // The end of an attempt waits however long it takes. Callers are told at once, as publishers are.
        if (trouble !== undefined && fn.processor === undefined) fn.reject(trouble)
        else again.back.push(fn)
        continue
      }
      if (fn.processor !== undefined) {
        this.consumers.add(fn.processor)
        if (outcome.ok) {
          fn.committed()
        } else {
          fn.outcome = undefined
          fn.commitFailed(outcome.error)
        }
      } else if (outcome.ok) fn.resolve(outcome.value)
      else fn.reject(outcome.error)
      if (outcome.ok && fn.withdrawn.length > 0) this.withdrawn.push(...fn.withdrawn)
    }
  }

  /** Tells all that needed no function that theirs is written. */
  tellWritten(): void {
    const { publishes, handled, jobs, marks, timed } = this.writes
    for (const attempt of handled) {
      attempt.committed()
      this.consumers.add(attempt.processor)
    }
    // They are in the first transaction, publishes before all else.
    const { written } = this.transactions[0]!
    for (let index = 0; index < publishes.length; index++) tell(publishes[index]!, written!.appended[index]!)
    let from = 0
    for (const job of jobs) {
      if (job.consumer !== undefined) this.consumers.add(job.consumer)
      const upTo = from + (job.changes?.length ?? 0)
      job.written?.(upTo === from ? noHeads : written!.heads.slice(from, upTo))
      from = upTo
    }
    for (const mark of marks) mark.written()
    for (const [index, write] of timed.entries()) write.written(written!.timed[index]!)
  }

  private keep(again: Writes, trouble: MillraceError | undefined): void {
    const { publishes, handled, jobs, marks, timed } = this.writes
    for (const { reject } of publishes) reject(trouble)
    for (const { patient, dropped } of timed) if (!patient) dropped(trouble)
    again.timed = timed.filter(({ patient }) => patient)
    again.handled = [...handled]
    again.jobs = [...jobs]
    again.marks = marks
  }

  private addRest(to: TransactionChanges): void {
    const { publishes, handled, jobs, marks, timed } = this.writes
    for (const { processor, stream, position } of marks) to.marks.push({ processor, stream, position })
    for (const { message } of publishes) to.append.push(message)
    for (const { changes, requests, flows, ends, outgoing, consumer, position } of jobs) {
      if (flows !== undefined) for (const change of flows) to.flows.push(change)
      if (changes !== undefined) for (const change of changes) to.desk.push(change)
      if (requests !== undefined) for (const change of requests) to.asked(change)
      if (ends !== undefined) for (const end of ends) to.ends.push(end)
      if (outgoing !== undefined) for (const message of outgoing) to.append.push(message)
      if (consumer !== undefined) this.done(consumer, position ?? 0)
    }
    for (const attempt of handled) this.finish(attempt, to)
    for (const { change } of timed) to.timed.push(change)
  }

  private finish(attempt: Handled, to: TransactionChanges): void {
    const { flowOutcome, position } = attempt
    to.leave(attempt.outgoing)
    if (flowOutcome !== undefined) {
      for (const change of flowOutcome.flows) to.flows.push(change)
      for (const message of flowOutcome.outgoing) to.append.push(message)
    }
    const request = attempt.requestEnd()
    if (request !== undefined) to.asked(request)
    if (position > 0) {
      this.done(attempt.processor, position)
      return
    }
    const { changes, outgoing } = attempt.deskEnd()
    for (const change of changes) to.desk.push(change)
    for (const message of outgoing) to.append.push(message)
  }

  /** A list of all transactions, nearly always of one. */
  private ofEach<T>(list: (transaction: TransactionChanges) => readonly T[]): readonly T[] {
    const { transactions } = this
    return transactions.length === 1 ? list(transactions[0]!) : transactions.flatMap(list)
  }

  private done(consumer: Follower, position: number): void {
    if (!this.touched.has(consumer)) {
      this.touched.add(consumer)
      consumer.progress.save()
    }
    if (position > 0) consumer.progress.done(position)
  }
}

const noHeads: readonly number[] = []

function tell({ message, resolve, reject }: Publish, appended: number | 'same' | 'other'): void {
  if (appended === 'other') reject(idConflict(message))
  else resolve(acceptedOf(message, appended))
}
