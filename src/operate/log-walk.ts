// Looks through the streams of a store in the order of time, slice by slice, up to a bound.
//
// Each stream is looked at in the order of its positions, so that no page lacks or repeats a message, whatever is appended
// in between. Streams are merged by time: the one whose next message, known or not yet looked at, may come first has the
// turn. So all that is newer (older, with the oldest first) than the next time of each stream was looked at.

import { fault } from '../model/errors.ts'
import type { MessageRow } from '../model/message-views.ts'
import type { MessageReads, SliceFilter, SpanFilter, StreamSpan } from '../seam/message-reads.ts'

export type Order = 'newest' | 'oldest'

export interface Looking {
  readonly span: SpanFilter
  readonly filter: SliceFilter
  readonly order: Order
}

export interface Walk extends Looking {
  /** The cursor of the page before. */
  readonly after?: string | undefined
  /** The most rows. */
  readonly limit: number
  /** The most positions to look at, default 100,000. */
  readonly lookedMax?: number | undefined
}

export interface Walked {
  readonly rows: readonly MessageRow[]
  /** The cursor of the next page; null at the end. */
  readonly next: string | null
  /** The time to which all was looked at, milliseconds since 1970; null at the end. */
  readonly lookedTo: number | null
}

/** One stream on the way. */
interface Strand {
  readonly stream: number
  readonly end: number
  /** Where the next slice begins; undefined where all was looked at. */
  from: number | undefined
  /** The time at which the next message comes, or later in the order; known exactly once it was looked at. */
  time: number
  /** Rows of the last slice that are not given yet. */
  readonly rows: MessageRow[]
}

const lookedMaxDefault = 100_000
const pageRows = 200
/** The most bytes of data of a page. */
const bytesMax = 8 * 1024 * 1024
/** A cursor names each of them. */
const strandsMax = 400

/** @throws `millrace/bad-option` for a cursor of something else, and for too many streams */
export async function walk(
  reads: MessageReads,
  { after, limit, lookedMax = lookedMaxDefault, ...looking }: Walk,
): Promise<Walked> {
  const { order } = looking
  const at = after === undefined ? undefined : cursorOf(after, order)
  const strands = strandsOf(await reads.spans(looking.span), order, at)
  if (strands.length > strandsMax) {
    const what = `${strands.length} topics and channels have messages; of more than ${strandsMax} name one`
    throw fault('millrace/bad-option', what)
  }
  const rows = await take(reads, strands, looking, { limit, lookedMax })
  const left = strands.filter((strand) => nextOf(strand) !== undefined)
  if (left.length === 0) return { rows, next: null, lookedTo: null }
  const times = left.map(timeOf)
  return {
    rows,
    next: cursorText(order, order === 'newest' ? left : strands),
    lookedTo: order === 'newest' ? Math.max(...times) : Math.min(...times),
  }
}

/** Gives page after page from the beginning to the end; a page may be empty. Nothing of a page is kept. */
export async function* pagesOf(reads: MessageReads, looking: Looking): AsyncGenerator<readonly MessageRow[]> {
  const strands = strandsOf(await reads.spans(looking.span), looking.order, undefined)
  while (strands.some((strand) => nextOf(strand) !== undefined)) {
    yield await take(reads, strands, looking, { limit: pageRows, lookedMax: lookedMaxDefault })
  }
}

/** Takes the next rows out of the strands: up to so many, or until so many positions were looked at. */
async function take(
  reads: MessageReads,
  strands: readonly Strand[],
  { filter, order }: Looking,
  { limit, lookedMax }: { readonly limit: number; readonly lookedMax: number },
): Promise<MessageRow[]> {
  const rows: MessageRow[] = []
  let bytes = 0
  let looked = 0
  for (;;) {
    const strand = firstOf(strands, order)
    if (strand === undefined || rows.length >= limit || bytes >= bytesMax) return rows
    const row = strand.rows.shift()
    if (row !== undefined) {
      rows.push(row)
      bytes += row.json?.length ?? 0
      continue
    }
    if (looked >= lookedMax) return rows
    const { stream, from, end } = strand
    // Of many streams little of each: what is not given is read again for the next page.
    const most = Math.max(1, Math.ceil((limit - rows.length) / strands.length))
    const slice = await reads.slice({ stream, order, from: from!, end, filter, limit: most })
    strand.rows.push(...slice.rows)
    strand.from = slice.next?.position
    strand.time = slice.next?.time ?? strand.time
    looked += slice.looked
  }
}

function strandsOf(spans: readonly StreamSpan[], order: Order, at: ReadonlyMap<number, number> | undefined): Strand[] {
  return spans.flatMap(({ stream, first, last, firstTime, lastTime }): Strand[] => {
    const known = at?.get(stream)
    if (order === 'oldest')
      return [{ stream, end: last, from: from(known ?? first, first, last), time: firstTime, rows: [] }]
    // What was not there at the first page is newer than all of it.
    if (at !== undefined && known === undefined) return []
    return [{ stream, end: first, from: from(known ?? last, first, last), time: lastTime, rows: [] }]
  })

  function from(position: number, first: number, last: number): number | undefined {
    if (order === 'newest') return position < first ? undefined : Math.min(position, last)
    return position > last ? undefined : Math.max(position, first)
  }
}

const nextOf = ({ rows, from }: Strand): number | undefined => rows[0]?.position ?? from
const timeOf = ({ rows, time }: Strand): number => rows[0]?.time ?? time

/** The stream whose next message comes first in the order. */
function firstOf(strands: readonly Strand[], order: Order): Strand | undefined {
  let first: Strand | undefined
  for (const strand of strands) {
    if (nextOf(strand) === undefined) continue
    const isEarlier = first === undefined || timeOf(strand) < timeOf(first)
    const isLater = first === undefined || timeOf(strand) > timeOf(first)
    if (order === 'newest' ? isLater : isEarlier) first = strand
  }
  return first
}

// ── cursors: the order, then the next position of each stream ────────────────────────────────────────────────────────

const radix = 36

function cursorText(order: Order, strands: readonly Strand[]): string {
  const places = strands.map((strand) => {
    const next = nextOf(strand) ?? strand.end + 1
    return `${strand.stream.toString(radix)}.${next.toString(radix)}`
  })
  return `${order.slice(0, 1)}-${places.join('-')}`
}

function cursorOf(text: string, order: Order): Map<number, number> {
  const [first, ...places] = text.split('-')
  const pairs = places.map((place) => place.split('.').map((number) => Number.parseInt(number, radix)))
  const isWhole = pairs.every((pair) => pair.length === 2 && pair.every((number) => Number.isSafeInteger(number)))
  if (first !== order.slice(0, 1) || places.length === 0 || !isWhole) {
    throw fault('millrace/bad-option', `after must be the "next" of a page with the ${order} first`)
  }
  return new Map(pairs as [number, number][])
}
