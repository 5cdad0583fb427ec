// One attempt of a handler at one message.
//
//   running ──the handler returned──→ ended ⇄ committing: its commit function runs, again where its group is repeated
//      ├─────the handler threw──────→ ended
//      └─────its time is over───────→ expired: fenced, nothing of it counts; it lingers until the handler ends
import { asJson, type Stored } from '../../model/codec.ts'
import { fault } from '../../model/errors.ts'
import { checkIsType, checkVerb, type MessageType, type Verb } from '../../model/message.ts'
import { promiseOf } from '../../model/promise.ts'
import { checkId, type PublishOptions } from '../../model/publish.ts'
import { check } from '../../model/schema.ts'
import type { Query, Tx } from '../../model/tx.ts'
import type { CommitFunction, CommitTx, OwnTables } from '../../seam/commit.ts'
import type { World } from '../../seam/world.ts'
import type { AskedEnd } from '../commit/asked.ts'
import { Collected, nothing, type TakenBack } from '../commit/collected.ts'
import type { Ending, FlowOutcome, Follower, Handled } from '../commit/handled.ts'
import { isOwnFunction, type OwnFunction } from '../commit/own-function.ts'
import type { HandlerSpec } from '../spec.ts'
import type { Delivery } from './delivery.ts'
import type { Exchanges } from './exchanges.ts'

/** What `commit` returns. The handler must return it too. */
export const committed = Object.freeze({ millrace: 'committed' })

/** The processor, as its attempts need it. */
export interface AttemptHost extends Follower {
  readonly name: string
  /** The name in its idempotency keys, which stays when it is renamed. */
  readonly keyName: string
  readonly spec: {
    readonly runsAhead: boolean
    readonly timeoutMs: number
    readonly declared: ReadonlySet<MessageType>
  }
  /** The number of times that it was reset. */
  readonly generation: number
  readonly read: Query
  readonly now: () => number
  readonly log: World['log']
  /** Its way to other systems. */
  readonly exchanges: Exchanges
  /** The flows of the run. Only handlers of mediators and routes know their type. */
  readonly flows: object
  /** The largest reply to a command, bytes. */
  readonly replyBytesMax: number
  /** Makes a message that a handler publishes or sends. */
  encode(type: MessageType, data: unknown, cause: Stored, options: PublishOptions | undefined): Stored
  /** Returns the same function, which runs later in the name of the present attempt. */
  bind<A extends unknown[], T>(fn: (...args: A) => T): (...args: A) => T
  /** Calls code that belongs to an attempt, which is told the errors that it throws later. */
  callback<T>(attempt: Attempt, fn: () => T): T
  /** Takes an error that was thrown outside the promise of the handler. */
  late(attempt: Attempt, error: unknown): void
  /** Tells telemetry of an attempt that begins, and returns its handler; undefined where there is none. */
  readonly traced?: ((delivery: Delivery, handler: HandlerSpec) => HandlerSpec['handle']) | undefined
  replied(message: Stored, reply: unknown, trace: string | null): AskedEnd
  deskEnd(delivery: Delivery): Ending
  /** The commit of an attempt is durable. */
  committed(delivery: Delivery): void
  /** The handler returned, and its commit function failed. */
  commitFailed(delivery: Delivery, error: unknown): void
}

export class Attempt implements Handled {
  readonly delivery: Delivery
  readonly processor: AttemptHost
  readonly handler: HandlerSpec
  readonly startedAt: number
  state: 'running' | 'ended' | 'committing' | 'expired' = 'running'
  fn: ((tx: Tx) => unknown) | undefined
  outcome: CommitFunction['outcome']
  /** The result of a command's handler without `commit`, as its schema returns it. */
  reply: unknown
  /** What a mediator or route leaves beside the acknowledgement. */
  flowOutcome: FlowOutcome | undefined
  /** What the handler publishes, sends and takes back: stays when its commit function has to run again. */
  private early: Collected | undefined
  /** What the commit function publishes, sends and takes back: begins anew with each run. */
  private inCommit: Collected | undefined
  /** Requests that the commit takes back. */
  withdrawn = nothing
  private aborter: AbortController | undefined
  /** Neighbours among the running attempts of the processor, oldest first. */
  before: Attempt | undefined
  after: Attempt | undefined

