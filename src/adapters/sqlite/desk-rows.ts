// The rows of the desk: one table of columns makes the insert, the update and the select.
import type { Claim } from '../../model/claims.ts'
import { asStored } from '../../model/codec.ts'
import { type DeskEntry, type DeskState, type Try, waitingCounted } from '../../model/desk.ts'
import type { KeptRow } from '../../model/desk-views.ts'
import type { ErrorRecord } from '../../model/errors.ts'
import { lengthOf, pageOf } from '../../model/page.ts'
import { attributesJson } from './attributes.ts'
import type { Log } from './log.ts'
import { askedFlagOf, type LogTableRow } from './message-row.ts'
import type { Statements, Value } from './statements.ts'

/** An entry with what the store adds to it. */
interface Written {
  readonly entry: DeskEntry
  readonly state: DeskState
  /** The group in which it counts; null where it is not held. */
  readonly group: number | null
  readonly kind: number
}

interface Column {
  readonly name: string
  /** Its name in a row that is read, where that is another one. */
  readonly as?: string | undefined
  readonly value: (written: Written) => Value
  /** Whether a change of the entry may change it. */
  readonly changes: boolean
  /** False for a column that no read selects. */
  readonly shown?: false | undefined
}

const fixed = (name: string, value: (written: Written) => Value, as?: string): Column =>
  as === undefined ? { name, value, changes: false } : { name, value, changes: false, as }
const changing = (name: string, value: (written: Written) => Value): Column => ({ name, value, changes: true })

const columns: readonly Column[] = [
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
  changing('kind', ({ kind }) => kind),
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

interface Row extends LogTableRow {
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
interface ShownRow extends Row {
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

const changed = columns.filter(({ changes }) => changes)
const names = columns.map(({ name }) => name).join(', ')
const places = columns.map(() => '?').join(', ')
const assignments = changed.map(({ name }) => `${name} = ?`).join(', ')
const insertText = `insert into millrace_desk (${names}) values (${places})`
const correctText = 'update millrace_desk set kind = ?, data = ?, original = ?, corrections = ? where id = ?'
const updateText = `update millrace_desk set ${assignments} where id = ?`
const selected = columns
  .filter(({ shown }) => shown !== false)
  .map(({ name, as }) => (as === undefined ? `d.${name}` : `d.${name} as ${as}`))
  .join(', ')
/** The messages in line behind the head of a lane. */
const waiting = `case when d.lane is null or d.state = 'line' then 0 else (select count(*) - 1 from (
  select 1 from millrace_desk l where l.processor = d.processor and l.stream = d.stream and l.lane = d.lane
  limit ${waitingCounted + 1})) end`
const behind = `case when d.state = 'line' then (select h.id from millrace_desk h
  where h.processor = d.processor and h.stream = d.stream and h.lane = d.lane order by h.place limit 1) end`
const shownText = `select ${selected}, ${waiting} as waiting, ${behind} as behind,
  d.claimed_by, d.claimed_at, d.claimed_until, w.wish, w.at as wished_at, w.who as wished_by,
  w.why as wished_why from millrace_desk d left join millrace_wishes w on w.item = d.id`
const entryText = `select ${selected} from millrace_desk d where d.id = ?`
const afterPlace = 'where d.processor = ? and d.stream = ? and d.lane = ? and d.place > ? order by d.place limit ?'
const lineText = `select ${selected} from millrace_desk d ${afterPlace}`
const shownLineText = `${shownText} ${afterPlace}`
const listText = `${shownText} where d.id in (select value from json_each(?)) order by d.id`

/** The place behind which a line is read. */
export interface PlaceInLane {
  readonly processor: string
  readonly stream: number
  readonly lane: string
  readonly place: number
}

export class DeskRows {
  private readonly sql: Statements
  private readonly log: Log

  constructor(sql: Statements, log: Log) {
    this.sql = sql
    this.log = log
  }

  insert(entry: DeskEntry, state: DeskState, group: number | null): void {
    const written = this.written(entry, state, group)
    this.sql.run(insertText, ...columns.map(({ value }) => value(written)))
  }

  /** Returns whether the row is there. */
  update(entry: DeskEntry, state: DeskState, group: number | null): boolean {
    const written = this.written(entry, state, group)
    return this.sql.run(updateText, ...changed.map(({ value }) => value(written)), entry.id) === 1
  }

  /** Replaces the data of a message that stays where it is. Returns whether the row is there. */
  correct(entry: DeskEntry): boolean {
    const { message, original, corrections, id } = entry
    const kind = this.log.kindOf(message)
    return this.sql.run(correctText, kind, message.json, original, corrections, id) === 1
  }

  entry(id: number): DeskEntry | undefined {
    const row = this.sql.one<Row>(entryText, id)
    return row === undefined ? undefined : this.entryOf(row)
  }

  /** The next messages of a lane, in order. */
  line({ processor, stream, lane, place }: PlaceInLane, limit: number): DeskEntry[] {
    return this.sql.all<Row>(lineText, processor, stream, lane, place, limit).map((row) => this.entryOf(row))
  }

  /** A page of the next messages of a lane, as people see them. */
  shownLine({ processor, stream, lane, place }: PlaceInLane, limit: number): KeptRow[] {
    const rows = this.sql.each<ShownRow>(shownLineText, processor, stream, lane, place, limit)
    return page(rows).map((row) => this.shownOf(row))
  }

  /** The row with an id, as people see it. */
  shown(id: number): KeptRow | undefined {
    const row = this.sql.one<ShownRow>(`${shownText} where d.id = ?`, id)
    return row === undefined ? undefined : this.shownOf(row)
  }

  /** A page of the rows with these ids, in order. */
  list(ids: readonly number[]): KeptRow[] {
    return page(this.sql.each<ShownRow>(listText, JSON.stringify(ids))).map((row) => this.shownOf(row))
  }

  private written(entry: DeskEntry, state: DeskState, group: number | null): Written {
    return { entry, state, group, kind: this.log.kindOf(entry.message) }
  }

  private shownOf(row: ShownRow): KeptRow {
    const { waiting, behind, wish, wished_at: at, wished_by: by, wished_why: why } = row
    const pending =
      wish === null ? null : { item: row.desk_id, action: JSON.parse(wish), at, by, reason: why ?? undefined }
    const entry = this.entryOf(row)
    return { ...entry, claim: claimOf(row), behind, waiting, pending, data: asStored(entry.message.json) }
  }

  private entryOf(row: Row): DeskEntry {
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
      message: this.log.stored(row.stream, row),
    }
  }
}

function claimOf({ claimed_by: by, claimed_at: at, claimed_until: until }: ShownRow): Claim | null {
  return by === null ? null : { by, at, until }
}

/** As many rows as a page may hold. */
function page<R extends Row>(rows: Iterable<R>): readonly R[] {
  const sizeOf = ({ data, original, error, tries, attributes }: Row) =>
    lengthOf(data, original, error, tries, attributes)
  return pageOf(rows, { limit: Number.POSITIVE_INFINITY, sizeOf, cursorOf: ({ desk_id }) => desk_id }).rows
}
