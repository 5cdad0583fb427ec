// One attempt of a handler at one message.
//
//   running ──ended well──→ ended ──its commit──→ (done, or failed by its commit function)
//      ├────threw─────────→ ended
//      └────timeoutMs─────→ expired: fenced, nothing of it counts any more; it lingers until the handler ends
import { asJson, type Stored } from '../../model/codec.ts'
import { fault } from '../../model/errors.ts'
import { checkVerb, type MessageType, type Verb } from '../../model/message.ts'
import { readFields } from '../../model/people.ts'
import { promiseOf } from '../../model/promise.ts'
import { checkId, type PublishOptions } from '../../model/publish.ts'
import { check } from '../../model/schema.ts'
import type { Query, Tx } from '../../model/tx.ts'
import type { CommitFunction, CommitTx, OwnTables } from '../../seam/commit.ts'
import { Collected, nothing, type TakenBack } from '../commit/collected.ts'
import type { Also } from '../flow/starts.ts'
import type { HandlerSpec } from '../spec.ts'
import type { Consumer } from './consumer.ts'
import type { Delivery } from './delivery.ts'

/** What `commit` gives, and the handler has to return. */
export const committed = Object.freeze({ millrace: 'committed' })

/** Publishes or sends from within a function of the engine's own. */
export type Collecting = (verb: Verb, type: MessageType, data: unknown, options: PublishOptions | undefined) => Stored

/** A commit function of the engine's own, which may write its tables. */
export type OwnFunction = (own: OwnTables, collect: Collecting) => unknown

const ownFunctions = new WeakSet<object>()

/** Marks a function as one that `commit` runs as one of the engine's own. */
export function ownFunction(fn: OwnFunction): OwnFunction {
  ownFunctions.add(fn)
  return fn
}

export class Attempt implements CommitFunction {
  readonly delivery: Delivery
  readonly consumer: Consumer
  readonly handler: HandlerSpec
  readonly startedAt: number
  state: 'running' | 'ended' | 'expired' = 'running'
  fn: ((tx: Tx) => unknown) | undefined
  outcome: CommitFunction['outcome']
  /** What the handler of a command returned without `commit`, as its schema gives it. */
  reply: unknown
  /** What a mediator leaves beside the acknowledgement. */
  also: Also | undefined
  /** What the handler publishes, sends and takes back: stays when its commit function has to run again. */
  private early: Collected | undefined
  /** What the commit function does: begins anew with each run. */
  private inCommit: Collected | undefined
  /** Requests that the commit takes back. */
  withdrawn = nothing
  private committing = false
  private aborter: AbortController | undefined
  /** Called when the handler of an expired attempt ends at last. */
  gone: (() => void) | undefined
  /** Neighbours among the running attempts of the consumer, oldest first. */
  before: Attempt | undefined
  after: Attempt | undefined

  constructor(consumer: Consumer, delivery: Delivery, handler: HandlerSpec, startedAt: number) {
    this.consumer = consumer
    this.delivery = delivery
    this.handler = handler
    this.startedAt = startedAt
  }

  get signal(): AbortSignal {
    this.aborter ??= new AbortController()
    if (this.state === 'expired') this.aborter.abort()
    return this.aborter.signal
  }

  abort(reason: unknown): void {
    this.state = 'expired'
    const { aborter } = this
    // Its listeners are code of the handler: what they throw is told to the attempt, as all that comes late.
    if (aborter !== undefined) this.consumer.callback(this, () => aborter.abort(reason))
  }

  /** What is thrown by a promise or callback that the handler has forgotten. */
  late(error: unknown): void {
    this.consumer.late(this, error)
  }

  commit(fn: unknown): typeof committed {
    const { name } = this.consumer.spec
    if (typeof fn !== 'function') throw fault('millrace/bad-option', `processor "${name}": commit takes a function`)
    if (this.fn !== undefined) throw fault('millrace/commit-twice', `processor "${name}" called commit twice`)
    if (this.state !== 'running') throw this.afterEnd('commit')
    this.fn = ownFunctions.has(fn) ? (fn as (tx: Tx) => unknown) : this.consumer.bind(fn as (tx: Tx) => unknown)
    return committed
  }

  collect(verb: Verb, type: MessageType, data: unknown, options: PublishOptions | undefined): Stored {
    if (this.state !== 'running' && !this.committing) throw this.afterEnd(verb)
    const message = this.consumer.encode(type, data, this.delivery.message, options)
    checkVerb(`processor "${this.consumer.name}"`, verb, type)
    this.collected.add(message)
    return message
  }

  cancel(type: MessageType, id: string): void {
    if (this.state !== 'running' && !this.committing) throw this.afterEnd('cancel')
    this.consumer.checkDeclared(type)
    checkId(id)
    this.collected.cancel({ type: type.name, id })
  }

