// Writes that wait, and those that one commit group takes.
import { isOwn, type Stored } from '../../model/codec.ts'
import type { Accepted } from '../../model/publish.ts'
import type { CommitFunction, Written } from '../../seam/commit.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { FlowChange } from '../../seam/flows.ts'
import type { Appended } from '../../seam/log.ts'
import type { AskedChange, StepEnd } from './asked.ts'
import { nothing, type TakenBack } from './collected.ts'
import type { Follower, Handled } from './handled.ts'
import type { TimedWrite } from './timed-write.ts'

/** A message from outside that waits to be accepted. A class, as all that lives as long as a commit group. */
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

/** The changes of the transaction that messages leave in, and the decisions of the store about them once it is committed. */
interface Leaving {
  readonly written: Written | undefined
}

/** A function of `app.transaction` or `setup`, with the messages that it publishes. */
export interface Transaction extends CommitFunction {
  /** No processor runs it. */
  readonly processor?: undefined
  readonly outgoing: readonly Stored[]
  /** Requests that it takes back. */
  readonly withdrawn: readonly TakenBack[]
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  /** Told of each transaction that its messages are put in, and of the index of the first among all of its messages. */
  readonly leaves?: ((changes: Leaving, from: number) => void) | undefined
}

/**
 * Messages from outside that are accepted together or not at all: a function that does nothing, so that the store keeps
 * none of them where it refuses one.
 */
export class PublishMany implements Transaction {
  readonly processor = undefined
  readonly label = 'publishMany'
  readonly withdrawn = nothing
  outgoing: readonly Stored[]
  readonly bytes: number
  reject: (error: unknown) => void
  outcome: Transaction['outcome']
  /** The number of publishes that wait and were called before it. */
  behind = 0
  private readonly accepted: (accepted: Accepted[]) => void
  private changes: Leaving | undefined
  private from = 0

  constructor(
    outgoing: readonly Stored[],
    bytes: number,
    accepted: (accepted: Accepted[]) => void,
    reject: (error: unknown) => void,
  ) {
    this.outgoing = outgoing
    this.bytes = bytes
    this.accepted = accepted
    this.reject = reject
  }

  run(): void {}

  leaves(changes: Leaving, from: number): void {
    this.changes = changes
    this.from = from
  }

  resolve(): void {
    const { appended } = this.changes!.written!
    this.accepted(this.outgoing.map((message, index) => acceptedOf(message, appended[this.from + index]!)))
    // It refers to no message from now on, as `Writes.clear`.
    this.outgoing = none
    this.reject = ignored
    this.changes = undefined
  }
}

const none: readonly Stored[] = []
const ignored = () => {}

/** The acknowledgement of a message, from the decision of the store. */
export function acceptedOf({ id }: Stored, appended: Appended): Accepted {
  return appended === 'same' ? { id, duplicate: true } : { id }
}

/** Changes that need no function of a user. */
export interface Job {
  readonly changes?: readonly DeskChange[] | undefined
  readonly requests?: readonly AskedChange[] | undefined
  readonly flows?: readonly FlowChange[] | undefined
  /** Steps of flows that end with it. */
  readonly ends?: readonly StepEnd[] | undefined
  /** Messages that leave with it. */
  readonly outgoing?: readonly Stored[] | undefined
  /** The processor whose progress is written with it. */
  readonly consumer?: Follower | undefined
  /** The position that is done with it. */
  readonly position?: number | undefined
  /** Called when it is durable; `heads` as of `Written`, along `changes`. */
  readonly written?: ((heads: readonly number[]) => void) | undefined
  /** Called when the run ends before it is known to be written. */
  readonly dropped?: ((error: unknown) => void) | undefined
}

/** A message about to start. It may start once its mark is committed. */
export interface Mark {
  readonly processor: string
  readonly stream: number
  readonly position: number
  readonly written: () => void
}

const publishesMax = 4_096

export class Writes {
  publishes: Publish[] = []
  /** Each has its place in the order of the calls by its `behind`. A group has them among its functions. */
  many: PublishMany[] = []
  functions: (Handled | Transaction)[] = []
  /** Functions that came back without an outcome: the next group begins with them, in their order. */
  back: (Handled | Transaction)[] = []
  /** Attempts whose commit cannot be refused. */
  handled: Handled[] = []
  jobs: Job[] = []
  marks: Mark[] = []
  timed: TimedWrite[] = []

