// A row of the desk: one table of columns makes the insert, the update and the select, and here is what they mean.
import type { Claim } from '../../model/claims.ts'
import { asStored, type Stored } from '../../model/codec.ts'
import type { DeskEntry, DeskState, Try } from '../../model/desk.ts'
import type { KeptRow } from '../../model/desk-views.ts'
import type { ErrorRecord } from '../../model/errors.ts'
import { lengthOf, pageOf } from '../../model/page.ts'
import { attributesJson } from './attributes.ts'
import { askedFlagOf, type MessageColumns } from './message-row.ts'

/** An entry with what the store adds to it. */
export interface DeskWritten {
  readonly entry: DeskEntry
  readonly state: DeskState
  /** The group in which it counts; null where it is not held. */
  readonly group: number | null
}

export interface DeskColumn<Written = DeskWritten> {
  readonly name: string
  /** Its name in a row that is read, where that is another one. */
  readonly as?: string | undefined
  readonly value: (written: Written) => string | number | null
  /** Whether a change of the entry may change it. */
  readonly changes: boolean
  /** False for a column that no read selects. */
  readonly shown?: false | undefined
}

const fixed = (name: string, value: DeskColumn['value'], as?: string): DeskColumn =>
  as === undefined ? { name, value, changes: false } : { name, value, changes: false, as }
const changing = (name: string, value: DeskColumn['value']): DeskColumn => ({ name, value, changes: true })

/** The columns, without those of the kind of a message: each store has its own for that. */
export const deskColumns: readonly DeskColumn[] = [
  fixed('id', ({ entry }) => entry.id, 'desk_id'),
  fixed('processor', ({ entry }) => entry.processor),
  fixed('stream', ({ entry }) => entry.message.stream),
  changing('state', ({ state }) => state),
  changing('lane', ({ entry }) => entry.lane),
  changing('place', ({ entry }) => entry.place),
  changing('due_at', ({ entry }) => entry.dueAt),
  changing('attempts', ({ entry }) => entry.attempts),
  changing('kills', ({ entry }) => entry.kills),
  changing('corrections', ({ entry }) => entry.corrections),
  // Counted with the lines of the audit log.
  fixed('revision', () => 0),
  changing('failures', ({ entry }) => entry.failures),
  changing('decisions', ({ entry }) => entry.decisions),
  { ...changing('group_id', ({ group }) => group), shown: false },
  changing('error', ({ entry }) => (entry.error === null ? null : JSON.stringify(entry.error))),
  changing('tries', ({ entry }) => (entry.tries.length === 0 ? null : JSON.stringify(entry.tries))),
  fixed('held_at', ({ entry }) => entry.heldAt),
  changing('resolved_at', ({ entry }) => entry.resolvedAt),
  fixed('position', ({ entry }) => entry.message.position),
  fixed('message_id', ({ entry }) => entry.message.id, 'id'),
  fixed('time', ({ entry }) => entry.message.time),
  fixed('context', ({ entry }) => entry.message.context),
  fixed('correlation', ({ entry: { message } }) =>
    message.correlationId === message.id ? null : message.correlationId,
  ),
  fixed('causation', ({ entry }) => entry.message.causationId),
  fixed('trace', ({ entry }) => entry.message.trace),
  changing('data', ({ entry }) => entry.message.json),
  changing('original', ({ entry }) => entry.original),
  fixed('asked', ({ entry }) => askedFlagOf(entry.message.asked), 'own_id'),
  fixed('attributes', ({ entry }) => attributesJson(entry.message)),
]

export interface DeskTableRow extends MessageColumns {
  readonly desk_id: number
  readonly processor: string
  readonly stream: number
  readonly state: DeskState
  readonly lane: string | null
  readonly place: number
  readonly due_at: number
  readonly attempts: number
  readonly kills: number
  readonly corrections: number
  readonly revision: number
  readonly failures: number
  readonly decisions: number
  readonly error: string | null
  readonly tries: string | null
  readonly original: string | null
  readonly held_at: number
  readonly resolved_at: number | null
}

/** A row as people see it. */
export interface ShownRow extends DeskTableRow {
  readonly waiting: number
  readonly behind: number | null
  readonly claimed_by: string | null
  readonly claimed_at: number
  readonly claimed_until: number
  readonly wish: string | null
  readonly wished_at: number
  readonly wished_by: string
  readonly wished_why: string | null
}

/** Puts an entry together, from its row and its message. */
export function entryOf(row: DeskTableRow, message: Stored): DeskEntry {
  return {
    id: row.desk_id,
    processor: row.processor,
    state: row.state,
    lane: row.lane,
    place: row.place,
    dueAt: row.due_at,
    attempts: row.attempts,
    kills: row.kills,
    corrections: row.corrections,
    revision: row.revision,
    failures: row.failures,
    decisions: row.decisions,
    error: row.error === null ? null : (JSON.parse(row.error) as ErrorRecord),
    tries: row.tries === null ? [] : (JSON.parse(row.tries) as Try[]),
    original: row.original,
    heldAt: row.held_at,
    resolvedAt: row.resolved_at,
    message,
  }
}

/** The same as people see it. */
export function shownOf(row: ShownRow, message: Stored): KeptRow {
  const { waiting, behind, wish, wished_at: at, wished_by: by, wished_why: why } = row
  const pending =
    wish === null ? null : { item: row.desk_id, action: JSON.parse(wish), at, by, reason: why ?? undefined }
  return { ...entryOf(row, message), claim: claimOf(row), behind, waiting, pending, data: asStored(message.json) }
}

function claimOf({ claimed_by: by, claimed_at: at, claimed_until: until }: ShownRow): Claim | null {
  return by === null ? null : { by, at, until }
}

/** As many rows as a page may hold. */
export function deskPage<R extends DeskTableRow>(rows: Iterable<R>): readonly R[] {
  const sizeOf = ({ data, original, error, tries, attributes }: DeskTableRow) =>
    lengthOf(data, original, error, tries, attributes)
  return pageOf(rows, { limit: Number.POSITIVE_INFINITY, sizeOf, cursorOf: ({ desk_id }) => desk_id }).rows
}
