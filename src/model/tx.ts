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
 * The transaction of a function: of `commit`, `app.transaction` or `setup`. Usable only while the function runs.
 *
 * A statement that failed fails its function, on every store: its rows are taken back and what it published is dropped.
 * A statement has failed where the database refused it or Millrace did (`millrace/bad-value`, `millrace/denied`, …), by
 * `query` and by `client` alike, awaited or not. To catch its error does not help: the next statement is refused with
 * `millrace/statement-failed`, and a function that returns fails with that. One that throws fails with what it throws,
 * so that it may answer a failed statement with a `Refused`. What may fail and be caught runs in {@link Tx.attempt}.
 */
export interface Tx {
  /**
   * Runs one SQL statement in the transaction. Statements of one function run one after the other; other handlers see
   * their effects only after the commit.
   *
   * @returns the rows, plain objects; empty for a statement that gives none
   * @throws `millrace/bad-value`, `millrace/denied`, `millrace/tx-closed`, `millrace/too-many-queries`,
   *   `millrace/statement-failed` after one that failed, `millrace/attempt-open`, and what the database says
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
  /**
   * Runs a function in a savepoint of its own, where statements may fail. When it fails, by what it throws or by a
   * statement, its rows are taken back; what was published, sent or cancelled while it ran is dropped; this `tx` goes
   * on, and the error may be caught. It follows the rules of the function around it: only its `tx` may be awaited, and
   * it counts as one statement. Attempts may be nested. While one is open this `tx` makes no statement and no second
   * attempt: use the `tx` that the function gets, and await the attempt.
   *
   * @param fn gets the `tx` to use inside; it may run again with the whole function
   * @returns what `fn` gives
   * @throws what `fn` throws; `millrace/statement-failed` where it returned though a statement failed;
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
