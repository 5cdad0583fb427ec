import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/*
 * For the tests: the figures of a file reckoned a second time, in the plainest way and with no code of the shop,
 * and the three days of real invoices that lie beside the repository.
 */

export type Reckoning = {
  invoices: number
  cancellations: number
  lines: number
  units: number
  goods: number
  customers: number
  money: string
}

/** What the daily files come to when everything is booked; from the README beside them and from the shop's contract. */
export const realDays: { [name: string]: Reckoning } = {
  '2010-12-01.csv': day([143, 6, 3108, 26814, 1346, 98], '58635.56'),
  '2010-12-02.csv': day([167, 23, 2109, 21023, 932, 117], '46207.28'),
  '2010-12-03.csv': day([108, 7, 2202, 14830, 1153, 55], '45620.46'),
}

function day([invoices, cancellations, lines, units, goods, customers]: number[], money: string): Reckoning {
  return { invoices, cancellations, lines, units, goods, customers, money } as Reckoning
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

export function reckon(file: string): Reckoning {
  const rows = cellsOf(readFileSync(file, 'utf8')).slice(1)
  const goods = rows.map(([, stockCode]) => stockCode!).filter((code) => /^\d{5}/.test(code))
  const thousandths = rows.reduce((sum, row) => sum + BigInt(row[3]!) * thousandthsOf(row[5]!), 0n)
  const numbers = new Set(rows.map(([invoiceNo]) => invoiceNo!))
  return {
    invoices: numbers.size,
    cancellations: [...numbers].filter((number) => number[0] === 'C').length,
    lines: rows.length,
    units: rows.reduce((sum, row) => sum + Number(row[3]), 0),
    goods: new Set(goods).size,
    customers: new Set(rows.map((row) => row[6]).filter((customer) => customer !== '')).size,
    money: penceOf(thousandths),
  }
}

function thousandthsOf(price: string): bigint {
  const [whole, decimals = ''] = price.split('.')
  return BigInt(`${whole}${decimals.padEnd(3, '0')}`)
}

/** Only for sums over zero, such as those of the files here. */
function penceOf(thousandths: bigint): string {
  return String((thousandths + 5n) / 10n).replace(/(\d\d)$/, '.$1')
}

function cellsOf(text: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, cell, end] of text.matchAll(/("(?:[^"]|"")*"|[^,\r\n]*)(,|\r?\n|$)/g)) {
    rows.at(-1)!.push(cell!.startsWith('"') ? cell!.slice(1, -1).replaceAll('""', '"') : cell!)
    if (end !== ',') rows.push([])
  }
  return rows.filter((row) => row.length === 8)
}
