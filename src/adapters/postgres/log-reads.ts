// The log as it is read: runs, and the messages in them. A run is read whole, because the place of a message in it is its
// rank; it has at most `runMax` messages.
import type { Stored } from '../../model/codec.ts'
import { type Kind, type MessageColumns, messageOf } from '../shared/message-row.ts'
import { runMax } from './numbering.ts'
import { one, type Statements } from './statements.ts'

/** Messages of a stream after a position. */
export interface Slice {
  readonly stream: number
  readonly after: number
  readonly limit: number
  readonly bytesMax: number
}

/** The runs behind a position ($2) of a stream ($1), at most $3, with the messages after it, each with its position. */
export const placed = (columns: string) => `
  from (
    select * from millrace.runs
    where stream = $1 and position > $2::int8 - ${runMax} and position + count > $2::int8 + 1
    order by position limit $3
  ) r cross join lateral (
    select ${columns}, r.position - 1 + row_number() over (order by seq) as position from millrace.messages
    where xid = r.xid and seq between r.seq_from and r.seq_to and stream = r.stream order by seq
  ) m`

interface Row extends MessageColumns, Kind {}

const sliceText = `select m.id, k.type, k.version, k.source, m.time, m.context, m.correlation, m.causation, m.trace,
    m.flags as own_id, m.data, m.attributes, m.position
  from (
    select *, sum(octet_length(m.data)) over (order by m.position) - octet_length(m.data) as before
    from (select m.* ${placed('*')} where m.position > $2 order by m.position limit $3) m
  ) m join millrace.kinds k on k.id = m.kind
  where m.before <= $4 order by m.position`

/** The next messages, in order; at least one when there is one. */
export async function readSlice(db: Statements, { stream, after, limit, bytesMax }: Slice): Promise<Stored[]> {
  const bytes = Math.min(bytesMax, Number.MAX_SAFE_INTEGER)
  const rows = await db.all<Row>(sliceText, [stream, after, limit, bytes])
  const found: Stored[] = []
  let size = 0
  for (const row of rows) {
    size += row.data.length
    if (size > bytesMax && found.length > 0) break
    found.push(messageOf(stream, row, row))
  }
  return found
}

const firstText = 'select position from millrace.runs where stream = $1 order by position limit 1'
const headText =
  'select position + count - 1 as head from millrace.runs where stream = $1 order by position desc limit 1'

/** The oldest position that is kept; where none is, that of the next message. */
export async function firstOf(db: Statements, stream: number): Promise<number> {
  return (await one<{ position: number }>(db, firstText, [stream]))?.position ?? 1
}

/** The newest position; 0 where there was no message. */
export async function headOf(db: Statements, stream: number): Promise<number> {
  return (await one<{ head: number }>(db, headText, [stream]))?.head ?? 0
}

/** Of each stream the oldest and the newest position, where it has messages. */
export const spansText = `select s.id << 16 as stream, f.position as first, h.head from millrace.sources s
  cross join lateral (select position from millrace.runs where stream = s.id << 16 order by position limit 1) f
  cross join lateral (select position + count - 1 as head from millrace.runs where stream = s.id << 16
    order by position desc limit 1) h`

/** Messages that are counted at once. */
const countedAtOnce = 2_000

const countText = `select k.type, k.source, count(*) as count, max(m.position) as last, sum(count(*)) over ()::int8 as all
  from (select m.kind, m.position ${placed('kind, seq')} where m.position > $2 order by m.position limit $3) m
  join millrace.kinds k on k.id = m.kind group by k.type, k.source`

/** Counts the messages of one source by type, a slice at a time. */
export async function countSlice(
  db: Statements,
  { stream, source, after }: { readonly stream: number; readonly source: string; readonly after: number },
): Promise<{ counts: (readonly [type: string, count: number])[]; upTo: number | undefined }> {
  interface Row {
    readonly type: string
    readonly source: string
    readonly count: number
    readonly last: number
    readonly all: number
  }
  const rows = await db.all<Row>(countText, [stream, after, countedAtOnce])
  const counts = rows.filter((row) => row.source === source).map(({ type, count }) => [type, count] as const)
  const looked = rows[0]?.all ?? 0
  const upTo = looked < countedAtOnce ? undefined : Math.max(...rows.map(({ last }) => last))
  return { counts, upTo }
}

/** Messages to remove from the beginning of a stream. */
export interface Trim {
  readonly stream: number
  readonly upTo: number
  readonly beforeMs: number | undefined
  /** Data up to which the newest messages are kept, bytes. */
  readonly bytes: number | undefined
  readonly limit: number
}

const oldText = `
  with last as (
    select position + count - 1 as head, bytes from millrace.runs where stream = $1 order by position desc limit 1
  ), old as (
    select m.* ${placed('xid, seq, time, octet_length(data) as size')} where m.position <= $4
    order by m.position limit $3
  ), sized as (
    select old.*, last.head, (select r.bytes from millrace.runs r where r.stream = $1 and r.position <= old.position
      order by r.position desc limit 1) - (select coalesce(sum(size), 0) from old later
      where later.xid = old.xid and later.seq > old.seq) as upto, last.bytes as total
    from old, last
  ), kept as (
    select min(position) as position from sized
    where position >= head or time >= $5 or total - upto < $6
  )
  select old.xid, old.seq, old.position from old, kept where old.position < coalesce(kept.position, old.position + 1)
  order by old.position`

interface OldRow {
  readonly xid: number
  readonly seq: number
  readonly position: number
}

/** The messages to remove. The newest of a stream stays. */
export async function oldMessages(db: Statements, trim: Trim): Promise<readonly OldRow[]> {
  const { stream, upTo, beforeMs, bytes, limit } = trim
  return db.all<OldRow>(oldText, [
    stream,
    0,
    limit,
    Math.min(upTo, Number.MAX_SAFE_INTEGER),
    beforeMs ?? Number.MAX_SAFE_INTEGER,
    bytes ?? 0,
  ])
}

const deleteText = `with gone as (
    delete from millrace.messages m using unnest($1::int8[], $2::int8[]) v(xid, seq)
    where m.xid = v.xid and m.seq = v.seq returning m.id, m.kind, m.flags, m.attributes
  ) delete from millrace.ids i using gone join millrace.kinds k on k.id = gone.kind
  where gone.flags & 1 = 1 and i.type = k.type and i.id = gone.id
    and i.source = coalesce(gone.attributes::json ->> 'source', '')`
const runsText = 'delete from millrace.runs where stream = $1 and position + count <= $2'
const cutText = `update millrace.runs set position = $2, count = count - ($2 - position)::int4, seq_from = $3 + 1
  where stream = $1 and position < $2`

/** Removes the oldest messages of a stream, as `oldMessages` gave them. */
export async function removeOld(db: Statements, stream: number, old: readonly OldRow[]): Promise<void> {
  const last = old.at(-1)!
  await Promise.all([
    db.run(deleteText, [old.map(({ xid }) => xid), old.map(({ seq }) => seq)]),
    db.run(runsText, [stream, last.position + 1]),
    db.run(cutText, [stream, last.position + 1, last.seq]),
  ])
}
