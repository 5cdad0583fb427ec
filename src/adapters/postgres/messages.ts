// A message as the columns of a row: of the log, of the desk, or of the delayed messages.
import { hash } from 'node:crypto'
import type { Stored } from '../../model/codec.ts'
import { attributesJson } from '../shared/attributes.ts'
import { flagsOf } from '../shared/message-row.ts'
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
