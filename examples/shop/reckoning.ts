import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/*
 * For the tests: the figures of a file reckoned a second time, in the plainest way and with no code of the shop,
 * and the three days of real invoices that lie beside the repository.
 */

export type Figures = {
  invoices: number
  cancellations: number
  lines: number
  units: number
  goods: number
  customers: number
  money: string
}

/** What is booked, what is at the desk, and what became of the rest. */
export type Reckoning = Figures & { held: number; waiting: number; discarded: number } & Fulfilled

type Fulfilled = { shipped: number; declined: number; asking: number }

/**
 * What the daily files hold, and what they come to, from the README beside them and from the shop's contract; before
 * and after all is approved.
 */
export const realDays: { [name: string]: { read: Figures; shown: Reckoning; approved: Fulfilled } } = {
  '2010-12-01.csv': {
    read: figures([143, 6, 3108, 26814, 1346, 98], '58635.56'),
    shown: {
      ...figures([142, 6, 3107, 26824, 1346, 98], '58635.56'),
      held: 1,
      waiting: 0,
      discarded: 0,
      shipped: 114,
      declined: 12,
      asking: 10,
    },
    approved: { shipped: 124, declined: 12, asking: 0 },
  },
  '2010-12-02.csv': {
    read: figures([167, 23, 2109, 21023, 932, 117], '46207.28'),
    shown: {
      ...figures([166, 23, 2108, 21061, 932, 117], '46207.28'),
      held: 1,
      waiting: 0,
      discarded: 0,
      shipped: 119,
      declined: 16,
      asking: 8,
    },
    approved: { shipped: 127, declined: 16, asking: 0 },
  },
  '2010-12-03.csv': {
    read: figures([108, 7, 2202, 14830, 1153, 55], '45620.46'),
    shown: {
      ...figures([80, 7, 2174, 16180, 1137, 55], '45620.46'),
      held: 28,
      waiting: 0,
      discarded: 0,
      shipped: 60,
      declined: 4,
      asking: 9,
    },
    approved: { shipped: 69, declined: 4, asking: 0 },
  },
}

function figures([invoices, cancellations, lines, units, goods, customers]: number[], money: string): Figures {
  return { invoices, cancellations, lines, units, goods, customers, money } as Figures
}

/** The path of a real file. Where there is none the test is skipped and says why; in CI it fails. */
export function realFile(name: string, test: { skip: (reason: string) => void }): string | undefined {
  const file = fileURLToPath(new URL(`../../../shared/data/online-retail/${name}`, import.meta.url))
  if (existsSync(file)) return file
  const reason = `shared/data/online-retail/${name} is not there; put the data set beside the repository`
  if (process.env['CI']) throw new Error(reason)
  test.skip(reason)
  return undefined
}

/** What the summary has to be, before or after all is approved. */
export function reckon(file: string, approved = false): Reckoning {
  const { booked, ...atDesk } = atDeskOf(file)
  const became = booked.map((invoice) => becomes(invoice, approved))
  const count = (what: Becomes) => became.filter((one) => one === what).length
  return {
    ...figuresOf(booked.flat()),
    ...{ ...atDesk, discarded: 0 },
    ...{ shipped: count('shipped'), declined: count('declined'), asking: count('asking') },
  }
}

/** Units taken from the stock by article, thousandths of a pound charged by invoice (neither where 0), and parcels. */
export type Books = { taken: Sums; charged: Sums; packed: string[] }
type Sums = { [of: string]: number }

/** What the books of the shop have to say, before or after all is approved. */
export function reckonBooks(file: string, approved = false): Books {
  const shipped = atDeskOf(file).booked.filter((invoice) => becomes(invoice, approved) === 'shipped')
  const goods = shipped.flat().filter(([, stockCode]) => /^\d{5}/.test(stockCode!))
  const number = (invoice: string[][]) => invoice[0]![0]!
  return {
    taken: sums(goods.map(([, stockCode, , quantity]) => [stockCode!, Number(quantity)])),
    charged: sums(shipped.map((invoice) => [number(invoice), Number(sumOf(invoice))])),
    packed: shipped.map(number).sort(),
  }
}

