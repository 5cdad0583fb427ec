// The rule for the statements of a user's function, alike on every store: a statement that failed fails its function.
//
//   open ──a statement fails──→ failed ──the function ends──→ closed: the function has failed, whatever it returned
//    │ └──the function ends──→ closed
//    └─ an attempt begins ──→ open, with an inner scope that has its own savepoint ──it ends──→ open as before
//
// While the inner scope is there, the outer one refuses statements and a second attempt. A refusal counts as a failed
// statement. What is used after its end is refused too, and fails nobody: its function has ended.
import { fault } from '../model/errors.ts'
import { messageOf } from '../model/people.ts'

/** The point to which an attempt is rolled back. The results of its methods are awaited. */
export interface Savepoint {
  /** Keeps everything since its beginning. */
  release(): unknown
  /** Rolls back everything since its beginning. */
  rollBack(): unknown
}

/** The part of the store that an attempt needs. */
export interface AttemptHost<Tx> {
  /** Begins a savepoint. */
  savepoint(): Savepoint
  /** The `tx` of the attempt. */
  txOf(inner: TxScope): Tx
}

/** The limits of a scope and of all attempts in it. */
export interface ScopeLimits {
  /** What the function is, in messages: `the commit function`, `setup`. */
  readonly label: string
  /** Statements and attempts of the function, those in its attempts included. */
  readonly queriesMax: number
}

/** Which statements a function may make, and whether it has failed by one of them. */
export class TxScope {
  /** Statements and attempts so far; counted by the outermost scope for all in it. */
  calls = 0
  private readonly limits: ScopeLimits
  private readonly outermost: TxScope
  private state: 'open' | 'failed' | 'closed' = 'open'
  /** The first error, where the state is `failed`. */
  private failure: unknown
  /** The scope of the attempt that is open. */
  private inner: TxScope | undefined
  /** Statements whose answers are still to come. */
  private pending = 0
  private answered: PromiseWithResolvers<void> | undefined

  constructor(limits: ScopeLimits, outermost?: TxScope) {
    this.limits = limits
    this.outermost = outermost ?? this
  }

  /** What it is, in messages. */
  private get label(): string {
    const { label } = this.limits
    return this.outermost === this ? label : `an attempt of ${label}`
  }

  /**
   * Lets one statement through and counts it.
   *
   * @throws `millrace/tx-closed`, `millrace/statement-failed`, `millrace/attempt-open`, `millrace/too-many-queries`
   */
  enter(): void {
    if (this.state === 'closed') throw this.closed()
    const { limits, outermost } = this
    // Refused ones count too, but not beyond the bound: a function that makes them without end is ended by its turns.
    const isTooMany = outermost.calls >= limits.queriesMax
    if (!isTooMany) outermost.calls++
    if (this.state === 'failed') throw this.failed('cannot run another statement, because one has failed')
    if (this.inner !== undefined) {
      throw this.fail(fault('millrace/attempt-open', `${this.label} used its tx while an attempt of it was open`))
    }
    if (isTooMany) {
      throw this.fail(
        fault('millrace/too-many-queries', `${limits.label} made more than ${limits.queriesMax} statements`),
      )
    }
  }

  /** Its function has ended. */
  get ended(): boolean {
    return this.state === 'closed'
  }

  /** Remembers that a statement failed; gives its error. The first one is what is told of later. */
  fail(error: unknown): unknown {
    if (this.state === 'open') {
      this.state = 'failed'
      this.failure = error
    }
    return error
  }

  /** What a statement gives that failed: where its function fails for it, nobody else has to catch it. */
  rejected(error: unknown): Promise<never> {
    const rejected = Promise.reject(error)
    if (this.state !== 'closed') rejected.catch(() => {})
    return rejected
  }

  /** Runs a statement that is answered later. Its function ends no sooner. */
  later<T>(statement: () => Promise<T>): Promise<T> {
    let answer: Promise<T>
    try {
      this.enter()
      answer = statement()
    } catch (error) {
      return this.rejected(this.fail(error))
    }
    this.pending++
    const ended = () => {
      if (--this.pending === 0) this.answered?.resolve()
    }
    // Its function fails for it, also when no one awaits it.
    answer.then(ended, (error: unknown) => {
      this.fail(error)
      ended()
    })
    return answer
  }

  /**
   * Runs a function in a savepoint of its own. Rejects with what it threw, or because of its statement that failed; this
   * scope is open again then.
   */
  attempt<Tx, Result>(fn: (tx: Tx) => Result | Promise<Result>, host: AttemptHost<Tx>): Promise<Result> {
    let savepoint: Savepoint
    try {
      this.enter()
      if (typeof fn !== 'function') throw fault('millrace/bad-option', 'tx.attempt takes a function')
      savepoint = host.savepoint()
    } catch (error) {
      return this.rejected(this.fail(error))
    }
    const inner = new TxScope(this.limits, this.outermost)
    this.inner = inner
    return this.runInner(inner, () => fn(host.txOf(inner)), savepoint)
  }

  /**
   * The function has returned: closes the scope. Gives a promise where answers are still to come.
   *
   * @throws `millrace/statement-failed`, `millrace/attempt-open`
   */
  returned(): Promise<void> | undefined {
    if (this.inner !== undefined) {
      throw this.fail(fault('millrace/attempt-open', `${this.label} ended while an attempt of it was open`))
    }
    if (this.pending > 0) {
      this.answered ??= Promise.withResolvers()
      return this.answered.promise.then(() => this.returned())
    }
    if (this.state === 'failed') throw this.failed('fails, whatever it returned, because one of its statements failed')
    this.close()
    return undefined
  }

  /** Nothing more is let through. */
  close(): void {
    this.state = 'closed'
    this.inner?.close()
  }

  private async runInner<Result>(
    inner: TxScope,
    run: () => Result | Promise<Result>,
    savepoint: Savepoint,
  ): Promise<Result> {
    try {
      const value = await run()
      if (inner.state === 'closed') throw inner.closed()
      await inner.returned()
      await savepoint.release()
      return value
    } catch (error) {
      // Where its function has ended before it, so has its savepoint.
      if (this.state !== 'closed') await this.rollBack(savepoint)
      throw error
    } finally {
      inner.close()
      this.inner = undefined
    }
  }

  private async rollBack(savepoint: Savepoint): Promise<void> {
    try {
      await savepoint.rollBack()
    } catch (error) {
      throw this.fail(error)
    }
  }

  private closed() {
    return fault('millrace/tx-closed', `tx was used after ${this.label} had ended`)
  }

  private failed(consequence: string) {
    const { failure, label } = this
    return fault('millrace/statement-failed', `${label} ${consequence}: ${messageOf(failure)}`, {
      cause: failure,
    })
  }
}
