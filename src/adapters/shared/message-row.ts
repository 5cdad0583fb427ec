// A message as the columns of a row: of a log, of the desk, or of the delayed messages.
import { Stored } from '../../model/codec.ts'
import { fromElsewhere } from './attributes.ts'

/** What many messages share. */
export interface Kind {
  readonly type: string
  readonly version: number
  /** Empty for a message from elsewhere, whose `attributes` have it. */
  readonly source: string
}

/** The columns of a message beside its stream and its kind. */
export interface MessageColumns {
  position: number
  id: string
  time: number
  context: string | null
  correlation: string | null
  causation: string | null
  trace: string | null
  own_id: number
  data: string
  attributes: string | null
}

const ownIdFlag = 1
const askedFlags = { app: 2, flow: 4 } as const
const askedMask = 6

/** The column `own_id` of a message. */
export const flagsOf = ({ ownId, asked }: Stored): number => (ownId ? ownIdFlag : 0) | askedFlagOf(asked)
export const askedFlagOf = (asked: Stored['asked']): number => (asked === undefined ? 0 : askedFlags[asked])
export const hasOwnId = (flags: number): boolean => (flags & ownIdFlag) !== 0

function askerOf(flags: number): Stored['asked'] {
  if ((flags & askedMask) === 0) return undefined
  return (flags & askedFlags.app) !== 0 ? 'app' : 'flow'
}

/** Makes the message of a row. */
export function messageOf(stream: number, row: MessageColumns, { type, version, source }: Kind): Stored {
  const elsewhere = row.attributes === null ? undefined : fromElsewhere(row.attributes)
  const stamp = {
    stream,
    id: row.id,
    ownId: hasOwnId(row.own_id),
    asked: askerOf(row.own_id),
    source: elsewhere?.source ?? source,
    time: row.time,
    correlationId: row.correlation ?? row.id,
    causationId: row.causation,
    trace: row.trace,
    attributes: elsewhere?.attributes ?? null,
  }
  const message = new Stored(type, version, stamp, row.context, row.data)
  message.position = row.position
  return message
}
