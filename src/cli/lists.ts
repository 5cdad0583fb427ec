// Shows lists of any length: as JSON row by row, or as a table of which only the cells are kept.
import { rowsOf } from '../control/pages.ts'
import { type Call, type Reached, takeWords, withApp } from './call.ts'
import { type Output, UsageError } from './output.ts'
import { type Cells, type Column, cellsOf, safe, tableOf, wrap } from './print.ts'

const rowsDefault = 100
const textsMax = 10

/** The part of a list that a command asks for. */
export interface PageWords {
  /** The id of the row after which the list begins; of the newest first, before which. */
  readonly after?: number | undefined
  /** The most rows, default 100. */
  readonly limit?: number | undefined
}

export interface Listed<Row> {
  /** Reads the next rows from a running app, or from the file of a stopped one. */
  readonly read: (reached: Reached, page: PageWords) => Promise<readonly Row[]>
  readonly columns: readonly Column<Row>[]
  readonly object: (row: Row) => unknown
  /** The text for an empty list. */
  readonly nothing: string
  /** The option that asks for the next rows, default `--after`. */
  readonly more?: string | undefined
  /** What is said below the table about a row; equal texts once, and the first ten. */
  readonly about?: ((row: Row) => string | undefined) | undefined
  /** The command for the next step, by the first row. */
  readonly next?: ((row: Row) => string | undefined) | undefined
  /** The number by which the list is sorted; default: the id. */
  readonly cursorOf?: ((row: Row) => number) | undefined
}

/** The command that shows a list. It returns the exit status. */
export async function listCommand<Row extends { readonly id: number }>(
  call: Call,
  page: PageWords,
  list: Listed<Row>,
): Promise<number> {
  takeWords(call, [], 0)
  return withApp(call, async (reached) => {
    await showList(reached, page, list, call.out)
    return 0
  })
}

/** Shows a list page by page, until its end, its limit, or until the reader closes the output. */
export async function showList<Row extends { readonly id: number }>(
  reached: Reached,
  { after: first, limit = rowsDefault }: PageWords,
  { read, columns, object, nothing, more = '--after', about, next, cursorOf = ({ id }) => id }: Listed<Row>,
  out: Output,
): Promise<void> {
  const cells: Cells[] = []
  const texts = new Set<string>()
  let nextStep: string | undefined
  let shown = 0
  let last = 0
  const pages = {
    read: (after: number | undefined, rows: number) => read(reached, { after, limit: rows }),
    after: first,
    limit,
    cursorOf,
  }
  for await (const row of rowsOf(pages)) {
    if (out.closed.aborted) return
    if (out.json) await out.object(object(row))
    else {
      cells.push(cellsOf(columns, row))
      const text = texts.size < textsMax ? about?.(row) : undefined
      if (text !== undefined) texts.add(text)
      if (shown === 0) nextStep = next?.(row)
    }
    shown++
    last = cursorOf(row)
  }
  if (out.json) return
  if (shown === 0) await out.line(nothing)
  else await out.lines(tableOf(columns, cells, out.columns))
  await out.lines(belowTable(texts, nextStep, out))
  if (shown === limit) out.note(`there may be more: ${more} ${last}`)
}

/** The lines below a table: remarks on its rows, and the command for the next step, which is not broken. */
export function belowTable(texts: Iterable<string>, next: string | undefined, { columns }: Pick<Output, 'columns'>) {
  const lines = [...texts].flatMap((text) => wrap(safe(text), columns))
  return next === undefined ? lines : [...lines, `next: ${next}`]
}

/** The text for an empty list: `none` where no filter was given, else `unmatched`. */
export function nothingText({ after = 0, ...filter }: PageWords, none: string, unmatched: string): string {
  const isFiltered = Object.entries(filter).some(([name, value]) => name !== 'limit' && value !== undefined)
  const what = isFiltered ? unmatched : none
  return after === 0 ? what : `${what} after ${after}`
}

/** Reads names of states; undefined stands for all. */
export function statesOf<State extends string>(
  names: readonly string[],
  states: readonly State[],
): readonly State[] | undefined {
  if (names.includes('all')) return undefined
  return names.map((name) => {
    const found = states.find((state) => state === name)
    if (found === undefined) throw new UsageError(`--state is "${name}", but must be ${states.join(', ')} or all`)
    return found
  })
}
