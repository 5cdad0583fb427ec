// The facts of a reset: where a processor would begin, how many messages it would handle again, what would end.
import type { EndedByReset } from '../model/desk-views.ts'
import { fault } from '../model/errors.ts'
import type { StartAt } from '../model/streams.ts'
import type { DeskReads } from '../seam/desk-reads.ts'
import type { LogReads } from '../seam/log.ts'
import type { ProgressRow } from '../seam/progress.ts'

/** The first message to be handled: the oldest that is kept, the next that comes, the first from a time on, or its position. */
export type ResetTo = StartAt | number

export interface ResetFacts extends EndedByReset {
  /** The position up to which everything was done. */
  readonly position: number
  /** The first position to be handled. */
  readonly begins: number
  /** The oldest position that is kept. */
  readonly first: number
  /** Messages that were done and are handled again. */
  readonly again: number
  /** Messages that were not done and are passed over. */
  readonly skipped: number
}

/** What a part puts into the world: the messages of its source, of these types. */
export interface Effects {
  readonly source: string
  /** The names of the types, each with its topic or channel. */
  readonly types: readonly { readonly type: string; readonly destination: string }[]
}

export interface SentReads {
  readonly log: LogReads
  /** The stream of a topic or channel. */
  streamOf(destination: string): number | undefined
  /** Resolves when other work has had its turn. */
  pause(): Promise<void>
}

/** Messages of one type. */
export interface SentCount {
  readonly type: string
  readonly count: number
}

export interface FactsReads {
  readonly log: LogReads
  readonly desk: Pick<DeskReads, 'endedByReset'>
}

/** A processor on a stream that ends at `head`. */
export interface ResetSubject {
  readonly row: ProgressRow
  readonly head: number
}

/** @throws `millrace/bad-position` */
export async function factsOf(reads: FactsReads, { row, head }: ResetSubject, to: ResetTo): Promise<ResetFacts> {
  const { processor, stream, low } = row
  const first = await reads.log.first(stream)
  const begins = await beginOf(reads.log, { stream, first, head }, to)
  const after = begins - 1
  return {
    position: low,
    begins,
    first,
    again: Math.max(0, low - after) + doneAfter(row, Math.max(low, after)),
    skipped: Math.max(0, after - low) - (doneAfter(row, low) - doneAfter(row, Math.max(low, after))),
    ...(await reads.desk.endedByReset(processor, stream, after)),
  }
}

interface Kept {
  readonly stream: number
  readonly first: number
  readonly head: number
}

async function beginOf(log: FactsReads['log'], { stream, first, head }: Kept, to: ResetTo): Promise<number> {
  if (to === 'beginning') return first
  if (to === 'now') return head + 1
  if (typeof to !== 'number') return Math.max(first, (await log.positionBefore(stream, to.getTime())) + 1)
  if (to >= first && to <= head + 1) return to
  const what =
    to < first ? `is not kept: the oldest one is ${first}` : `does not exist yet: the next one is ${head + 1}`
  throw fault('millrace/bad-position', `position ${to} ${what}`)
}

/** The number of positions above the low-water that are done and after a position. */
function doneAfter({ low, done }: ProgressRow, after: number): number {
  let count = 0
  const bits = (done?.length ?? 0) * 8
  for (let bit = Math.max(0, after - low); bit < bits; bit++) if (done![bit >> 3]! & (1 << (bit & 7))) count++
  return count
}

/** Counts the messages that a part has published and sent since the message at a position came, as far as they are kept. */
export async function sentSince(
  { log, streamOf, pause }: SentReads,
  { destination, begins }: { readonly destination: string; readonly begins: number },
  { source, types }: Effects,
): Promise<SentCount[]> {
  const from = streamOf(destination)
  const [first] = from === undefined ? [] : await log.read(from, begins - 1, 1, 1)
  if (first === undefined) return []
  const counts = new Map<string, number>(types.map(({ type }) => [type, 0]))
  for (const name of new Set(types.map((one) => one.destination))) {
    const stream = streamOf(name)
    if (stream === undefined) continue
    for (let after: number | undefined = await log.positionBefore(stream, first.time); after !== undefined; ) {
      const slice = await log.count(stream, source, after)
      for (const [type, count] of slice.counts) {
        const before = counts.get(type)
        if (before !== undefined) counts.set(type, before + count)
      }
      after = slice.upTo
      if (after !== undefined) await pause()
    }
  }
  return [...counts].flatMap(([type, count]) => (count === 0 ? [] : { type, count }))
}
