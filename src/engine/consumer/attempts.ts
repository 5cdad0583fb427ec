// The attempts of one processor that run.
//
//   running ──the handler returns or throws──→ ended
//      └ its time is over, or its message was withdrawn ──→ expired ──the handler ends at last──→ gone
//
// An expired attempt counts for nothing. It keeps its slot until it is gone, but no longer than `lingerMs` does the next
// attempt at its message wait for it. Invariant: no attempt begins while as many run as `concurrency` says,
// expired ones included.
import { isOwn } from '../../model/codec.ts'
import { fault, recordError } from '../../model/errors.ts'
import type { Message } from '../../model/message.ts'
import { promiseOf } from '../../model/promise.ts'
import { fieldsWithout, secretsOf } from '../../model/secrets.ts'
import type { World } from '../../seam/world.ts'
import type { HandlerSpec, ProcessorSpec } from '../spec.ts'
import { Attempt, type AttemptHost } from './attempt.ts'
import type { Concurrency } from './concurrency.ts'
import type { Delivery } from './delivery.ts'
import { HandlerContext } from './handler-context.ts'

export interface AttemptsHost {
  readonly spec: Pick<ProcessorSpec, 'name' | 'timeoutMs' | 'lingerMs'>
  readonly concurrency: Concurrency
  readonly world: Pick<World, 'elapsed' | 'after' | 'guard' | 'log'>
  /** The processor, as each attempt needs it. */
  readonly processor: AttemptHost
  /** An attempt has begun: from now on {@link Attempts.expireOverdue} is called at intervals. */
  watch(): void
  /** The handler of an attempt that counts has returned a result that it may return. */
  returned(attempt: Attempt): void
  /** An attempt that counts has failed. `gone`: its handler has not ended; the next attempt waits for this. */
  failed(delivery: Delivery, error: unknown, gone?: Promise<void>): void
  /** A slot may be free. */
  pump(): void
}

export class Attempts {
  private readonly host: AttemptsHost
  /** The attempts that count, a list by `before` and `after`. */
  private oldest: Attempt | undefined
  private newest: Attempt | undefined
  private slots = 0
  /** Expired attempts whose handlers have not ended, with the function that says so. */
  private readonly expired = new Map<Attempt, () => void>()
  /** The ends of expired attempts at messages that were given to the desk, by the message there. */
  private readonly outlived = new Map<number, Promise<void>>()
  private waiting = 0
  /** Resolve when the handlers of expired attempts have ended, at the latest after `lingerMs`. */
  private readonly lingering = new Set<Promise<void>>()

  constructor(host: AttemptsHost) {
    this.host = host
    host.concurrency.changed = host.pump
  }

  // ── slots ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Slots that are taken: attempts, expired ones included, and reads before an attempt. */
  get taken(): number {
    return this.slots
  }

  /** The same without expired attempts. */
  get counting(): number {
    return this.slots - this.expired.size
  }

  get hasRoom(): boolean {
    return this.slots < this.host.concurrency.now
  }

  /** Whether no handler can start because expired attempts have all slots. */
  get stuck(): boolean {
    return this.expired.size >= this.host.concurrency.now
  }

  /** Takes a slot for a read or write before an attempt. */
  reserve(): void {
    this.slots++
  }

  release(): void {
    this.slots--
  }

  // ── running ────────────────────────────────────────────────────────────────────────────────────────────────────

  get first(): Attempt | undefined {
    return this.oldest
  }

  /** Calls the handler. */
  begin(delivery: Delivery, handler: HandlerSpec, message: Message, now: number): void {
    const { host } = this
    const attempt = new Attempt(host.processor, delivery, handler, now)
    delivery.startedAt = now
    this.enter(attempt)
    let result: unknown
    try {
      const { traced } = host.processor
      const handle = traced === undefined ? handler.handle : traced(delivery, handler)
      result = host.world.guard(attempt, handle, message, new HandlerContext(attempt))
    } catch (error) {
      this.leave(attempt)
      this.failed(delivery, error)
      return
    }
    const promise = promiseOf(result)
    if (promise === undefined) this.returned(attempt, result)
    else
      promise.then(
        (value) => this.returned(attempt, value),
        (error: unknown) => this.threw(attempt, error),
      )
  }

  private failed(delivery: Delivery, error: unknown, gone?: Promise<void>): void {
    delivery.span?.failed(error)
    this.host.failed(delivery, error, gone)
  }

  private returned(attempt: Attempt, result: unknown): void {
    try {
      attempt.checkResult(result)
    } catch (error) {
      this.threw(attempt, error)
      return
    }
    if (this.leave(attempt)) {
      attempt.delivery.span?.returned(attempt.fn === undefined ? 'nothing' : 'commit')
      this.host.returned(attempt)
    }
    this.host.pump()
  }

