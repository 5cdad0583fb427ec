// Lists are read page by page. A page is bounded by its rows and by its bytes: rows are of any size.
import { defaults } from './options.ts'

/** Rows of a list, in its order. */
export interface Page<Row> {
  readonly rows: readonly Row[]
  /** Asked for as `after`, it gives the next page; undefined where the list has ended. */
  readonly next: number | undefined
  /** What its rows take together. */
  readonly bytes: number
}

export interface PageOf<Row> {
  /** Most rows of the page. */
  readonly limit: number
  /** What a row takes, bytes. */
  readonly sizeOf: (row: Row) => number
  /** The number of a row, by which the list is ordered. */
  readonly cursorOf: (row: Row) => number
  /** What the rows of a page may take together, bytes, default 16 MiB. */
  readonly bytesMax?: number | undefined
}

/** Takes the rows of a page from a list. At least one, however large it is: so every list comes to its end. */
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
