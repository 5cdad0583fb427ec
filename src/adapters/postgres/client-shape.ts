// What users see of a connection. It names no type of `pg`, so users need not have its types.

/** A statement of {@link PostgresClient.query}, as of `pg`. */
export interface PostgresQuery {
  readonly text: string
  readonly values?: readonly unknown[] | undefined
  /** Rows as arrays. */
  readonly rowMode?: 'array' | undefined
  /** How values are read: as of `pg`. */
  readonly types?: object | undefined
}

/** The answer to a statement, as of `pg`. */
export interface PostgresResult<Row = Record<string, unknown>> {
  readonly rows: Row[]
  readonly rowCount: number | null
  readonly command: string
}

/** The connection of a transaction on PostgreSQL, for query builders: `query` as of a client of `pg`. */
export interface PostgresClient {
  /** Runs one statement, with the values of `$1`, `$2`, … */
  query<Row = Record<string, unknown>>(
    query: string | PostgresQuery,
    values?: readonly unknown[],
  ): Promise<PostgresResult<Row>>
  /** Does nothing: the transaction ends with its function. */
  release(): void
}
