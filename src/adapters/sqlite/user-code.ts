// What SQL of users may do, and how a function that runs in our transaction is watched. One connection serves both
// our statements and theirs; a flag tells the authorizer whose turn it is.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { fault } from '../../model/errors.ts'
import { promiseOf } from '../../model/promise.ts'
import { checkValues, type Query, type Tx, type Value } from '../../model/tx.ts'
import { constants } from '../node/sqlite.ts'
import { isDiskTrouble } from './trouble.ts'
import { bound, exact, plainRow } from './values.ts'

const forbidden = new Set([
  constants.SQLITE_TRANSACTION,
  constants.SQLITE_SAVEPOINT,
  constants.SQLITE_ATTACH,
  constants.SQLITE_DETACH,
  constants.SQLITE_PRAGMA,
])
const harmless = new Set([
  constants.SQLITE_SELECT,
  constants.SQLITE_READ,
  constants.SQLITE_FUNCTION,
  constants.SQLITE_RECURSIVE,
])
const ours = (name: string | null) => name?.toLowerCase().startsWith('millrace_') === true
const sqliteAuth = 23

/** Guards a connection: while `asUser` runs, only what users may do is allowed. */
export class Guard {
  readonly db: DatabaseSync
  private user = false
  private text = ''

  constructor(db: DatabaseSync) {
    this.db = db
    // Set before the first statement is prepared: savepoints prepared earlier would fail under a later authorizer.
    db.setAuthorizer((action, first, second) => {
      if (!this.user || harmless.has(action)) return constants.SQLITE_OK
      if (forbidden.has(action) || ours(first) || ours(second)) return constants.SQLITE_DENY
      // The new name of a table is not told, only its text has it.
      const intrudes = action === constants.SQLITE_ALTER_TABLE && /millrace_/i.test(this.text)
      return intrudes ? constants.SQLITE_DENY : constants.SQLITE_OK
    })
  }

  /** `text` is what `fn` prepares, where it prepares anything. */
  asUser<T>(fn: () => T, text = ''): T {
    this.user = true
    this.text = text
    try {
      return fn()
    } catch (cause) {
      if ((cause as { errcode?: number }).errcode !== sqliteAuth) throw cause
      throw fault(
        'millrace/denied',
        'the statement does what user code may not: it controls transactions, attaches files, uses a pragma or writes to a table of Millrace',
        { cause },
      )
    } finally {
      this.user = false
    }
  }
}

/** Runs tagged templates on a connection; each place in the code is prepared once. */
export class Statements {
  private readonly guard: Guard
  private readonly prepared = new WeakMap<TemplateStringsArray, StatementSync>()

  constructor(guard: Guard) {
    this.guard = guard
  }

  run<Row>(text: TemplateStringsArray, values: readonly unknown[]): Row[] {
    if (!Array.isArray(text) || !Array.isArray(text.raw)) {
      throw fault('millrace/bad-value', 'query is a tag: write tx.query`select …`, not tx.query("select …")')
    }
    checkValues(values)
    const known = this.prepared.get(text)
    const sql = known === undefined ? text.join('?') : ''
    return this.guard.asUser(() => {
      const statement = known ?? exact(this.guard.db.prepare(sql))
      if (known === undefined) this.prepared.set(text, statement)
      const rows = statement.all(...values.map(bound)) as Row[]
      return rows.length === 0 ? rows : rows.map(plainRow)
    }, sql)
  }
}

export interface TxLimits {
  readonly queriesMax: number
  readonly turnsMax: number
}

/** The `tx` of one function: counts its calls, and refuses them once the function or the transaction has ended. */
export class UserTx implements Tx {
  calls = 0
  /** Set when a statement ended the whole transaction behind our back. */
  broken = false
  /** What a statement failed with, where the disk is to blame. What the function throws may be of another database. */
  trouble: unknown
  private open = true
  private readonly guard: Guard
  private readonly limits: TxLimits
  private facade: unknown
  readonly query: Query

  constructor(guard: Guard, statements: Statements, limits: TxLimits) {
    this.guard = guard
    this.limits = limits
    this.query = async <Row>(text: TemplateStringsArray, ...values: Value[]) =>
      this.guarded(() => statements.run<Row>(text, values))
  }

  /** As in `node:sqlite`, as far as query builders need it. */
  get client(): unknown {
    const call = <T>(fn: () => T, sql = ''): T => this.guarded(() => this.guard.asUser(fn, sql))
    this.facade ??= {
      exec: (sql: string) => call(() => this.guard.db.exec(sql), sql),
      prepare: (sql: string) => {
        const statement = call(() => exact(this.guard.db.prepare(sql)), sql)
        const values = (given: unknown[]) => {
          checkValues(given)
          return given.map(bound)
        }
        const all = (given: unknown[]) => call(() => statement.all(...values(given)).map(plainRow))
        const get = (given: unknown[]) => call(() => statement.get(...values(given)))
        return {
          all: (...given: unknown[]) => all(given),
          get: (...given: unknown[]) => {
            const row = get(given)
            return row === undefined ? undefined : plainRow(row)
          },
          run: (...given: unknown[]) => plainRow(call(() => statement.run(...values(given)))),
          iterate: (...given: unknown[]) => all(given).values(),
        }
      },
    }
    return this.facade
  }

  close(): void {
    this.open = false
  }

  private guarded<T>(fn: () => T): T {
    if (!this.open) throw fault('millrace/tx-closed', 'tx was used after its function had ended')
    if (this.broken) throw transactionEnded()
    if (++this.calls > this.limits.queriesMax) {
      throw fault('millrace/too-many-queries', `the function made more than ${this.limits.queriesMax} statements`)
    }
    try {
      return fn()
    } catch (error) {
      if (isDiskTrouble(error)) this.trouble ??= error
      throw error
    } finally {
      if (!this.guard.db.isTransaction) this.broken = true
    }
  }
}

export const transactionEnded = () =>
  fault('millrace/transaction-ended', 'a statement of the function ended the whole transaction (OR ROLLBACK or RAISE)')

/**
 * Runs a function to its end without ever leaving the queue of microtasks, so that nothing else happens while the
 * transaction is open. It may take so many turns without a call on `tx`; each call begins the count again.
 *
 * @throws what the function throws; `millrace/commit-waited`
 */
export async function settle(
  run: (tx: Tx) => unknown,
  tx: Tx & { readonly calls: number },
  turnsMax: number,
): Promise<unknown> {
  const first = run(tx)
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
  let calls = tx.calls
  for (let turn = 0; !settled; turn++) {
    if (turn > turnsMax) {
      throw fault('millrace/commit-waited', `the commit function waited for something else than tx (${turnsMax} turns)`)
    }
    await null
    if (tx.calls !== calls) {
      calls = tx.calls
      turn = 0
    }
  }
  if (failed) throw value
  return value
}
