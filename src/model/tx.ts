import { fault } from './errors.ts'
import { dateMs, isBytes } from './kinds.ts'

/**
 * A value that a statement binds; anything else is `millrace/bad-value`. A whole number within
 * `Number.MAX_SAFE_INTEGER` and a boolean are bound as an integer, any other number as floating point, a bigint of at
 * most 64 bits as an integer. An integer is read as a number where that is exact, else as a bigint.
 */
export type Value = string | number | bigint | boolean | null | Uint8Array

/** A tagged template that runs one SQL statement and gives its rows. Values are bound, never spliced into the text. */
export type Query = <Row extends object = Record<string, unknown>>(
  text: TemplateStringsArray,
  ...values: Value[]
) => Promise<Row[]>

/** The transaction of a commit function. It is usable only while the function runs. */
export interface Tx {
  /**
   * Runs one SQL statement in the transaction. Statements of one function run one after the other; other handlers see
   * their effects only after the commit.
   *
   * @returns the rows, plain objects; empty for a statement that gives none
   * @throws `millrace/bad-value`, `millrace/denied`, `millrace/tx-closed`, `millrace/too-many-queries`, and what the
   *   database says
   *
   * @example
   * ```ts
   * const left = await shop.transaction(async (tx) => {
   *   const [row] = await tx.query<{ left: number }>`update stock set left = left - 1 where sku = ${'sieve'} returning left`
   *   return row!.left
   * })
   * ```
   */
  readonly query: Query
  /**
   * The connection, for query builders: on SQLite an object with `prepare` and `exec` as in `node:sqlite`. The rules of
   * `query` hold for it too.
   */
  readonly client: unknown
}

/**
 * Refuses what cannot be bound, or would come back as something else (an object as first value would silently become
 * named parameters).
 */
export function checkValues(values: readonly unknown[]): asserts values is Value[] {
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    const why = unfit(value)
    if (why !== undefined) {
      throw fault('millrace/bad-value', `value ${index + 1} of the statement is ${why}, which cannot be bound`)
    }
  }
}

function unfit(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? undefined : 'a string with half a character (a lone surrogate)'
    case 'number':
      return Number.isFinite(value) ? undefined : String(value)
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? undefined : 'a bigint of more than 64 bits'
    case 'boolean':
      return undefined
    case 'object':
      if (value === null || isBytes(value)) return undefined
      return dateMs(value) === undefined ? 'of type object' : 'a Date'
    default:
      return `of type ${typeof value}`
  }
}
