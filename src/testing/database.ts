import type { StatementSync } from 'node:sqlite'
import { DatabaseSync } from '../adapters/node/sqlite.ts'
import type { OpenDatabase } from '../adapters/sqlite/owner.ts'

/** Wraps each statement of a simulated process. */
export interface Statements {
  /** Calls `run`, or not: a crash comes before or after it, or the disk is full. `values` are the bound values. */
  write<T>(text: string, values: readonly unknown[], run: () => T): T
  /** Wraps statements that only read. */
  read<T>(run: () => T): T
}

const readsOnly = /^\s*(select|pragma (?!wal_checkpoint(?!\(noop\))))/i

/** Opens a connection whose statements go through `around`. */
export function simulatedDatabase(file: string, how: Parameters<OpenDatabase>[1], around: Statements): DatabaseSync {
  const db = new DatabaseSync(file, how)
  const { prepare, exec, close } = db
  return Object.assign(db, {
    prepare(sql: string): StatementSync {
      const statement = around.read(() => prepare.call(db, sql))
      const reads = how.readOnly || readsOnly.test(sql)
      return through(statement, (values, run) => (reads ? around.read(run) : around.write(sql, values, run))) as never
    },
    exec(sql: string): void {
      around.write(sql, [], () => exec.call(db, sql))
    },
    close(): void {
      around.write('close', [], () => close.call(db))
    },
  })
}

type Values = Parameters<StatementSync['all']>

/** Wraps a statement so that each run goes through `call`. */
function through(statement: StatementSync, call: <T>(values: Values, run: () => T) => T) {
  return {
    all: (...values: Values) => call(values, () => statement.all(...values)),
    get: (...values: Values) => call(values, () => statement.get(...values)),
    run: (...values: Values) => call(values, () => statement.run(...values)),
    setReadBigInts: statement.setReadBigInts.bind(statement),
    setReturnArrays: statement.setReturnArrays.bind(statement),
    columns: statement.columns.bind(statement),
    sourceSQL: statement.sourceSQL,
    iterate: (...values: Values) => call(values, () => statement.all(...values).values()),
  }
}
