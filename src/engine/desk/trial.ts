// One trial of a held message: an attempt of the engine that is taken back whole.
//
//   handling ──the handler returned──→ committing: its function runs in a savepoint ──always rolled back──→ ended
//      ├─────the handler threw────────────────────────────────────────────────────────────────────────────→ ended
//      └─────its time is over, or the run ends ──→ expired: fenced; `gone` resolves when the handler ends
//
// Invariants:
// - The commit function of a trial ends with an error whatever the user's function did: the store rolls its savepoint back,
//   and its group, which it leaves nothing to, is as without it.
// - What the handler publishes, sends and cancels stays in the attempt of the trial. No group, no delivery, no progress and
//   no counter knows that attempt.
// - The engine's own tables are out of its reach: nothing is taken back, nothing is gathered.
import { decode, refusalOf, type Stored } from '../../model/codec.ts'
import type { DeskEntry } from '../../model/desk.ts'
import { fault } from '../../model/errors.ts'
import { toldOfFrozen } from '../../model/frozen.ts'
import { promiseOf } from '../../model/promise.ts'
import { isRefused } from '../../model/refused.ts'
import { askedBy } from '../../model/sql.ts'
import type { Query } from '../../model/tx.ts'
import type { CommitTx, OwnTables, Ran } from '../../seam/commit.ts'
import type { World } from '../../seam/world.ts'
import { nothing, type TakenBack } from '../commit/collected.ts'
import type { Transaction } from '../commit/writes.ts'
import { Attempt, type AttemptHost } from '../consumer/attempt.ts'
import { Delivery } from '../consumer/delivery.ts'
import { HandlerContext } from '../consumer/handler-context.ts'
import { type HandlerSpec, type ProcessorSpec, unknownType } from '../spec.ts'
import { TrialStatements } from './trial-statements.ts'

export interface TrialHost {
  readonly world: Pick<World, 'elapsed' | 'after' | 'soon' | 'guard'>
  readonly committer: { transact(transaction: Transaction): void }
  readonly messageBytesMax: number
}

/** The processor that tries. */
export interface Trier {
  readonly spec: ProcessorSpec
  readonly processor: AttemptHost
  /** A paused processor starts nothing, and no trial. */
  readonly isPaused: boolean
}

/** What an attempt would have left. */
export interface Leaving {
  readonly reply: unknown
  readonly outgoing: readonly Stored[]
  readonly cancelled: readonly TakenBack[]
}

/** How a trial ended. */
export interface TrialEnd {
  /** Undefined where the attempt failed. */
  readonly left: Leaving | undefined
  /** The error of one that failed. */
  readonly error: unknown
  readonly statements: TrialStatements
  readonly tookMs: number
}

/** The values of a query. */
type Values = Parameters<Query> extends [unknown, ...infer All] ? All : never

/** Time for the handler, milliseconds; less where its processor has less. */
const handlerMsMax = 10_000
/** Time for the commit function, milliseconds: nothing else is written while it runs. */
const commitMsMax = 100

export class Trial {
  /** Resolves when the handler has ended. */
  readonly gone: Promise<void>
  private readonly host: TrialHost
  private readonly trier: Trier
  private readonly delivery: Delivery
  private readonly statements = new TrialStatements()
  private readonly left = Promise.withResolvers<void>()
  private begun = false
  private fail: (error: unknown) => void = () => {}

  constructor(host: TrialHost, trier: Trier, entry: DeskEntry) {
    this.host = host
    this.trier = trier
    // As when it is released: its first attempt.
    this.delivery = new Delivery(entry.message, { ...entry, attempts: 0, tries: [] })
    this.gone = this.left.promise
  }

  /** Runs it. Rejects only where the trial itself is not possible: the run ends, or the disk is in trouble. */
  async run(): Promise<TrialEnd> {
    const { world } = this.host
    const startedAt = world.elapsed()
    const { statements, trier } = this
    const ended = () => ({ statements, tookMs: Math.round(world.elapsed() - startedAt) })
    const { message } = this.delivery
    let attempt: Attempt
    try {
      const handler = trier.spec.handlers.get(message.type)
      if (handler === undefined) throw unknownType(trier.spec, message.type)
      if (trier.isPaused) throw new Impossible(paused(trier.spec.name))
      attempt = new Attempt(this.processor(), this.delivery, handler, startedAt)
      await this.handle(attempt, handler)
    } catch (thrown) {
      if (!this.begun) this.left.resolve()
      if (thrown instanceof Impossible) throw thrown.why
      return { ...ended(), left: undefined, error: this.told(thrown) }
    }
    if (attempt.fn === undefined) return { ...ended(), left: leavingOf(attempt, attempt.reply), error: undefined }
    const tried = new TrialFunction(attempt, statements, () => world.elapsed())
    try {
      await tried.in(this.host.committer)
    } catch (thrown) {
      if (tried.outcome === undefined) throw thrown
      return { ...ended(), left: undefined, error: this.told(thrown) }
    }
    return { ...ended(), left: tried.leaving, error: undefined }
  }

  /** The run ends. */
  end(why: Error): void {
    this.fail(new Impossible(why))
  }

