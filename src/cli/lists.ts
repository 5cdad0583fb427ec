// Shows lists of any length: as JSON row by row, or as a table of which only the cells are kept.
import { rowsOf } from '../control/pages.ts'
import type { Output } from './output.ts'
import { type Cells, type Column, cellsOf, tableOf } from './print.ts'

export const listRows = 100

export interface Listed<Row> {
  readonly read: (after: number | undefined, limit: number) => Promise<readonly Row[]>
  readonly columns: readonly Column<Row>[]
  readonly object: (row: Row) => unknown
  /** The text for an empty list. */
  readonly nothing: string
  /** The option that asks for the next rows. */
  readonly more: string
  readonly after?: number | undefined
  readonly limit: number
}

/** Shows a list page by page, until its end, its limit, or until the reader closes the output. */
export async function showList<Row extends { readonly id: number }>(list: Listed<Row>, out: Output): Promise<void> {
  const { columns, object, nothing, more, limit } = list
  const cells: Cells[] = []
  let shown = 0
  let last = 0
  for await (const row of rowsOf(list)) {
    if (out.closed.aborted) return
    if (out.json) await out.object(object(row))
    else cells.push(cellsOf(columns, row))
    shown++
    last = row.id
  }
  if (out.json) return
  if (shown === 0) await out.line(nothing)
  else await out.lines(tableOf(columns, cells, out.columns))
  if (shown === limit) out.note(`there may be more: ${more} ${last}`)
}
