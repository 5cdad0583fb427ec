// A message as the columns of a row: of the log, of the desk, or of the delayed messages.
import { hash } from 'node:crypto'
import { Stored } from '../../model/codec.ts'
import { attributesJson, fromElsewhere } from './attributes.ts'
import type { SqlValue } from './statements.ts'

/** How many slots there are. A later version divides them among processes. */
const slots = 16_384

/** The slot of a message, by its context; by its id where it has none. It never changes. */
export function slotOf({ context, id }: Pick<Stored, 'context' | 'id'>): number {
  return hash('sha256', context ?? id, 'buffer').readUInt16BE(0) % slots
}

/** The columns of a message, in the order of {@link messageValues}, with their types in arrays. */
export const messageColumns = {
  slot: 'int2',
  stream: 'int4',
  id: 'text',
  kind: 'int4',
  time: 'int8',
  context: 'text',
  correlation: 'text',
  causation: 'text',
  trace: 'text',
  flags: 'int2',
  data: 'text',
  attributes: 'text',
} as const

/** The values of a message, as of {@link messageColumns}. */
export function messageValues(message: Stored, kind: number): SqlValue[] & Exclude<SqlValue, readonly unknown[]>[] {
  const { stream, id, time, context, correlationId, causationId, trace, json } = message
  const correlation = correlationId === id ? null : correlationId
  const slot = slotOf(message)
  const attributes = attributesJson(message)
  return [slot, stream, id, kind, time, context, correlation, causationId, trace, flagsOf(message), json, attributes]
}

/** A row that {@link messageOf} takes. Its kind is joined: `type`, `version` and `source` of `millrace.kinds`. */
export interface MessageRow {
  readonly position: number
  readonly stream: number
  readonly id: string
  readonly type: string
  readonly version: number
  readonly source: string
  readonly time: number
  readonly context: string | null
  readonly correlation: string | null
  readonly causation: string | null
  readonly trace: string | null
  readonly flags: number
  readonly data: string
  readonly attributes: string | null
}

/** The columns of a {@link MessageRow}, of a table `m` of messages joined with `millrace.kinds k`; without a position. */
export const rowColumns = `m.stream, m.id, k.type, k.version, k.source, m.time, m.context, m.correlation, m.causation,
  m.trace, m.flags, m.data, m.attributes`

const ownIdFlag = 1
const askedFlags = { app: 2, flow: 4 } as const
const askedMask = 6

/** The column `flags` of a message. */
export const flagsOf = ({ ownId, asked }: Pick<Stored, 'ownId' | 'asked'>): number =>
  (ownId ? ownIdFlag : 0) | (asked === undefined ? 0 : askedFlags[asked])
export const hasOwnId = (flags: number): boolean => (flags & ownIdFlag) !== 0

function askerOf(flags: number): Stored['asked'] {
  if ((flags & askedMask) === 0) return undefined
  return (flags & askedFlags.app) !== 0 ? 'app' : 'flow'
}

/** Makes the message of a row. */
export function messageOf(row: MessageRow): Stored {
  const elsewhere = row.attributes === null ? undefined : fromElsewhere(row.attributes)
  const stamp = {
    stream: row.stream,
    id: row.id,
    ownId: hasOwnId(row.flags),
    asked: askerOf(row.flags),
    source: elsewhere?.source ?? row.source,
    time: row.time,
    correlationId: row.correlation ?? row.id,
    causationId: row.causation,
    trace: row.trace,
    attributes: elsewhere?.attributes ?? null,
  }
  const message = new Stored(row.type, row.version, stamp, row.context, row.data)
  message.position = row.position
  return message
}
