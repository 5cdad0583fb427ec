// The rows of the desk: the table of columns makes the insert, the update and the select.
import { type DeskEntry, type DeskState, waitingCounted } from '../../model/desk.ts'
import type { KeptRow } from '../../model/desk-views.ts'
import {
  type DeskColumn,
  type DeskTableRow,
  deskColumns,
  deskPage,
  entryOf,
  type ShownRow as Shown,
  shownOf,
} from '../shared/desk-row.ts'
import { type Kind, messageOf } from '../shared/message-row.ts'
import { slotOf } from './messages.ts'
import { one, type SqlValue, type Statements } from './statements.ts'

type Row = DeskTableRow & Kind
type ShownRow = Shown & Kind

const columns: readonly DeskColumn[] = [
  ...deskColumns,
  { name: 'type', value: ({ entry }) => entry.message.type, changes: true },
  { name: 'version', value: ({ entry }) => entry.message.version, changes: true },
  {
    name: 'source',
    value: ({ entry: { message } }) => (message.attributes === null ? message.source : ''),
    changes: false,
  },
  {
    name: 'slot',
    value: ({ entry: { message } }) => slotOf(message),
    changes: false,
    shown: false,
  },
]
const changed = columns.filter(({ changes }) => changes)
const place = (name: string, list: readonly DeskColumn[]) => `$${list.findIndex((one) => one.name === name) + 1}`

/** A message in line of a lane that has no head becomes its head. */
const stateIn = (
  list: readonly DeskColumn[],
  own: { readonly stream: string; readonly processor: string; readonly id: string },
) => {
  const [state, lane] = [place('state', list), place('lane', list)]
  return `case when ${state}::text = 'line' and not exists (select 1 from millrace.desk o
    where o.processor = ${own.processor} and o.stream = ${own.stream} and o.lane = ${lane} and o.id <> ${own.id})
    then 'trying' else ${state}::text end`
}
const inserted = columns.map(({ name }, at) =>
  name === 'state'
    ? stateIn(columns, {
        processor: place('processor', columns),
        stream: place('stream', columns),
        id: place('id', columns),
      })
    : `$${at + 1}`,
)
const insertText = `insert into millrace.desk (${columns.map(({ name }) => name).join(', ')})
  values (${inserted.join(', ')}) returning state`
const assigned = changed.map(({ name }, at) =>
  name === 'state'
    ? `state = ${stateIn(changed, { processor: 'd.processor', stream: 'd.stream', id: 'd.id' })}`
    : `${name} = $${at + 1}`,
)
const updateText = `update millrace.desk d set ${assigned.join(', ')} where d.id = $${changed.length + 1} returning d.state`
const correctText =
  'update millrace.desk set type = $1, version = $2, data = $3, original = $4, corrections = $5 where id = $6'
const selected = [
  ...columns
    .filter(({ shown }) => shown !== false)
    .map(({ name, as }) => (as === undefined ? `d.${name}` : `d.${name} as ${as}`)),
].join(', ')
/** The messages in line behind the head of a lane. */
const waiting = `case when d.lane is null or d.state = 'line' then 0 else (select count(*) - 1 from (
  select 1 from millrace.desk l where l.processor = d.processor and l.stream = d.stream and l.lane = d.lane
  limit ${waitingCounted + 1}) l) end`
const behind = `case when d.state = 'line' then (select h.id from millrace.desk h
  where h.processor = d.processor and h.stream = d.stream and h.lane = d.lane order by h.place limit 1) end`
const shownText = `select ${selected}, ${waiting} as waiting, ${behind} as behind,
    d.claimed_by, d.claimed_at, d.claimed_until, w.action as wish, w.at as wished_at, w.who as wished_by, w.why as wished_why
  from millrace.desk d left join millrace.pending_actions w on w.item = d.id and w.answered_at is null`
const entryText = `select ${selected} from millrace.desk d`
const afterPlace = 'where d.processor = $1 and d.stream = $2 and d.lane = $3 and d.place > $4 order by d.place limit $5'
const lineText = `${entryText} ${afterPlace}`
const shownLineText = `${shownText} ${afterPlace}`

/** The place behind which a line is read. */
export interface PlaceInLane {
  readonly processor: string
  readonly stream: number
  readonly lane: string
  readonly place: number
}

// ── changing, in the transaction of a commit ─────────────────────────────────────────────────────────────────────

/** Inserts an entry. Returns the state that it has: in line, it may have become the head. */
export async function insertEntry(db: Statements, entry: DeskEntry, group: number | null): Promise<DeskState> {
  const row = await one<{ state: DeskState }>(db, insertText, valuesOf(columns, entry, group))
  return row!.state
}

/** Writes a changed entry. Returns the state that it has; undefined where it is not there. */
export async function updateEntry(
  db: Statements,
  entry: DeskEntry,
  group: number | null,
): Promise<DeskState | undefined> {
  return (await one<{ state: DeskState }>(db, updateText, [...valuesOf(changed, entry, group), entry.id]))?.state
}

/** Replaces the data of a message that stays where it is. Returns the number of rows that are there: one, or none. */
export function correctEntry(db: Statements, entry: DeskEntry): Promise<number> {
  const { message, original, corrections, id } = entry
  const { type, version, json } = message
  return db.run(correctText, [type, version, json, original, corrections, id])
}

// ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

export async function entryIn(db: Statements, id: number): Promise<DeskEntry | undefined> {
  const row = await one<Row>(db, `${entryText} where d.id = $1`, [id])
  return row && entry(row)
}

/** The message of a command whose sender waits for its end. */
export async function askedEntryIn(db: Statements, id: string): Promise<DeskEntry | undefined> {
  const where = 'where d.message_id = $1 and d.asked > 0 and d.resolved_at is null limit 1'
  const row = await one<Row>(db, `${entryText} ${where}`, [id])
  return row && entry(row)
}

/** The next messages of a lane, in order. */
export async function lineIn(db: Statements, at: PlaceInLane, limit: number): Promise<DeskEntry[]> {
  const rows = await db.all<Row>(lineText, [at.processor, at.stream, at.lane, at.place, limit])
  return rows.map(entry)
}

/** A page of the next messages of a lane, as people see them. */
export async function shownLine(db: Statements, at: PlaceInLane, limit: number): Promise<KeptRow[]> {
  const rows = await db.all<ShownRow>(shownLineText, [at.processor, at.stream, at.lane, at.place, limit])
  return deskPage(rows).map(shown)
}

/** The row with an id, as people see it. */
export async function shownRow(db: Statements, id: number): Promise<KeptRow | undefined> {
  const row = await one<ShownRow>(db, `${shownText} where d.id = $1`, [id])
  return row && shown(row)
}

/** A page of the rows with these ids, in order. */
export async function shownRows(db: Statements, ids: readonly number[]): Promise<KeptRow[]> {
  if (ids.length === 0) return []
  const rows = await db.all<ShownRow>(`${shownText} where d.id = any($1::int8[]) order by d.id`, [ids])
  return deskPage(rows).map(shown)
}

const entry = (row: Row): DeskEntry => entryOf(row, messageOf(row.stream, row, row))
const shown = (row: ShownRow): KeptRow => shownOf(row, messageOf(row.stream, row, row))

function valuesOf(list: readonly DeskColumn[], entry: DeskEntry, group: number | null): SqlValue[] {
  const written = { entry, state: entry.state, group }
  return list.map(({ value }) => value(written))
}
