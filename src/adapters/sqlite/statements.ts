import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { fault } from '../../model/errors.ts'

export type Value = string | number | null | Uint8Array

/** The statements of one connection, each prepared when it is first needed. All tables of an open file share them. */
export class Statements {
  readonly db: DatabaseSync
  isOpen = true
  private readonly prepared = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.db = db
  }

  run(sql: string, ...values: Value[]): number {
    return Number(this.get(sql).run(...values).changes)
  }

  /** One row after the other, so that the reader may stop. */
  *each<T>(sql: string, ...values: Value[]): Generator<T> {
    for (const row of this.get(sql).iterate(...values)) yield { ...row } as T
  }

  all<T>(sql: string, ...values: Value[]): T[] {
    return this.get(sql)
      .all(...values)
      .map((row) => ({ ...row })) as T[]
  }

  one<T>(sql: string, ...values: Value[]): T | undefined {
    return this.get(sql).get(...values) as T | undefined
  }

  /** Forgets all statements; the connection is closed. */
  close(): void {
    this.isOpen = false
    this.prepared.clear()
  }

  private get(sql: string): StatementSync {
    let statement = this.prepared.get(sql)
    if (statement === undefined) {
      if (!this.isOpen) throw fault('millrace/not-started', 'the store is not open')
      statement = this.db.prepare(sql)
      this.prepared.set(sql, statement)
    }
    return statement
  }
}