  constructor(processor: AttemptHost, delivery: Delivery, handler: HandlerSpec, startedAt: number) {
    this.processor = processor
    this.delivery = delivery
    this.handler = handler
    this.startedAt = startedAt
  }

  get message(): Stored {
    return this.delivery.message
  }

  get position(): number {
    return this.delivery.entry === undefined ? this.delivery.message.position : 0
  }

  get signal(): AbortSignal {
    this.aborter ??= new AbortController()
    if (this.state === 'expired') this.aborter.abort()
    return this.aborter.signal
  }

  abort(reason: unknown): void {
    this.state = 'expired'
    const { aborter } = this
    // Its listeners are code of the handler: the attempt is told what they throw, as all that comes late.
    if (aborter !== undefined) this.processor.callback(this, () => aborter.abort(reason))
  }

  /** Takes what a promise or callback throws that the handler has forgotten. */
  late(error: unknown): void {
    this.processor.late(this, error)
  }

  commit(fn: unknown): typeof committed {
    const { name } = this.processor
    if (typeof fn !== 'function') throw fault('millrace/bad-option', `processor "${name}": commit takes a function`)
    if (this.fn !== undefined) throw fault('millrace/commit-twice', `processor "${name}" called commit twice`)
    if (this.state !== 'running') throw afterEnd(this, 'commit')
    this.fn = isOwnFunction(fn) ? (fn as (tx: Tx) => unknown) : this.processor.bind(fn as (tx: Tx) => unknown)
    return committed
  }

  collect(verb: Verb, type: MessageType, data: unknown, options: PublishOptions | undefined): Stored {
    this.checkMayLeave(verb, type)
    const message = this.processor.encode(type, data, this.delivery.message, options)
    checkVerb(`processor "${this.processor.name}"`, verb, type)
    this.collected.add(message)
    return message
  }

  cancel(type: MessageType, id: string): void {
    this.checkMayLeave('cancel', type)
    checkId(id)
    this.collected.cancel({ type: type.name, id })
  }

  private checkMayLeave(verb: string, type: MessageType): void {
    if (this.state !== 'running' && this.state !== 'committing') throw afterEnd(this, verb)
    const { name, spec } = this.processor
    if (spec.declared.has(type)) return
    checkIsType(`processor "${name}": ${verb}`, type)
    const list = type.kind === 'command' ? 'sends' : 'publishes'
    throw fault('millrace/undeclared', `processor "${name}": "${type.name}" is not in its ${list}`)
  }

  private get collected(): Collected {
    if (this.state === 'committing') {
      this.inCommit ??= new Collected()
      return this.inCommit
    }
    this.early ??= new Collected()
    return this.early
  }

  /** Whether its commit may be refused though it has no commit function, or takes something back. */
  get needsFunction(): boolean {
    return this.fn !== undefined || (this.early !== undefined && (this.early.claims || this.early.cancels.length > 0))
  }

  /** The messages that leave with the commit. */
  get outgoing(): readonly Stored[] {
    const { early, inCommit } = this
    if (inCommit === undefined) return early === undefined ? none : early.messages
    return early === undefined ? inCommit.messages : [...early.without(inCommit), ...inCommit.messages]
  }

  /** In the order in which they were asked for. */
  get cancels(): readonly TakenBack[] {
    return [...(this.early?.cancels ?? []), ...(this.inCommit?.cancels ?? [])]
  }

  get label(): string {
    return 'the commit function'
  }

  savepoint(): () => void {
    const { inCommit } = this
    const drop = inCommit?.savepoint()
    return () => {
      if (drop !== undefined) drop()
      else this.inCommit = undefined
    }
  }

