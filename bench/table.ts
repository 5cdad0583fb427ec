import type { Result } from './result.ts'

interface TableColumn {
  title: string
  width: number
  text: (result: Result) => string
}

const nameWidth = 20

const columns: TableColumn[] = [
  { title: 'value', width: 11, text: ({ value, unit }) => withUnit(value, unit) },
  { title: 'raw', width: 8, text: ({ raw }) => number(raw, 0) },
  { title: '×', width: 5, text: ({ rawRatio }) => number(rawRatio, 2) },
  { title: 'shape', width: 8, text: ({ rawShape }) => number(rawShape, 0) },
  { title: '×', width: 5, text: ({ rawShapeRatio }) => number(rawShapeRatio, 2) },
  { title: 'best peer', width: 18, text: peerCell },
  { title: '×', width: 5, text: ({ ratio }) => number(ratio, 1) },
]

/** The titles of the table, which is 80 columns wide. */
export const header: string = line('name', ({ title }) => title)

/** A result as a line of the table. */
export function row(result: Result): string {
  return line(result.name, ({ text }) => text(result))
}

/** A name that is too long takes its room from the value. */
function line(name: string, text: (column: TableColumn) => string): string {
  const room = Math.max(0, name.length - nameWidth)
  const cells = columns.map((column, at) => text(column).padStart(column.width - (at === 0 ? room : 0)))
  return `${name.padEnd(nameWidth)}${cells.join('')}`.trimEnd()
}

function peerCell({ peer, peerValue, unit }: Result): string {
  if (peer === null || peerValue === null) return ''
  return `${peer} ${number(peerValue, unit === 'ms' && peerValue < 100 ? 1 : 0)}`
}

function withUnit(value: number | null, unit: string): string {
  switch (unit) {
    case '/s':
      return `${number(value, 0) || '–'}/s`
    case 'ratio':
      return `${number(value, 2) || '–'} ×`
    default:
      return `${number(value, unit === 'MB' ? 0 : 2) || '–'} ${unit}`
  }
}

function number(value: number | null, digits: number): string {
  if (value === null) return ''
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
