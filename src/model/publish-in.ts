// Transactions of users, in which an app publishes.
import { fault } from './errors.ts'

/**
 * Runs a statement in the transaction that is open, and gives its rows. The text has the placeholders `$1`, `$2`, …, each
 * once and in their order.
 */
export type RunStatement = (text: string, values: readonly (string | null)[]) => Promise<RanRows>

/** The rows of a statement: as a list, or as `rows` of a result. */
export type RanRows = readonly unknown[] | { readonly rows: readonly unknown[] }

/** A client of `pg`, or what runs a statement by another library. */
export type Joined = RunStatement | { query(text: string, values: unknown[]): Promise<RanRows> }

/** @throws `millrace/bad-option` */
export function runnerOf(client: Joined): RunStatement {
  if (typeof client === 'function') return client
  if (typeof client?.query !== 'function') {
    throw fault('millrace/bad-option', 'publishIn takes a client of pg, or a function that runs a statement')
  }
  return (text, values) => client.query(text, [...values])
}

/** @throws `millrace/bad-option` where a statement has given something else */
export function rowsOf(result: RanRows): readonly unknown[] {
  const rows = Array.isArray(result) ? result : (result as { rows?: unknown } | undefined)?.rows
  if (Array.isArray(rows)) return rows
  throw fault('millrace/bad-option', 'publishIn: the function has to return the rows of the statement')
}

/** Options of `publishIn`. */
export interface PublishInOptions {
  /** The id of the message, as the `id` of `publish`. */
  readonly id?: string | undefined
}