  run(tx: CommitTx, own: OwnTables): unknown {
    this.inCommit = undefined
    if (this.fn === undefined) {
      const taken = this.takeBack(own)
      return taken === undefined ? this.reply : taken.then(() => this.reply)
    }
    this.state = 'committing'
    let result: unknown
    try {
      result = isOwnFunction(this.fn) ? this.runOwn(own) : this.fn(tx)
    } catch (error) {
      this.state = 'ended'
      throw error
    }
    const returned = (value: unknown) => {
      this.state = 'ended'
      const answers = tx.returned()
      return answers === undefined ? this.concluded(own, value) : answers.then(() => this.concluded(own, value))
    }
    const promise = promiseOf(result)
    if (promise === undefined) return returned(result)
    return promise.then(returned, (error: unknown) => {
      this.state = 'ended'
      throw error
    })
  }

  /** Takes back what was cancelled and checks the reply, in the transaction of the commit function. */
  private concluded(own: OwnTables, value: unknown): unknown {
    const taken = this.takeBack(own)
    return taken === undefined ? this.replyOf(value) : taken.then(() => this.replyOf(value))
  }

  /** Undefined where there is nothing to wait for. */
  private takeBack(own: OwnTables): Promise<void> | undefined {
    const { early, inCommit } = this
    if (early?.takesBack !== true && inCommit?.takesBack !== true) {
      this.withdrawn = nothing
      return undefined
    }
    return Promise.all([early?.takeBack(own), inCommit?.takeBack(own)]).then((taken) => {
      this.withdrawn = taken.flatMap((list) => list ?? [])
    })
  }

  /** Runs a function of the engine's own, which calls functions of the user's. */
  private runOwn(own: OwnTables): unknown {
    const fn = this.fn as unknown as OwnFunction
    return this.processor.callback(this, () => fn(own, (...what) => this.collect(...what)))
  }

  /** Checks the result of the handler. Throws where a handler may not return it. */
  checkResult(result: unknown): void {
    const { type } = this.handler
    if (this.fn !== undefined) {
      if (result === committed) return
      throw fault(
        'millrace/commit-not-returned',
        `processor "${this.processor.name}" called commit and did not return it`,
      )
    }
    if (type.kind === 'command') this.reply = this.replyOf(result)
    // The id that `publish` returns may be returned, as by an arrow function that does nothing else.
    else if (result !== undefined && !this.outgoing.some(({ id }) => id === result)) {
      throw fault(
        'millrace/returned-value',
        `processor "${this.processor.name}" returned a value for event "${type.name}"`,
      )
    }
  }

  /** The result for a command as its asker gets it; undefined for a command without a reply. */
  private replyOf(value: unknown): unknown {
    const { type } = this.handler
    if (type.kind !== 'command' || type.reply === undefined) return undefined
    const reply = check('reply to', type.reply, value, type)
    return reply === undefined ? undefined : asJson('reply to', reply, this.processor.replyBytesMax, type)
  }

  requestEnd(): AskedEnd | undefined {
    const { message, outcome, reply } = this
    if (message.asked === undefined) return undefined
    const value = outcome?.ok === true ? outcome.value : reply
    return this.processor.replied(message, value, this.delivery.span?.trace ?? null)
  }

  deskEnd(): Ending {
    return this.processor.deskEnd(this.delivery)
  }

  committed(): void {
    this.processor.committed(this.delivery)
    this.flowOutcome?.written()
  }

  commitFailed(error: unknown): void {
    this.flowOutcome?.dropped?.()
    this.processor.commitFailed(this.delivery, error)
  }
}

function afterEnd({ state, processor }: Attempt, verb: string): Error {
  const why = state === 'expired' ? 'its time was over' : 'it had ended'
  return fault('millrace/after-end', `an attempt of processor "${processor.name}" called ${verb} after ${why}`)
}

const none: readonly Stored[] = []