  /** Calls the handler, and waits for it for at most its time. */
  private handle(attempt: Attempt, handler: HandlerSpec): Promise<void> {
    const { world } = this.host
    const { message } = this.delivery
    const { name, timeoutMs } = this.trier.spec
    const ms = Math.min(timeoutMs, handlerMsMax)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const fail = (error: unknown) => {
      timer.cancel()
      if (attempt.state === 'running') attempt.abort(error)
      reject(error)
    }
    const timer = world.after(ms, () =>
      fail(fault('millrace/timed-out', `a trial by processor "${name}" took longer than ${ms} ms`)),
    )
    this.fail = fail
    const returned = (result: unknown) => {
      timer.cancel()
      this.left.resolve()
      if (attempt.state !== 'running') return
      try {
        attempt.checkResult(result)
        attempt.state = 'ended'
        resolve()
      } catch (error) {
        threw(error)
      }
    }
    const threw = (error: unknown) => {
      timer.cancel()
      this.left.resolve()
      if (attempt.state === 'running') attempt.state = 'ended'
      reject(error)
    }
    this.begun = true
    try {
      const decoded = decode(handler.type, message)
      const result = world.guard(attempt, handler.handle, decoded, new HandlerContext(attempt))
      const later = promiseOf(result)
      if (later === undefined) returned(result)
      else later.then(returned, threw)
    } catch (error) {
      threw(error)
    }
    return promise
  }

  /** The processor, as this attempt alone knows it. */
  private processor(): AttemptHost {
    const { processor } = this.trier
    return {
      ...processor,
      read: this.reading(processor.read),
      traced: undefined,
      log: (level, text, fields) => processor.log(level, text, { ...fields, trial: true }),
      late: (attempt, error) => {
        if (attempt.state === 'running') this.fail(error)
        else processor.log('error', 'a trial threw after it had ended', { processor: processor.name, trial: true })
      },
    }
  }

  private reading(read: Query): Query {
    return async <Row extends object>(template: TemplateStringsArray, ...values: Values) => {
      const [text, bound] = askedBy(template, values)
      const asked = { text, values: bound, changed: 0 }
      try {
        const rows = await read<Row>(template, ...values)
        this.statements.add('read', { ...asked, rows })
        return rows
      } catch (error) {
        this.statements.add('read', { ...asked, rows: [], error })
        throw error
      }
    }
  }

  /** The error as a failure would have it. */
  private told(thrown: unknown): unknown {
    const { message } = this.delivery
    const { spec } = this.trier
    const handler = spec.handlers.get(message.type)
    const error = toldOfFrozen(`processor "${spec.name}"`, thrown, message.decoded)
    if (handler === undefined || !isRefused(thrown)) return error
    try {
      refusalOf(handler.type, thrown, this.host.messageBytesMax)
      return error
    } catch (unfit) {
      return unfit
    }
  }
}

export const paused = (processor: string) => fault('millrace/no-trial', `processor "${processor}" is paused`)

/** A trial that cannot be made. */
class Impossible {
  readonly why: Error

  constructor(why: Error) {
    this.why = why
  }
}

/** Thrown by the commit function of every trial, so that its savepoint is rolled back. */
const takenBack = new Error('a trial is taken back')

class TrialFunction implements Transaction {
  readonly processor = undefined
  readonly label = 'the commit function'
  readonly outgoing: readonly Stored[] = []
  readonly withdrawn = nothing
  outcome: Transaction['outcome']
  /** What it would have left; set when the user's function has ended well. */
  leaving: Leaving | undefined
  resolve: () => void = () => {}
  reject: (error: unknown) => void = () => {}
  private readonly attempt: Attempt
  private readonly statements: TrialStatements
  private readonly elapsed: () => number
  private startedAt = 0

  constructor(attempt: Attempt, statements: TrialStatements, elapsed: () => number) {
    this.attempt = attempt
    this.statements = statements
    this.elapsed = elapsed
  }

  /** Resolves when it was run and taken back; rejects with the error of the user's function. */
  in(committer: TrialHost['committer']): Promise<void> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = (error) => (error === takenBack ? resolve() : reject(error))
      committer.transact(this)
    })
  }

  savepoint(): () => void {
    return this.attempt.savepoint()
  }

  readonly watch = (statement: Ran): void => {
    this.statements.add('commit', statement)
    const ms = this.elapsed() - this.startedAt
    if (ms <= commitMsMax) return
    throw fault('millrace/trial-too-long', `the commit function of a trial took longer than ${commitMsMax} ms`)
  }

  async run(tx: CommitTx): Promise<never> {
    this.startedAt = this.elapsed()
    this.statements.begins()
    this.leaving = undefined
    const { attempt } = this
    const value = await attempt.run(tx, noTables)
    this.leaving = leavingOf(attempt, value)
    throw takenBack
  }
}

/** A trial takes nothing back, and gathers nothing. */
const noTables: OwnTables = { gathers: undefined as never, takeBack: async () => undefined }

/** A copy: an attempt that runs again begins anew. */
const leavingOf = ({ outgoing, cancels }: Attempt, reply: unknown): Leaving => ({
  reply,
  outgoing: [...outgoing],
  cancelled: [...cancels],
})
