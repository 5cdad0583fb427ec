// Reads a list of any length page by page.

export interface Paged<Row> {
  /** Reads a page: at most `limit` rows after a cursor; none at the end of the list. */
  readonly read: (after: number | undefined, limit: number) => Promise<readonly Row[]>
  /** The id after which the rows begin; default: with the first row. */
  readonly after?: number | undefined
  /** The most rows. */
  readonly limit: number
  /** The number by which the list is sorted; default: the id. */
  readonly cursorOf?: ((row: Row) => number) | undefined
}

/** A small page arrives soon. */
const pageRows = 100

/**
 * Yields the rows of a list. It reads until a page is empty: a page with fewer rows than its limit may have ended by its
 * bytes, and need not be the last.
 */
export async function* rowsOf<Row extends { readonly id: number }>({
  read,
  after,
  limit,
  cursorOf = ({ id }) => id,
}: Paged<Row>): AsyncGenerator<Row> {
  let from = after
  for (let left = limit; left > 0; ) {
    const rows = await read(from, Math.min(left, pageRows))
    if (rows.length === 0) return
    yield* rows
    from = cursorOf(rows.at(-1)!)
    left -= rows.length
  }
}
