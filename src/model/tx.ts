import { fault } from './errors.ts'

/** What a statement may bind. Anything else is `millrace/bad-value`. */
export type Value = string | number | bigint | boolean | null | Uint8Array

/** A tagged template that runs one SQL statement; its values are bound, never spliced into the text. */
export type Query = <Row extends object = Record<string, unknown>>(
  text: TemplateStringsArray,
  ...values: Value[]
) => Promise<Row[]>

/** The transaction of a commit function. Usable only while the function runs. */
export interface Tx {
  /**
   * Runs one statement. Rows are plain objects.
   *
   * @throws `millrace/bad-value`, `millrace/denied`, `millrace/tx-closed`, `millrace/too-many-queries`, and what the
   *   database says
   */
  readonly query: Query
  /**
   * For query builders: on SQLite an object with `prepare` and `exec` as in `node:sqlite`, on PostgreSQL the client.
   * The rules of `query` hold for it too.
   */
  readonly client: unknown
}

/** Refuses what cannot be bound (an object as first value would silently become named parameters). */
export function checkValues(values: readonly unknown[]): asserts values is Value[] {
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    const kind = typeof value
    if (kind === 'string' || kind === 'boolean' || kind === 'bigint' || value === null) continue
    if (kind === 'number' && Number.isFinite(value)) continue
    if (value instanceof Uint8Array) continue
    const got = value instanceof Date ? 'a Date' : kind === 'number' ? String(value) : `of type ${kind}`
    throw fault('millrace/bad-value', `value ${index + 1} of the statement is ${got}, which cannot be bound`)
  }
}