  private threw(attempt: Attempt, error: unknown): void {
    const counts = this.leave(attempt)
    attempt.flowOutcome?.dropped?.()
    if (counts) this.failed(attempt.delivery, error)
    this.host.pump()
  }

  private enter(attempt: Attempt): void {
    this.slots++
    attempt.before = this.newest
    if (this.newest === undefined) this.oldest = attempt
    else this.newest.after = attempt
    this.newest = attempt
    this.host.watch()
  }

  /** The handler of an attempt has ended. Returns false where the attempt had expired and counts for nothing. */
  private leave(attempt: Attempt): boolean {
    this.slots--
    if (attempt.state === 'expired') {
      this.expired.get(attempt)?.()
      this.expired.delete(attempt)
      return false
    }
    this.unlink(attempt)
    attempt.state = 'ended'
    return true
  }

  private unlink(attempt: Attempt): void {
    const { before, after } = attempt
    if (before === undefined) this.oldest = after
    else before.after = after
    if (after === undefined) this.newest = before
    else after.before = before
    attempt.before = undefined
    attempt.after = undefined
  }

  // ── expiring ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Fails the attempts whose time is over. */
  expireOverdue(now: number): void {
    const { name, timeoutMs } = this.host.spec
    for (let one = this.oldest; one !== undefined && now - one.startedAt >= timeoutMs; one = this.oldest) {
      const what = `an attempt of processor "${name}" took longer than ${timeoutMs} ms`
      this.fail(one, fault('millrace/timed-out', what))
    }
  }

  /** Takes an error that was thrown outside the promise of the handler. */
  late(attempt: Attempt, error: unknown): void {
    if (attempt.state === 'running') {
      this.fail(attempt, error)
      return
    }
    const { name } = this.host.spec
    const { type, id } = attempt.message
    const cause = { cause: error }
    const told = fault('millrace/late-error', `processor "${name}" threw after its attempt had ended`, cause)
    const secrets = secretsOf(attempt.handler.type, attempt.message)
    const about = fieldsWithout(secrets, { id, error: recordError(error) })
    this.host.world.log('error', told.message, { code: told.code, type, ...about })
  }

  /** Fails an attempt whose handler has not ended. */
  private fail(attempt: Attempt, error: unknown): void {
    const gone = this.fence(attempt, error)
    this.failed(attempt.delivery, error, gone)
  }

  /** Fences the attempt at a message of the app; undefined where none runs. It is no failure. */
  fenceMessage(id: string, why: Error): { readonly delivery: Delivery; readonly gone: Promise<void> } | undefined {
    for (let attempt = this.oldest; attempt !== undefined; attempt = attempt.after) {
      const { delivery } = attempt
      if (isOwn(delivery.message, id)) return { delivery, gone: this.fence(attempt, why) }
    }
    return undefined
  }

  /** Nothing of an attempt counts from now on. Resolves when its handler has ended, at the latest after `lingerMs`. */
  private fence(attempt: Attempt, error: unknown): Promise<void> {
    this.unlink(attempt)
    attempt.delivery.span?.failed(error)
    attempt.abort(error)
    const gone = new Promise<void>((resolve) => {
      this.expired.set(attempt, resolve)
      this.host.world.after(this.host.spec.lingerMs, resolve)
    })
    this.lingering.add(gone)
    gone.then(() => this.lingering.delete(gone))
    return gone
  }

  /** Fences all attempts. Resolves when their handlers have ended, and those of the expired ones, or linger no longer. */
  async fenceAll(why: Error): Promise<void> {
    for (let attempt = this.oldest; attempt !== undefined; attempt = this.oldest) this.fence(attempt, why)
    await Promise.all(this.lingering)
  }

  /** Fences all attempts: the run is over. */
  abandon(): void {
    if (this.oldest === undefined) return
    const error = fault('millrace/stopped', `processor "${this.host.spec.name}" was stopped during this attempt`)
    for (let attempt: Attempt | undefined = this.oldest; attempt !== undefined; attempt = attempt.after) {
      attempt.delivery.span?.failed(error)
      attempt.abort(error)
    }
  }

  // ── outliving ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** A message was given to the desk while an expired attempt at it runs. */
  outlives(item: number, gone: Promise<void>): void {
    this.outlived.set(item, gone)
    gone.then(() => this.outlived.delete(item))
  }

  /** Calls `then` when no attempt at a message runs, or none is waited for any longer; mostly at once. */
  whenGone(item: number, then: () => void): void {
    const gone = this.outlived.get(item)
    if (gone === undefined) {
      then()
      return
    }
    this.waiting++
    gone.then(() => {
      this.waiting--
      then()
    })
  }

  /** Whether a message waits for an expired attempt to be gone. */
  get isWaitedFor(): boolean {
    return this.waiting > 0
  }
}
