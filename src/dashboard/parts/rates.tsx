// How much a processor handles in a second, from the looks that this page has made at its counters.
import type { ProcessorRow } from '../../operate/processors.ts'
import { type Counted, rateBetween, rateText } from '../pure/rates.ts'

interface Seen extends Counted {
  readonly row: ProcessorRow
  readonly rate: number | undefined
}

const seen = new Map<string, Seen>()

/** The rate since the look before; undefined at the first look. */
export function rateOf(row: ProcessorRow, at = Date.now()): number | undefined {
  const key = `${row.name} ${row.on}`
  const before = seen.get(key)
  if (before?.row === row) return before.rate
  const counted = { at, count: row.counts?.handled }
  const rate = rateBetween(counted, before)
  seen.set(key, { ...counted, row, rate })
  return rate
}

export function Rate({ row }: { readonly row: ProcessorRow }) {
  const rate = rateOf(row)
  return <>{rate === undefined ? '–' : rateText(rate) || '0/s'}</>
}
