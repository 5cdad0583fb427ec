// The `tx.client` of a function: what query builders need of a connection, in the shape of `node:sqlite`. Each call goes
// through the scope of its `tx`, as a statement of `tx.query` does, and is guarded as one.
import type { StatementSync } from 'node:sqlite'
import { fault } from '../../model/errors.ts'
import type { Tx } from '../../model/tx.ts'
import { checkValues } from '../../model/value.ts'
import type { SqliteClient, SqliteColumn, SqliteStatement } from './client-shape.ts'
import type { Guard } from './user-code.ts'
import { bound, exact, plainRow } from './values.ts'

/** Runs a function as a statement of a `tx`, by the rule of its scope. */
export interface ClientHost {
  readonly guard: Guard
  readonly ended: boolean
  guarded<T>(fn: () => T, text?: string, values?: readonly unknown[]): T
}

export class Client implements SqliteClient {
  readonly #host: ClientHost

  constructor(host: ClientHost) {
    this.#host = host
  }

  exec(sql: string): void {
    this.#asUser((guard) => guard.db.exec(sql), sql, [])
  }

  prepare(sql: string): SqliteStatement {
    const statement = this.#asUser((guard) => exact(guard.db.prepare(sql)), sql)
    return new ClientStatement(statement, (fn, values) => this.#asUser(fn, sql, values))
  }

  close(): void {}

  /** @throws `millrace/other-broker`, `millrace/tx-closed`, `millrace/bad-option` */
  static of(tx: Tx): SqliteClient {
    if (typeof tx?.query !== 'function') {
      throw fault('millrace/bad-option', 'sqlite.client takes the tx of a commit function, a transaction or setup')
    }
    const { client } = tx
    if (typeof client !== 'object' || client === null || !(#host in client)) {
      throw fault('millrace/other-broker', 'sqlite.client got the tx of a broker that is not sqlite')
    }
    if (client.#host.ended) throw fault('millrace/tx-closed', 'sqlite.client got a tx whose function had ended')
    return client
  }

  /** A statement that runs has values, if none; one that is prepared has not run. */
  #asUser<T>(fn: (guard: Guard) => T, sql: string, values?: readonly unknown[]): T {
    const { guard } = this.#host
    return this.#host.guarded(() => guard.asUser(() => fn(guard), sql), values && sql, values)
  }
}

class ClientStatement implements SqliteStatement {
  readonly #statement: StatementSync
  readonly #run: <T>(fn: () => T, values?: readonly unknown[]) => T
  readonly reader: boolean

  constructor(statement: StatementSync, run: <T>(fn: () => T, values?: readonly unknown[]) => T) {
    this.#statement = statement
    this.#run = run
    this.reader = statement.columns().length > 0
  }

  all<Row>(...given: unknown[]): Row[] {
    return this.#run(() => this.#statement.all(...valuesOf(given)).map(plain<Row>), given)
  }

  get<Row>(...given: unknown[]): Row | undefined {
    const [row] = this.#run(() => {
      const found = this.#statement.get(...valuesOf(given))
      return found === undefined ? [] : [found]
    }, given)
    return row === undefined ? undefined : plain<Row>(row)
  }

  run(...given: unknown[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint } {
    return plainRow(this.#run(() => this.#statement.run(...valuesOf(given)), given))
  }

  iterate<Row>(...given: unknown[]): IterableIterator<Row> {
    return this.all<Row>(...given).values()
  }

  columns(): SqliteColumn[] {
    return this.#run(() => this.#statement.columns().map((column) => ({ ...column })))
  }

  setReturnArrays(enabled: Parameters<StatementSync['setReturnArrays']>[0]): void {
    this.#statement.setReturnArrays(enabled)
  }
}

function valuesOf(given: unknown[]): ReturnType<typeof bound>[] {
  const values: readonly unknown[] = given.length === 1 && Array.isArray(given[0]) ? given[0] : given
  checkValues(values)
  return values.map(bound)
}

function plain<Row>(row: unknown): Row {
  return Array.isArray(row) ? (Object.values(plainRow(row)) as Row) : plainRow(row as Row)
}
