// Lists are read page by page. A page is bounded in rows and in bytes, since rows have any size.
import { defaults } from './options.ts'

/** Rows of a list, in order. */
export interface Page<Row> {
  readonly rows: readonly Row[]
  /** The cursor to pass as `after` for the next page; undefined at the end of the list. */
  readonly next: number | undefined
  /** The size of the rows together, bytes. */
  readonly bytes: number
}

export interface PageOf<Row> {
  /** Most rows of the page. */
  readonly limit: number
  /** The size of a row, bytes. */
  readonly sizeOf: (row: Row) => number
  /** The number of a row, by which the list is sorted. */
  readonly cursorOf: (row: Row) => number
  /** The limit on the size of the rows of a page, bytes, default 16 MiB. */
  readonly bytesMax?: number | undefined
}

/** Takes the rows of a page from a list. Takes at least one row of any size, so that every list comes to its end. */
export function pageOf<Row>(
  rows: Iterable<Row>,
  { limit, sizeOf, cursorOf, bytesMax = defaults.pageBytes.default }: PageOf<Row>,
): Page<Row> {
  const page: Row[] = []
  let bytes = 0
  const full = () => ({ rows: page, next: cursorOf(page.at(-1)!), bytes })
  for (const row of rows) {
    const size = sizeOf(row)
    if (page.length > 0 && bytes + size > bytesMax) return full()
    page.push(row)
    bytes += size
    if (page.length >= limit) return full()
  }
  return { rows: page, next: undefined, bytes }
}

/** Returns the size of texts together: rows are large by texts of users. */
export function lengthOf(...texts: readonly (string | null)[]): number {
  return texts.reduce((sum, text) => sum + (text?.length ?? 0), 0)
}
