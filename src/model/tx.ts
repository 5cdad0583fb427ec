import type { Fragment, List } from './sql.ts'
import type { Value } from './value.ts'

/**
 * A tagged template that runs one SQL statement and gives its rows. Values are bound, never spliced into the text; a
 * list goes in by {@link list}, a piece of a statement by {@link sql}.
 */
export type Query = <Row extends object = Record<string, unknown>>(
  text: TemplateStringsArray,
  ...values: (Value | List | Fragment)[]
) => Promise<Row[]>

/**
 * The transaction of a function of `commit`, `app.transaction` or `setup`. Usable only while the function runs.
 *
 * A statement that failed fails its function, on every store: its rows are rolled back and what it published is
 * dropped. A statement fails when the database or Millrace refuses it (`millrace/bad-value`,
 * `millrace/two-statements`, `millrace/denied`, …).
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
   * @throws `millrace/bad-value`, `millrace/two-statements`, `millrace/denied`, `millrace/tx-closed`, `millrace/too-many-queries`,
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
   * The connection, for query builders; what it is depends on the broker. On SQLite `sqlite.client(tx)` returns it with
   * its type. It follows the rules of `query`.
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