  get isEmpty(): boolean {
    return (
      this.publishes.length === 0 &&
      this.many.length === 0 &&
      this.functions.length === 0 &&
      this.back.length === 0 &&
      this.handled.length === 0 &&
      this.jobs.length === 0 &&
      this.marks.length === 0 &&
      this.timed.length === 0
    )
  }

  /** The number of messages from outside. */
  get published(): number {
    let count = this.publishes.length
    for (const { outgoing } of this.many) count += outgoing.length
    for (const fn of this.back) if (fn instanceof PublishMany) count += fn.outgoing.length
    return count
  }

  transact(transaction: Transaction): void {
    if (transaction instanceof PublishMany) {
      transaction.behind = this.publishes.length
      this.many.push(transaction)
    } else this.functions.push(transaction)
  }

  /** Whether the end of an attempt at a message of the app is among them. */
  holds(id: string): boolean {
    const of = (one: Handled | Transaction) => one.processor !== undefined && isOwn(one.message, id)
    return this.functions.some(of) || this.back.some(of) || this.handled.some(of)
  }

  /**
   * Takes all of them for one group, but no more publishes than a group may have. Publishes that were called after a
   * `publishMany` are left for the next group: functions come behind the publishes of theirs.
   */
  take(bytesMax: number): Writes {
    const taken = new Writes()
    taken.publishes = this.takePublishes(bytesMax)
    const many = this.many.length === 0 ? this.many : this.takeMany(taken.publishes, bytesMax)
    const { back } = this
    const isPlain = many.length === 0 && back.length === 0
    taken.functions = isPlain ? this.functions : [...back, ...many, ...this.functions]
    taken.handled = this.handled
    taken.jobs = this.jobs
    taken.marks = this.marks
    taken.timed = this.timed
    this.functions = []
    this.back = []
    this.handled = []
    this.jobs = []
    this.marks = []
    this.timed = []
    return taken
  }

  /** Puts back writes that failed, before all that have come since. */
  putBack({ back, handled, jobs, marks, timed }: Writes): void {
    if (back.length > 0) this.back = [...back, ...this.back]
    if (handled.length > 0) this.handled = [...handled, ...this.handled]
    if (jobs.length > 0) this.jobs = [...jobs, ...this.jobs]
    if (marks.length > 0) this.marks = [...marks, ...this.marks]
    if (timed.length > 0) this.timed = [...timed, ...this.timed]
  }

  /** Tells all that wait that theirs is not known to be written. */
  refuse(error: unknown): void {
    for (const { reject } of this.publishes) reject(error)
    for (const { reject } of this.many) reject(error)
    for (const fn of [...this.back, ...this.functions]) if (fn.processor === undefined) fn.reject(error)
    for (const { dropped } of this.jobs) dropped?.(error)
    for (const { dropped } of this.timed) dropped(error)
  }

  /**
   * Refers to nothing from now on. V8 may put lists like these among the old objects, where they and all that they refer
   * to are taken for alive until the next full collection.
   */
  clear(): void {
    for (const list of [this.publishes, this.many, this.functions, this.back, this.handled, this.jobs]) list.length = 0
  }

  private takePublishes(bytesMax: number): Publish[] {
    const { publishes } = this
    // Publishes come before all functions of a group, but not before a publishMany that was called earlier.
    const isBack = this.back.some((fn) => fn instanceof PublishMany)
    const most = isBack ? 0 : Math.min(publishes.length, publishesMax, this.many[0]?.behind ?? publishesMax)
    let bytes = 0
    let count = 0
    while (count < most && bytes < bytesMax) {
      bytes += publishes[count++]!.message.json.length
    }
    this.publishes = count === publishes.length ? [] : publishes.slice(count)
    return count === publishes.length ? publishes : publishes.slice(0, count)
  }
  /** Takes those whose turn it is behind the publishes of the group. */
  private takeMany(publishes: readonly Publish[], bytesMax: number): PublishMany[] {
    const { many } = this
    let bytes = 0
    for (const { message } of publishes) bytes += message.json.length
    let count = 0
    while (many[count]?.behind === publishes.length && bytes < bytesMax) bytes += many[count++]!.bytes
    this.many = many.slice(count)
    for (const one of this.many) one.behind -= publishes.length
    return many.slice(0, count)
  }
}
