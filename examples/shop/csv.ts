import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { CsvError, type Parser, parse } from 'csv-parse'

/** What is wrong with an input file, where, and what to do. `line` counts from 1; null when it is about the whole file. */
export class InvoiceFileError extends Error {
  override name = 'InvoiceFileError'
  readonly file: string
  readonly line: number | null

  constructor(file: string, line: number | null, whatAndRemedy: string, cause?: unknown) {
    super(`${line === null ? file : `${file}:${line}`}: ${whatAndRemedy}`, { cause })
    this.file = file
    this.line = line
  }
}

/** One record. `line` is the line of the file it begins on, `endBytes` how much of the file is read with it. */
export type Row = { cells: string[]; line: number; endBytes: number }

/** Longer than any honest record by far: it is there to stop a quote that is never closed from swallowing the file. */
const recordLengthMax = 100_000
const lineEnd = /\r\n|\n|\r/g

export const countLineEnds = (text: string): number => text.match(lineEnd)?.length ?? 0

/** The size in bytes of a file that can be read. Throws `InvoiceFileError` when it cannot. */
export async function checkReadable(file: string): Promise<number> {
  try {
    const status = await stat(file)
    if (status.isDirectory()) throw new InvoiceFileError(file, null, remedies.EISDIR!)
    await (await open(file, 'r')).close()
    return status.size
  } catch (error) {
    throw explain(file, null, error)
  }
}

/**
 * Reads a CSV file row by row; of the file never more than one chunk is in memory. Empty lines are left out, a byte
 * order mark is skipped, and lines may end in LF, CRLF or CR, mixed as they like.
 */
export async function* readRows(file: string): AsyncGenerator<Row> {
  let ready: Row[] = []
  let line = 1
  // The parser's own count takes CRLF inside quotes for two lines, so lines are counted here: every record is seen,
  // also those that are only an empty line, and spans one line more than its cells have line ends. Rows are taken
  // here and not from the parser's stream, because that drops what waits in it when an error comes after.
  const parser = parse({
    bom: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    max_record_size: recordLengthMax,
    on_record: (cells: string[], { bytes }) => {
      const row = { cells, line, endBytes: bytes }
      line += 1 + cells.reduce((sum, cell) => sum + countLineEnds(cell), 0)
      if (!isEmptyLine(cells)) ready.push(row)
      return null
    },
  })
  parser.on('error', () => {}) // `feed` rejects with it
  const take = () => {
    const rows = ready
    ready = []
    return rows
  }
  try {
    for await (const chunk of createReadStream(file)) {
      await feed(parser, chunk)
      yield* take()
    }
    await feed(parser, null)
    yield* take()
  } catch (error) {
    yield* take()
    throw explain(file, line, error)
  }
}

function feed(parser: Parser, chunk: Buffer | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve())
    if (chunk) parser.write(chunk, done)
    else parser.end(done)
  })
}

const isEmptyLine = (cells: string[]): boolean => cells.length === 1 && cells[0]!.trim() === ''

const remedies: Record<string, string> = {
  CSV_QUOTE_NOT_CLOSED: 'a quoted field begins in this record and is never closed; close it with a double quote',
  CSV_INVALID_CLOSING_QUOTE:
    'text follows the closing quote of a field of this record; double a quote that belongs to the text ("")',
  INVALID_OPENING_QUOTE:
    'a quote stands in the middle of an unquoted field; put the whole field in quotes and double those in it ("")',
  CSV_MAX_RECORD_SIZE: `this record is longer than ${recordLengthMax} bytes; look for a quote that is not closed`,
  EISDIR: 'this is a directory; give one CSV file in it',
  ENOENT: 'there is no such file; check the path',
  ENOTDIR: 'there is no such file; check the path',
  EACCES: 'this file may not be read; check its permissions',
  EPERM: 'this file may not be read; check its permissions',
}

function explain(file: string, line: number | null, error: unknown): unknown {
  if (error instanceof InvoiceFileError || !(error instanceof Error) || !('code' in error)) return error
  const remedy = remedies[String(error.code)] ?? `reading failed: ${error.message}; repair it and run again`
  return new InvoiceFileError(file, error instanceof CsvError ? line : null, remedy, error)
}
