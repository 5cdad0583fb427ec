// Lists that are longer than a page, for who asks for them.

export interface Paged<Row> {
  /** Gives a page: at most `limit` rows after a cursor, none where the list has ended. */
  readonly read: (after: number | undefined, limit: number) => Promise<readonly Row[]>
  /** The rows begin after this one; default: with the first. */
  readonly after?: number | undefined
  /** At most so many. */
  readonly limit: number
}

/** Few enough that a page is soon there. */
const pageRows = 100

/**
 * Gives the rows of a list that is read by pages. It is asked until it gives an empty page: one with fewer rows than its
 * limit was bounded by its bytes, and need not be the last.
 */
export async function* rowsOf<Row extends { readonly id: number }>({
  read,
  after,
  limit,
}: Paged<Row>): AsyncGenerator<Row> {
  let from = after
  for (let left = limit; left > 0; ) {
    const rows = await read(from, Math.min(left, pageRows))
    if (rows.length === 0) return
    yield* rows
    from = rows.at(-1)!.id
    left -= rows.length
  }
}
