// What users see of a connection. It names no type of `node:sqlite`, so users need not have the types of Node.js.
import type { Value } from '../../model/value.ts'

/** A column of the rows of a statement; null where the value is no column of a table. */
export interface SqliteColumn {
  readonly name: string
  readonly column: string | null
  readonly table: string | null
  readonly database: string | null
  /** The declared type. */
  readonly type: string | null
}

/**
 * A prepared statement. Values are bound and read as by `tx.query`; they are given one by one, or as one array. It is
 * usable only while the function of its `tx` runs.
 */
export interface SqliteStatement {
  /** Whether it returns rows. */
  readonly reader: boolean
  /** Returns all rows. */
  all<Row = Record<string, unknown>>(...values: (Value | readonly unknown[])[]): Row[]
  /** Returns the first row; undefined where there is none. */
  get<Row = Record<string, unknown>>(...values: (Value | readonly unknown[])[]): Row | undefined
  /** Returns how many rows it has changed, and the rowid of the last row inserted. */
  run(...values: (Value | readonly unknown[])[]): {
    readonly changes: number | bigint
    readonly lastInsertRowid: number | bigint
  }
  /** Returns the rows one by one. All of them are read at once. */
  iterate<Row = Record<string, unknown>>(...values: (Value | readonly unknown[])[]): IterableIterator<Row>
  /** Describes the columns of its rows; empty for a statement without rows. */
  columns(): SqliteColumn[]
  /** Says whether rows are arrays from now on: columns of the same name stay apart. */
  setReturnArrays(enabled: boolean): void
}

/** The connection of a transaction on SQLite, for query builders: `prepare` and `exec` as in `node:sqlite`. */
export interface SqliteClient {
  /** Runs statements without values, one after the other. */
  exec(sql: string): void
  prepare(sql: string): SqliteStatement
  /** Does nothing: the transaction ends with its function. */
  close(): void
}
