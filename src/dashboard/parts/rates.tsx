// How much a processor handles in a second, from the looks that this page has made at its counters.
import type { ProcessorRow } from '../../operate/processors.ts'
import { rateText } from '../pure/marks.ts'

interface Seen {
  readonly row: ProcessorRow
  readonly at: number
  readonly rate: number | undefined
}

const seen = new Map<string, Seen>()

/** The rate since the look before; undefined at the first look, and where the app began anew. */
export function rateOf(row: ProcessorRow, at = Date.now()): number | undefined {
  const key = `${row.name} ${row.on}`
  const before = seen.get(key)
  if (before?.row === row) return before.rate
  const [now, then] = [row.counts?.handled, before?.row.counts?.handled]
  const known = before !== undefined && now !== undefined && then !== undefined && now >= then && at > before.at
  const rate = known ? ((now - then) / (at - before.at)) * 1_000 : undefined
  seen.set(key, { row, at, rate })
  return rate
}

export function Rate({ row }: { readonly row: ProcessorRow }) {
  const rate = rateOf(row)
  return <>{rate === undefined ? '–' : rateText(rate) || '0/s'}</>
}
