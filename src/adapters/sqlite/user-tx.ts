// The `tx` of one function, and how the function is run: to its end, without ever leaving the queue of microtasks.
import type { DatabaseSync } from 'node:sqlite'
import { fault } from '../../model/errors.ts'
import { promiseOf } from '../../model/promise.ts'
import { askedBy } from '../../model/sql.ts'
import type { Query, Tx } from '../../model/tx.ts'
import type { CommitFunction, CommitTx } from '../../seam/commit.ts'
import { type Savepoint, TxScope } from '../../seam/tx-scope.ts'
import { Client, type ClientHost } from './client.ts'
import { isDiskTrouble } from './errors.ts'
import type { Savepoints } from './savepoints.ts'
import type { Guard, UserStatements } from './user-code.ts'
import { watchedRun } from './watched.ts'

/** The parts of the store that a `tx` works on. */
export interface TxHost {
  readonly db: DatabaseSync
  readonly guard: Guard
  readonly statements: UserStatements
  readonly savepoints: Savepoints
}

/** The place of an attempt in its function. */
interface Nested {
  readonly root: UserTx
  readonly scope: TxScope
  readonly depth: number
}

type Collecting = Pick<CommitFunction, 'label' | 'savepoint' | 'watch'>

/** The `tx` of a function, or of an attempt in it: runs its statements, by the rule of its scope. */
export class UserTx implements CommitTx, ClientHost {
  /** Set when a statement ended the whole transaction behind our back. Kept by the `tx` of the function. */
  broken = false
  /** The error of a statement that the disk has caused. The function itself may throw an error of another database. */
  trouble: unknown
  readonly query: Query
  private readonly host: TxHost
  private readonly fn: Collecting
  private readonly scope: TxScope
  private readonly root: UserTx
  private readonly depth: number
  private facade: Client | undefined

  constructor(host: TxHost, fn: Collecting, queriesMax: number, nested?: Nested) {
    this.host = host
    this.fn = fn
    this.scope = nested?.scope ?? new TxScope({ label: fn.label, queriesMax })
    this.root = nested?.root ?? this
    this.depth = nested?.depth ?? 0
    const { statements } = host
    this.query = <Row>(text: TemplateStringsArray, ...values: unknown[]) => {
      try {
        const run = () => statements.run<Row>(text, values)
        return Promise.resolve(fn.watch === undefined ? this.guarded(run) : this.guarded(run, ...askedBy(text, values)))
      } catch (error) {
        return this.scope.rejected(error)
      }
    }
  }

  /** UserStatements and attempts so far. */
  get calls(): number {
    return this.scope.calls
  }

  get attempt(): Tx['attempt'] {
    return (fn) => this.scope.attempt(fn, this.inner)
  }

  /** For query builders. */
  get client(): unknown {
    this.facade ??= new Client(this)
    return this.facade
  }

  get guard(): Guard {
    return this.host.guard
  }

  get ended(): boolean {
    return this.scope.ended
  }

  returned(): Promise<void> | undefined {
    return this.scope.returned()
  }

  close(): void {
    this.scope.close()
  }

  /** Runs a statement by the rule of the scope. Who watches is told of one with a text. */
  guarded<T>(fn: () => T, text?: string, values: readonly unknown[] = none): T {
    if (this.root.broken && !this.scope.ended) throw transactionEnded()
    this.scope.enter()
    try {
      const { watch } = this.fn
      if (watch === undefined || text === undefined) return this.watched(fn)
      return this.watched(() => watchedRun({ db: this.host.db, watch }, { text, values }, fn))
    } catch (error) {
      throw this.scope.fail(error)
    }
  }

  /** The host of an attempt in this one. */
  private get inner() {
    const { host, fn, root } = this
    const depth = this.depth + 1
    return {
      savepoint: (): Savepoint => this.savepoint(depth),
      txOf: (scope: TxScope): Tx => new UserTx(host, fn, 0, { root, scope, depth }),
    }
  }

  private savepoint(depth: number): Savepoint {
    const { root } = this
    const { savepoints } = this.host
    if (root.broken) throw transactionEnded()
    this.watched(() => savepoints.begin(depth))
    const dropCollected = this.fn.savepoint?.()
    return {
      release: () => this.watched(() => savepoints.release(depth)),
      rollBack: () => {
        dropCollected?.()
        if (!root.broken) this.watched(() => savepoints.rollBack(depth))
      },
    }
  }

  /** Notices failures of a statement that concern more than its function. */
  private watched<T>(fn: () => T): T {
    const { root } = this
    try {
      return fn()
    } catch (error) {
      if (isDiskTrouble(error)) root.trouble ??= error
      throw error
    } finally {
      if (!this.host.db.isTransaction) root.broken = true
    }
  }
}

const none: readonly unknown[] = []

export const transactionEnded = () =>
  fault('millrace/transaction-ended', 'a statement of the function ended the whole transaction (OR ROLLBACK or RAISE)')

/**
 * Runs a function to its end without ever leaving the queue of microtasks, so that nothing else happens while the
 * transaction is open. It may take so many turns without a call on `tx`; each call begins the count again.
 *
 * @param made counts the calls on `tx`
 * @param label what the function is, for the message
 * @throws what the function throws; `millrace/commit-waited`
 */
export async function settle(
  run: () => unknown,
  made: { readonly calls: number },
  label: string,
  turnsMax: number,
): Promise<unknown> {
  const first = run()
  const promise = promiseOf(first)
  if (promise === undefined) return first
  let settled = false
  let failed = false
  let value: unknown
  promise.then(
    (result) => {
      settled = true
      value = result
    },
    (error: unknown) => {
      settled = true
      failed = true
      value = error
    },
  )
  let { calls } = made
  for (let turn = 0; !settled; turn++) {
    if (turn > turnsMax) {
      throw fault('millrace/commit-waited', `${label} awaited something other than tx (${turnsMax} turns)`)
    }
    await null
    if (made.calls !== calls) {
      ;({ calls } = made)
      turn = 0
    }
  }
  if (failed) throw value
  return value
}
