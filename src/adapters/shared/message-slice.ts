// A message of the log as people look through it, and the bounds of each read.
import type { MessageOutcome, MessageRow } from '../../model/message-views.ts'
import { traceparentOf } from '../../model/trace.ts'
import { fromElsewhere } from './attributes.ts'

/** The most positions that one read looks at: a long read keeps the -wal file from being written anew. */
export const sliceRows = 2_000
/** Data that are larger are left out of lists, bytes. */
export const dataBytesMax = 64 * 1024
/** The most bytes of data of a slice. */
export const sliceBytesMax = 4 * 1024 * 1024
/** Messages of several publishers come to their log a little out of the order of their times, milliseconds. */
export const unevenMs = 1_000
/** The most places that have one id: one of each type and source. */
export const placesMax = 100

export interface LookedRow {
  readonly position: number
  readonly id: string
  readonly type: string
  readonly version: number
  readonly source: string
  readonly time: number
  readonly context: string | null
  readonly correlation: string | null
  readonly causation: string | null
  readonly trace: string | null
  readonly attributes: string | null
  readonly bytes: number
  readonly json: string | null
}

/** The stream of rows, with its name. */
export type NamedStream = Pick<MessageRow, 'stream' | 'kind'> & { readonly name: string }

export function lookedAt({ stream, kind, name: destination }: NamedStream, row: LookedRow): MessageRow {
  const elsewhere = row.attributes === null ? undefined : fromElsewhere(row.attributes)
  const { position, id, type, version, time, context, bytes, json } = row
  return {
    destination,
    kind,
    stream,
    position,
    id,
    type,
    version,
    source: elsewhere?.source ?? row.source,
    time,
    context,
    correlationId: row.correlation ?? id,
    causationId: row.causation,
    traceparent: traceparentOf(row.trace),
    attributes: elsewhere?.attributes ?? null,
    bytes,
    json,
  }
}

/** Whether a bit is set, lowest first, as in a row of progress. */
function bitOf(bits: Uint8Array | null, bit: number): boolean {
  return bits !== null && bit >> 3 < bits.length && (bits[bit >> 3]! & (1 << (bit & 7))) !== 0
}

/** The progress of a processor in the stream of a message. */
export interface ProgressAt {
  readonly processor: string
  readonly low: number
  readonly done: Uint8Array | null
}

/** What became of a message at a processor, given its newest entry at the desk. */
export function outcomeAt(
  position: number,
  { processor, low, done }: ProgressAt,
  entry: { readonly id: number; readonly state: MessageOutcome['state'] } | undefined,
): MessageOutcome {
  const isDone = position <= low || bitOf(done, position - low - 1)
  if (entry === undefined) return { processor, state: isDone ? 'done' : 'waiting', item: null }
  // A processor that was reset handles the message again.
  const state = entry.state === 'reset' ? (isDone ? 'done' : 'waiting') : entry.state
  return { processor, state, item: entry.id }
}
