// The rows of the desk: the table of columns makes the insert, the update and the select.
import { type DeskEntry, type DeskState, waitingCounted } from '../../model/desk.ts'
import type { KeptRow } from '../../model/desk-views.ts'
import {
  type DeskColumn,
  type DeskTableRow,
  type DeskWritten,
  deskColumns,
  deskPage,
  entryOf,
  type ShownRow as Shown,
  shownOf,
} from '../shared/desk-row.ts'
import type { LogTableRow } from './kinds.ts'
import type { Log } from './log.ts'
import type { Statements } from './statements.ts'

type Written = DeskWritten & { readonly kind: number }
type Row = DeskTableRow & LogTableRow
type ShownRow = Shown & LogTableRow

const columns: readonly DeskColumn<Written>[] = [
  ...deskColumns,
  { name: 'kind', value: ({ kind }) => kind, changes: true },
]
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
    return deskPage(rows).map((row) => this.shownOf(row))
  }

  /** The row with an id, as people see it. */
  shown(id: number): KeptRow | undefined {
    const row = this.sql.one<ShownRow>(`${shownText} where d.id = ?`, id)
    return row === undefined ? undefined : this.shownOf(row)
  }

  /** A page of the rows with these ids, in order. */
  list(ids: readonly number[]): KeptRow[] {
    return deskPage(this.sql.each<ShownRow>(listText, JSON.stringify(ids))).map((row) => this.shownOf(row))
  }

  private written(entry: DeskEntry, state: DeskState, group: number | null): Written {
    return { entry, state, group, kind: this.log.kindOf(entry.message) }
  }

  private shownOf(row: ShownRow): KeptRow {
    return shownOf(row, this.log.stored(row.stream, row))
  }

  private entryOf(row: Row): DeskEntry {
    return entryOf(row, this.log.stored(row.stream, row))
  }
}