/** What they say, from the rows of its tables. */
export function booksOf(rows: (table: string) => Record<string, unknown>[]): Books {
  return {
    taken: sums(rows('articles').map((row) => [String(row['stock_code']), 1_000_000 - Number(row['units'])])),
    charged: sums(rows('payments').map((row) => [String(row['invoice_no']), Number(row['amount_micros']) / 1_000])),
    packed: rows('parcels')
      .map((row) => String(row['invoice_no']))
      .sort(),
  }
}

function sums(numbers: [of: string, number: number][]): Sums {
  const all: Sums = {}
  for (const [of, number] of numbers) if (number !== 0) all[of] = (all[of] ?? 0) + number
  return all
}

type Becomes = 'shipped' | 'declined' | 'asking' | 'no flow'

/** What becomes of an invoice that is booked. */
function becomes(rows: string[][], approved: boolean): Becomes {
  const number = rows[0]![0]!
  if (number[0] === 'C') return 'no flow'
  if (sumOf(rows) > 1_000_000n && !approved) return 'asking'
  let digits = 0
  for (const sign of number) if (sign >= '0' && sign <= '9') digits += Number(sign)
  return digits % 29 === 0 ? 'declined' : 'shipped'
}

/** What has trouble that no rule mends is held, and what its customer sent later waits; the rest is booked. */
function atDeskOf(file: string): { booked: string[][][]; held: number; waiting: number } {
  const closed = new Set<string>()
  const booked: string[][][] = []
  let held = 0
  let waiting = 0
  for (const [number, rows] of Map.groupBy(rowsOf(file), ([invoiceNo]) => invoiceNo!)) {
    const customer = rows[0]![6]!
    const context = customer === '' ? number : customer.replace('.0', '')
    if (closed.has(context)) waiting++
    else if (rows.some((row) => row[5]!.startsWith('-') || (row[3]!.startsWith('-') && number[0] !== 'C'))) {
      held++
      closed.add(context)
    } else booked.push(rows)
  }
  return { booked, held, waiting }
}

/** The figures of all rows of a file, whatever trouble they have. */
export const everything = (file: string): Figures => figuresOf(rowsOf(file))

function figuresOf(rows: string[][]): Figures {
  const goods = rows.map(([, stockCode]) => stockCode!).filter((code) => /^\d{5}/.test(code))
  const numbers = new Set(rows.map(([invoiceNo]) => invoiceNo!))
  return {
    invoices: numbers.size,
    cancellations: [...numbers].filter((number) => number[0] === 'C').length,
    lines: rows.length,
    units: rows.reduce((sum, row) => sum + Number(row[3]), 0),
    goods: new Set(goods).size,
    customers: new Set(rows.map((row) => row[6]).filter((customer) => customer !== '')).size,
    money: penceOf(sumOf(rows)),
  }
}

const sumOf = (rows: string[][]): bigint =>
  rows.reduce((sum, row) => sum + BigInt(row[3]!) * thousandthsOf(row[5]!), 0n)

function thousandthsOf(price: string): bigint {
  const [whole, decimals = ''] = price.split('.')
  return BigInt(`${whole}${decimals.padEnd(3, '0')}`)
}

function penceOf(thousandths: bigint): string {
  const pence = String(((thousandths < 0n ? -thousandths : thousandths) + 5n) / 10n).padStart(3, '0')
  return `${thousandths <= -5n ? '-' : ''}${pence.replace(/(\d\d)$/, '.$1')}`
}

/** The rows of a file of these eight columns in this order, without the header. */
export const rowsOf = (file: string): string[][] => cellsOf(readFileSync(file, 'utf8')).slice(1)

function cellsOf(text: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, cell, end] of text.matchAll(/("(?:[^"]|"")*"|[^,\r\n]*)(,|\r?\n|$)/g)) {
    rows.at(-1)!.push(cell!.startsWith('"') ? cell!.slice(1, -1).replaceAll('""', '"') : cell!)
    if (end !== ',') rows.push([])
  }
  return rows.filter((row) => row.length === 8)
}
