import type { Scalar, SqlValue } from './statements.ts'

/** Rows as the lists of their columns, for `unnest($1::int8[], $2::text[])`: one text for any number of rows. */
export function lists<Row>(rows: readonly Row[], columns: readonly ((row: Row) => Scalar)[]): SqlValue[] {
  return columns.map((column) => rows.map(column))
}
