// What the facets of a store on PostgreSQL see of the server. They know no connection and no client.
//
// A facet that writes in a commit has `write(db: Transaction, changes)`, which answers for each change; a facet that writes by itself, or reads, asks `Beside`.
// Statements that are sent in one turn, without awaiting between them, make one round trip; a statement that needs the
// answer of another one costs a round trip more. So a facet first sends all that it can, then awaits.
//
// Rules for a statement:
// - Its text is constant, or one of few: each text becomes a prepared statement. Lists go in as one array:
//   `unnest($1::int8[], $2::text[])`, `= any($1::int8[])`.
// - It names tables with their schema: `millrace.desk`. Text columns are `text collate "C"`, numbers `int8` or `int4`.
// - No row is updated more often than about once a second. A read in the way of a queue (`where due <= $1 order by due`)
//   has the lower bound that its owner remembers.
// - It needs no statistics to be fast: equality or a range on a key, in the order of that key.

/** A value of a statement. A bigint has at most 64 bits; an array is one value: `$1::int8[]`. */
export type SqlValue = Scalar | readonly Scalar[]
export type Scalar = string | number | bigint | boolean | Uint8Array | null

/** Runs statements of ours: in one transaction, on one connection. */
export interface Statements {
  /**
   * Runs a statement and gives its rows: plain objects. An `int8` comes as a number (cast a sum: `sum(x)::int8`), a
   * `bytea` as a `Uint8Array`, `json` as text. Text comes back as it went in, with any character of Unicode.
   */
  all<Row extends object = Record<string, unknown>>(text: string, values?: readonly SqlValue[]): Promise<Row[]>
  /** Runs a statement and gives the number of rows that it has changed. */
  run(text: string, values?: readonly SqlValue[]): Promise<number>
}

/** The same in a transaction that writes. What is kept in memory changes with it. */
export interface Transaction extends Statements {
  /** Calls a function when the transaction is committed; it throws nothing. A rollback drops it. */
  committed(fn: () => void): void
}

/** Reads and writes of a facet outside the transactions of `commit`. */
export interface Beside {
  /**
   * One transaction of the owner. It is durable when it resolves. What `fn` throws rolls it back. It may run again.
   *
   * @throws `millrace/ownership-lost`, `millrace/locked`, `millrace/disk-full`, `millrace/server-away`
   */
  write<T>(fn: (db: Transaction) => Promise<T>): Promise<T>
  /** Reads of one moment, which show only what is durable. It may run again. */
  read<T>(fn: (db: Statements) => Promise<T>): Promise<T>
}

/** The first row. */
export async function one<Row extends object>(
  db: Statements,
  text: string,
  values?: readonly SqlValue[],
): Promise<Row | undefined> {
  return (await db.all<Row>(text, values))[0]
}
