// Converts values for SQLite and back. The driver alone binds every number as floating point, which shows in text, JSON and
// division ("5.0"), and it cannot read a row with an integer beyond 2^53.
import type { StatementSync } from 'node:sqlite'
import type { Value } from '../../model/value.ts'

/** A value as SQLite takes it: a whole number, and a boolean, as an integer. */
export function bound(value: Value): string | number | bigint | null | Uint8Array {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  return typeof value === 'boolean' ? BigInt(value) : value
}

/** Makes a statement give every integer exactly; its rows and results go through {@link plainRow}. */
export function exact(statement: StatementSync): StatementSync {
  statement.setReadBigInts(true)
  return statement
}

/** A row, or what a statement has changed, as a plain object: an integer as a number where that is exact. */
export function plainRow<Row>(row: Row): Row {
  const plain = { ...row } as Record<string, unknown>
  for (const name in plain) {
    const value = plain[name]
    if (typeof value === 'bigint' && value <= greatest && value >= -greatest) plain[name] = Number(value)
  }
  return plain as Row
}

const greatest = BigInt(Number.MAX_SAFE_INTEGER)