  private get collected(): Collected {
    if (this.committing) {
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

  /** What the handler, or its commit function, gave: the reply of a command. */
  get value(): unknown {
    return this.outcome?.ok === true ? this.outcome.value : this.reply
  }

  /** What leaves with the commit. */
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
      this.takeBack(own)
      return this.reply
    }
    this.committing = true
    let result: unknown
    try {
      result = this.call(this.fn, tx, own)
    } catch (error) {
      this.committing = false
      throw error
    }
    const ended = (value: unknown) => {
      this.committing = false
      const answers = tx.returned()
      return answers === undefined ? this.concluded(own, value) : answers.then(() => this.concluded(own, value))
    }
    const promise = promiseOf(result)
    if (promise === undefined) return ended(result)
    return promise.then(ended, (error: unknown) => {
      this.committing = false
      throw error
    })
  }

  /** What follows from what the commit function gave, in the same transaction. */
  private concluded(own: OwnTables, value: unknown): unknown {
    this.takeBack(own)
    return this.replyOf(value)
  }

  private takeBack(own: OwnTables): void {
    const { early, inCommit } = this
    if (early === undefined && inCommit === undefined) return
    this.withdrawn = [...(early?.takeBack(own) ?? []), ...(inCommit?.takeBack(own) ?? [])]
  }

  private call(fn: (tx: Tx) => unknown, tx: Tx, own: OwnTables): unknown {
    if (!ownFunctions.has(fn)) return fn(tx)
    // It calls functions of the user's.
    return this.consumer.callback(this, () => (fn as unknown as OwnFunction)(own, (...what) => this.collect(...what)))
  }

  /** What the handler returned, judged: throws where it is not what a handler may return. */
  judge(result: unknown): void {
    const { type } = this.handler
    if (this.fn !== undefined) {
      if (result === committed) return
      throw fault(
        'millrace/commit-not-returned',
        `processor "${this.consumer.name}" called commit and did not return it`,
      )
    }
    if (type.kind === 'command') this.reply = this.replyOf(result)
    // What `publish` gives may be returned, as by an arrow function that does nothing else.
    else if (result !== undefined && !this.outgoing.some(({ id }) => id === result)) {
      throw fault(
        'millrace/returned-value',
        `processor "${this.consumer.name}" returned a value for event "${type.name}"`,
      )
    }
  }

  /** What the handler of a command gave, as its asker gets it; a command without a reply gives nothing. */
  private replyOf(value: unknown): unknown {
    const { type } = this.handler
    if (type.kind !== 'command' || type.reply === undefined) return undefined
    const reply = check('reply to', type.reply, value, type)
    return reply === undefined ? undefined : asJson('reply to', reply, this.consumer.replyBytesMax, type)
  }

  private afterEnd(verb: string) {
    const why = this.state === 'expired' ? 'its time was over' : 'it had ended'
    return fault('millrace/after-end', `an attempt of processor "${this.consumer.name}" called ${verb} after ${why}`)
  }
}

const none: readonly Stored[] = []

/** What a handler gets beside the message. Each part is made when it is asked for, so that destructuring works. */
export class HandlerContext {
  readonly #attempt: Attempt

  /** For handlers of the engine's own. */
  static attemptOf(context: HandlerContext): Attempt {
    return context.#attempt
  }

  constructor(attempt: Attempt) {
    this.#attempt = attempt
  }

  get commit() {
    return (fn: unknown) => this.#attempt.commit(fn)
  }

  get publish() {
    return (type: MessageType, data: unknown, options?: PublishOptions): string =>
      this.#attempt.collect('publish', type, data, options).id
  }

  get send() {
    return (type: MessageType, data: unknown, options?: PublishOptions): string =>
      this.#attempt.collect('send', type, data, options).id
  }

  get cancel() {
    return (type: MessageType, id: string): void => this.#attempt.cancel(type, id)
  }

  get read(): Query {
    return this.#attempt.consumer.read
  }

  get signal(): AbortSignal {
    return this.#attempt.signal
  }

  /** The same for each attempt at this message by this processor, until its data are replaced. */
  get idempotencyKey(): string {
    const { delivery, consumer } = this.#attempt
    const { type, id, source, attributes } = delivery.message
    const key = `${consumer.name}/${type}/${id}/${delivery.entry?.revision ?? 0}`
    // The id of a message from elsewhere is one per source.
    return attributes === null ? key : `${key}/@${encodeURIComponent(source)}`
  }

  get now() {
    return this.#attempt.consumer.now
  }

  get log() {
    const { delivery, consumer } = this.#attempt
    const { type, id, correlationId } = delivery.message
    const line = (level: 'info' | 'warn' | 'error') => (text: string, fields?: Readonly<Record<string, unknown>>) =>
      consumer.log(level, text, { processor: consumer.name, type, id, correlationId, ...readFields(fields) })
    return { info: line('info'), warn: line('warn'), error: line('error') }
  }
}
