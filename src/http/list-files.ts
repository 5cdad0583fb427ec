// Lists as files: all pages of a list, one after the other, as CSV (RFC 4180) or as a JSON object on each line.
//
// A file has at most `fileRowsMax` rows and about `fileCharsMax` characters, of at most `filePagesMax` pages: a page of a
// search may have few rows. One that ends before its list says so in its last line, because headers are lost when a file
// is kept; `Link` has the rest.
import type { Answer } from './route.ts'

export const fileRowsMax = 10_000
const fileCharsMax = 16 * 1024 * 1024
const filePagesMax = 100
const pageRows = 200

export type FileType = 'text/csv' | 'application/x-ndjson'
export const fileTypes: readonly FileType[] = ['text/csv', 'application/x-ndjson']

/** The type of file that a request accepts; undefined for the page as JSON. */
export function fileTypeIn(accept: string | null): FileType | undefined {
  return accept === null ? undefined : fileTypes.find((type) => accept.includes(type))
}

type Row = Readonly<Record<string, unknown>>

/** A page of a list. `next` is the cursor of the next one; null at the end. */
export interface FilePage {
  readonly rows: readonly Row[]
  readonly next: unknown
}

export interface FileOf {
  readonly type: FileType
  /** The address of the list, as it was asked for. */
  readonly url: string
  /** The name of its cursor in the query. */
  readonly cursor: 'after' | 'before'
  readonly query: Row
  /** Aborts when nobody waits for the file. */
  readonly signal: AbortSignal
  /** Reads a page by a query. */
  page(query: Row): Promise<FilePage>
  /** Hides what is secret in rows. */
  hide(rows: readonly Row[]): readonly Row[]
}

export async function fileOf({ type, url, cursor, query, signal, page, hide }: FileOf): Promise<Answer> {
  const most = Math.min((query['limit'] as number | undefined) ?? fileRowsMax, fileRowsMax)
  const rows: Row[] = []
  let chars = 0
  let next = query[cursor]
  let more = false
  for (let pages = 0; next !== null && !signal.aborted; pages++) {
    const isFull = rows.length >= most || chars >= fileCharsMax || pages >= filePagesMax
    const limit = isFull ? 1 : Math.min(pageRows, most - rows.length)
    const found = await page({ ...query, limit, ...(next === undefined ? {} : { [cursor]: next }) })
    more = isFull && (found.rows.length > 0 || found.next !== null)
    if (isFull) break
    rows.push(...hide(found.rows))
    chars += JSON.stringify(found.rows).length
    next = found.next
  }
  const end = more ? { truncated: true, rows: rows.length, next } : undefined
  const body = type === 'text/csv' ? csvOf(rows, end && `truncated after ${rows.length} rows: ${cursor}=${next}`) : ''
  const headers = { 'content-type': contentTypes[type], 'cache-control': 'no-store' }
  return {
    status: 200,
    headers: more ? { ...headers, link: `<${nextUrl(url, cursor, next)}>; rel="next"` } : headers,
    body: type === 'text/csv' ? body : [...rows, ...(end === undefined ? [] : [end])].map(lineOf).join(''),
  }
}

const contentTypes: Readonly<Record<FileType, string>> = {
  'text/csv': 'text/csv; charset=utf-8; header=present',
  'application/x-ndjson': 'application/x-ndjson',
}

const lineOf = (row: Row) => `${JSON.stringify(row)}\n`

function nextUrl(url: string, cursor: string, next: unknown): string {
  const { pathname, searchParams } = new URL(url)
  searchParams.set(cursor, String(next))
  return `${pathname}?${searchParams}`
}

function csvOf(rows: readonly Row[], end: string | undefined): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const lines = rows.map((row) => names.map((name) => cell(row[name])).join(','))
  const all = names.length === 0 ? lines : [names.map(cell).join(','), ...lines]
  return (end === undefined ? all : [...all, cell(end)]).map((line) => `${line}\r\n`).join('')
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  // A spreadsheet takes a text that begins so for a formula.
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]|^\s|\s$/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}
