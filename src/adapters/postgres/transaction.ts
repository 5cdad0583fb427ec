// A transaction of ours on a connection.
//
//   begun ──statements──→ ──commit sent──→ committed | rolled back | unknown: the connection broke without an answer
//     └──a statement fails, rollback──→ rolled back
//
// Committed is what answers `COMMIT`: a commit of what has failed answers `ROLLBACK`.
import { fault } from '../../model/errors.ts'
import type { Connection } from './connection.ts'
import type { SqlValue, Transaction } from './statements.ts'

/** How a transaction begins: nothing is left to the defaults of the role. */
export interface Beginning {
  readonly durability: 'on' | 'remote_apply'
  readonly lockMs: number
  readonly statementMs: number
  /** The time after which the server ends a transaction whose client says nothing, milliseconds. */
  readonly idleMs: number
}

/** What became of a commit that got no answer is unknown. */
export class Unanswered {
  readonly cause: unknown
  constructor(cause: unknown) {
    this.cause = cause
  }
}

export class OpenTransaction implements Transaction {
  readonly db: Connection
  readonly token: string
  private readonly fns: (() => void)[] = []

  /** Begins. The server answers with the first statement. */
  constructor(db: Connection, token: string, { durability, lockMs, statementMs, idleMs }: Beginning) {
    this.db = db
    this.token = token
    db.takeFailure()
    db.words(
      `begin isolation level read committed read write; set local statement_timeout = ${statementMs};
       set local lock_timeout = ${lockMs}; set local synchronous_commit = ${durability};
       set local idle_in_transaction_session_timeout = ${idleMs}; set local role none;
       select set_config('millrace.tx', '${token}', true)`,
    ).catch(() => {})
  }

  all<Row extends object>(text: string, values?: readonly SqlValue[]): Promise<Row[]> {
    return this.db.all<Row>(text, values)
  }

  run(text: string, values?: readonly SqlValue[]): Promise<number> {
    return this.db.run(text, values)
  }

  committed(fn: () => void): void {
    this.fns.push(fn)
  }

  /**
   * Commits, in the same round trip as what was sent before.
   *
   * @throws the first error of a statement; `Unanswered`
   */
  async commit(): Promise<void> {
    const { db } = this
    let command: string
    try {
      ;({ command } = await db.words('commit'))
    } catch (error) {
      if (!db.isOpen) throw new Unanswered(error)
      throw db.takeFailure() ?? error
    }
    if (command !== 'COMMIT') {
      throw db.takeFailure() ?? fault('millrace/transaction-ended', 'the transaction has ended before its commit')
    }
    for (const fn of this.fns) fn()
  }

  /** Rolls back. Where the connection is lost, so is the transaction. */
  async rollBack(): Promise<void> {
    const { db } = this
    await db.words('rollback').catch(() => {})
    db.takeFailure()
  }
}
