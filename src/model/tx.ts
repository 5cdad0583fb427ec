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

/**
 * The transaction of a function of `commit`, `app.transaction` or `setup`. Usable only while the function runs.
 *
 * A statement that failed fails its function, on every store: its rows are rolled back and what it published is
 * dropped. A statement fails when the database or Millrace refuses it (`millrace/bad-value`, `millrace/denied`, …).
 * This holds for `query` and `client`, awaited or not. Catching its error does not help: the next statement is refused
 * with `millrace/statement-failed`, and a function that returns fails with that. A function that throws fails with what
 * it throws, so it may answer a failed statement with a `Refused`. Run a statement that may fail in {@link Tx.attempt}.
 */
export interface Tx {
  /**
   * Runs one SQL statement in the transaction. Statements of one function run one after the other; other handlers see
   * their effects only after the commit.
   *
   * @returns the rows, plain objects; empty for a statement without rows
   * @throws `millrace/bad-value`, `millrace/denied`, `millrace/tx-closed`, `millrace/too-many-queries`,
   *   `millrace/statement-failed` after a failed statement, `millrace/attempt-open`, and the errors of the database
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
   * The connection, for query builders: on SQLite an object with `prepare` and `exec` as in `node:sqlite`. It follows
   * the rules of `query`.
   */
  readonly client: unknown
  /**
   * Runs a function in its own savepoint, where statements may fail. When the function throws or a statement fails, its
   * rows are rolled back and its publishes, sends and cancellations are dropped. This `tx` stays usable, and the error
   * may be caught. The rules of the outer function hold: only its `tx` may be awaited, and the attempt counts as one
   * statement. Attempts nest. While one is open, this `tx` refuses statements and further attempts: use the `tx` that
   * the function gets, and await the attempt.
   *
   * @param fn gets the `tx` to use inside; runs again when the whole function runs again
   * @returns the result of `fn`
   * @throws what `fn` throws; `millrace/statement-failed` where it returned despite a failed statement;
   *   `millrace/attempt-open`, `millrace/tx-closed`, `millrace/too-many-queries`
   *
   * @example
   * ```ts
   * const isNew = await shop.transaction((tx) =>
   *   tx
   *     .attempt(async (inner) => {
   *       await inner.query`insert into orders values (${'o-12'}, ${'sieve'}, 1)`
   *       return true
   *     })
   *     .catch(() => false),
   * )
   * ```
   */
  attempt<Result>(fn: (tx: Tx) => Result | Promise<Result>): Promise<Result>
}

/**
 * Refuses values that cannot be bound, or would come back as something else (an object as first value would silently
 * become named parameters).
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
