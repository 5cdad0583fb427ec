import { DatabaseSync, type StatementSync } from 'node:sqlite'

/** What stands around each statement of a simulated process. */
export interface Statements {
  /** Calls `run`, or not: a crash comes before or after it, the disk is full. `values` is what was bound. */
  write<T>(text: string, values: readonly unknown[], run: () => T): T
  /** For what only reads. */
  read<T>(run: () => T): T
}

const readsOnly = /^\s*(select|pragma (?!wal_checkpoint))/i

/** A connection whose statements go through `around`. */
export function simulatedDatabase(
  file: string,
  how: { readonly timeout: number; readonly readOnly?: boolean },
  around: Statements,
): DatabaseSync {
  const db = new DatabaseSync(file, how)
  const { prepare, exec, close } = db
  return Object.assign(db, {
    prepare(sql: string): StatementSync {
      const statement = around.read(() => prepare.call(db, sql))
      return (
        how.readOnly || readsOnly.test(sql) ? reading(statement, around) : writing(sql, statement, around)
      ) as never
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

function reading(statement: StatementSync, { read }: Statements) {
  return {
    all: (...values: Values) => read(() => statement.all(...values)),
    get: (...values: Values) => read(() => statement.get(...values)),
    run: (...values: Values) => read(() => statement.run(...values)),
    iterate: (...values: Values) => read(() => statement.iterate(...values)),
  }
}

function writing(sql: string, statement: StatementSync, { write }: Statements) {
  return {
    all: (...values: Values) => write(sql, values, () => statement.all(...values)),
    get: (...values: Values) => write(sql, values, () => statement.get(...values)),
    run: (...values: Values) => write(sql, values, () => statement.run(...values)),
    iterate: (...values: Values) => write(sql, values, () => statement.all(...values).values()),
  }
}
