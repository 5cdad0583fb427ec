import { countLineEnds, InvoiceFileError, type Row, readRows } from './csv.ts'
import type { Invoice, InvoiceLine } from './messages.ts'
import { lineAmount, MoneyError } from './money.ts'

const columns = [
  'InvoiceNo',
  'StockCode',
  'Description',
  'Quantity',
  'InvoiceDate',
  'UnitPrice',
  'CustomerID',
  'Country',
] as const
type Column = (typeof columns)[number]

const quantityMax = 2 ** 31 - 1

/**
 * Reads the invoices of a file in its order, one at a time: an invoice is the lines with the same `InvoiceNo` that
 * follow each other. Customer, country and date are those of its first line; a later line with another customer is an
 * error, while another country or date is passed over (in the real data the clock goes on while an invoice is written).
 *
 * `onRead` is told after each invoice how many bytes of the file are behind it.
 * Throws `InvoiceFileError` with the line that is wrong. The invoices that ended before that line have been given; the
 * one that the line belongs to has not. To know an `InvoiceNo` that comes again, all of them are remembered.
 */
export async function* readInvoices(file: string, onRead: (bytes: number) => void = () => {}): AsyncGenerator<Invoice> {
  const ended = new Set<string>()
  let invoice: Invoice | undefined
  let endBytes = 0

  for await (const row of readNamedRows(file)) {
    const { cell, refuse } = row
    const invoiceNo = cell('InvoiceNo')
    if (invoice && invoice.invoiceNo !== invoiceNo) {
      ended.add(invoice.invoiceNo)
      onRead(endBytes)
      yield invoice
      invoice = undefined
    }
    if (invoiceNo.trim() === '') throw refuse('InvoiceNo', 'is empty; give the number of the invoice')
    if (ended.has(invoiceNo)) {
      throw refuse('InvoiceNo', `${invoiceNo} comes again after other invoices; put all its lines together`)
    }
    const customerId = readCustomer(row)
    const at = readDate(row)
    invoice ??= { invoiceNo, customerId, country: cell('Country'), at, lines: [] }
    if (customerId !== invoice.customerId) {
      const [here, first] = [customerId ?? 'empty', invoice.customerId ?? 'empty']
      throw refuse(
        'CustomerID',
        `is ${here}, but ${first} on the first line of invoice ${invoiceNo}; make them the same`,
      )
    }
    invoice.lines.push(readLine(invoice.lines.length + 1, row))
    endBytes = row.endBytes
  }
  if (invoice) {
    onRead(endBytes)
    yield invoice
  }
}

/** A row with its cells by name. `refuse` makes the error for one of them, with the line of the file it stands on. */
type NamedRow = {
  cell: (column: Column) => string
  refuse: (column: Column, whatAndRemedy: string) => InvoiceFileError
  endBytes: number
}

async function* readNamedRows(file: string): AsyncGenerator<NamedRow> {
  let header: Header | undefined
  for await (const row of readRows(file)) {
    if (!header) {
      header = readHeader(file, row)
      continue
    }
    const { size, index } = header
    if (row.cells.length !== size) throw new InvoiceFileError(file, row.line, wrongFieldCount(row.cells.length, size))
    yield {
      cell: (column) => row.cells[index[column]]!,
      refuse: (column, what) => new InvoiceFileError(file, lineOfCell(row, index[column]), `${column} ${what}`),
      endBytes: row.endBytes,
    }
  }
  if (!header) {
    throw new InvoiceFileError(file, 1, `the file is empty; its first line has to name ${columns.join(', ')}`)
  }
}

/** The cells before it may hold line ends, so a cell may stand further down than its record begins. */
const lineOfCell = (row: Row, index: number): number =>
  row.cells.slice(0, index).reduce((line, cell) => line + countLineEnds(cell), row.line)

type Header = { size: number; index: { [C in Column]: number } }

function readHeader(file: string, row: Row): Header {
  const names = row.cells.map((name) => name.trim())
  const missing = columns.filter((column) => !names.includes(column))
  if (missing.length > 0) {
    const which = `${missing.length > 1 ? 'columns are' : 'a column is'} missing from the header: ${missing.join(', ')}`
    throw new InvoiceFileError(file, row.line, `${which}; name all of ${columns.join(', ')}, separated by commas`)
  }
  const twice = columns.find((column) => names.indexOf(column) !== names.lastIndexOf(column))
  if (twice) {
    throw new InvoiceFileError(file, row.line, `the column ${twice} stands twice in the header; remove one of them`)
  }
  return { size: names.length, index: Object.fromEntries(columns.map((c) => [c, names.indexOf(c)])) as Header['index'] }
}

const wrongFieldCount = (found: number, expected: number): string =>
  `${found === 1 ? '1 field' : `${found} fields`} where the header has ${expected}; put a field that holds commas in quotes`

function readCustomer({ cell, refuse }: NamedRow): string | null {
  const text = cell('CustomerID')
  if (text === '') return null
  const number = /^(\d+)(?:\.0)?$/.exec(text)?.[1]
  if (!number) throw refuse('CustomerID', `${JSON.stringify(text)} is no number; write it as 17850.0 or leave it empty`)
  return number
}

function readDate({ cell, refuse }: NamedRow): string {
  const text = cell('InvoiceDate')
  const iso = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text) ? `${text.replace(' ', 'T')}.000Z` : ''
  const time = Date.parse(iso)
  // A day such as 30 February would move into March, so only a date that reads back the same is one.
  if (Number.isNaN(time) || new Date(time).toISOString() !== iso) {
    throw refuse('InvoiceDate', `${JSON.stringify(text)} is no date; write it as 2010-12-01 08:26:00, in UTC`)
  }
  return iso
}

function readLine(lineNo: number, row: NamedRow): InvoiceLine {
  const { cell, refuse } = row
  const stockCode = cell('StockCode')
  if (stockCode.trim() === '') throw refuse('StockCode', 'is empty; give the code of the article')
  const quantity = readQuantity(row)
  const line = { lineNo, stockCode, description: cell('Description'), quantity, unitPrice: cell('UnitPrice') }
  try {
    lineAmount(line)
  } catch (error) {
    if (error instanceof MoneyError) throw refuse('UnitPrice', `cannot be taken: ${error.message}; correct it`)
    throw error
  }
  return line
}

function readQuantity({ cell, refuse }: NamedRow): number {
  const text = cell('Quantity')
  const quantity = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(quantity)) throw refuse('Quantity', `${JSON.stringify(text)} is no integer; write it as 6 or -6`)
  if (Math.abs(quantity) > quantityMax) throw refuse('Quantity', `${text} is out of bounds; at most ${quantityMax}`)
  return quantity
}
