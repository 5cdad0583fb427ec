// Gives positions to messages: one statement finds what became visible since the last snapshot, and what its own
// transaction has written, puts it behind the heads of the streams, and writes down the commit.
//
// One statement sees one snapshot, so nothing is skipped and nothing is numbered twice. Within it the order is that of
// `seq`: who publishes after another publish was acknowledged has a higher one, over any connections. `union all` and not
// `or`, which the server would answer by reading the whole log.
//
// The fence is part of it. It is asked only where something is written: a poll that finds nothing takes no lock, no number
// of a transaction and no sync.
import { fault } from '../../model/errors.ts'
import { type Snapshot, snapshotOf } from './snapshot.ts'
import type { Statements } from './statements.ts'

/** Messages of a run at most: a slice of a stream reads whole runs. */
export const runMax = 1_000

/** Messages of one transaction in a stream that have positions one after the other. */
export interface Run {
  readonly stream: number
  /** Of the first. */
  readonly position: number
  readonly count: number
  readonly own: boolean
  readonly from: number
  readonly to: number
}

export interface Numbering {
  readonly last: Snapshot
  readonly offset: number
  readonly server: string
  readonly epoch: number
  /** The number of the commit. */
  readonly n: number
  readonly token: string
  /** The progress that goes with it; undefined where nothing but numbers is to be written. */
  readonly progress: string | undefined
}

export interface Numbered {
  readonly runs: readonly Run[]
  readonly snapshot: Snapshot
  /** Whether the commit has a row. */
  readonly noted: boolean
}

interface Row {
  readonly snapshot: string
  readonly own: number | null
  readonly server: string
  readonly noted: boolean
  readonly stream: number | null
  readonly position: number
  readonly count: number
  readonly mine: boolean
  readonly from: number
  readonly to: number
}

/** Divides what is `fresh` into runs, each behind the head of its stream. */
export const groupedText = `ranked as (
  select *, row_number() over (partition by stream order by seq) as rank,
    row_number() over (partition by stream, xid order by seq) as inner_rank,
    sum(bytes) over (partition by stream order by seq) as total
  from fresh
), grouped as (
  select stream, xid, min(seq) as seq_from, max(seq) as seq_to, count(*)::int4 as count, min(rank) as rank,
    max(total) as total
  from ranked group by stream, xid, rank - inner_rank, (inner_rank - 1) / ${runMax}
), heads as (
  select stream, coalesce(last.head, 0) as head, coalesce(last.bytes, 0) as bytes
  from (select distinct stream from grouped) g
  left join lateral (
    select position + count - 1 as head, r.bytes from millrace.runs r where r.stream = g.stream
    order by r.position desc limit 1) last on true`
export const runsText = `insert into millrace.runs (stream, position, count, xid, seq_from, seq_to, bytes)
  select g.stream, h.head + g.rank, g.count, g.xid, g.seq_from, g.seq_to, h.bytes + g.total
  from grouped g join heads h using (stream)`

const text = `
with now as materialized (
  select pg_current_snapshot() as snapshot, pg_current_xact_id_if_assigned()::text::int8 as own
), fresh as materialized (
  select xid, seq, stream, octet_length(data) as bytes from millrace.messages where xid >= $1
  union all
  select xid, seq, stream, octet_length(data) from millrace.messages where xid = any(array(
    select open from unnest($2::int8[]) open
    where pg_visible_in_snapshot((open - $3)::text::xid8, pg_current_snapshot())))
), ${groupedText}
), fence as materialized (
  select millrace.fence($4, $9, $1 - $3) as held where $8 or exists (select 1 from fresh)
), written as (
  ${runsText}, fence where fence.held
  returning stream, position, count, xid, seq_from, seq_to
), noted as (
  insert into millrace.commits (unit, n, epoch, token, xid, snapshot, progress)
  select 0, $5, $4, $6, pg_current_xact_id()::text::int8, now.snapshot::text, $7 from now, fence where fence.held
  returning 1
)
select now.snapshot::text as snapshot, now.own, millrace.server() as server, exists (select 1 from noted) as noted, w.stream, w.position, w.count,
  w.xid = now.own + $3 as mine, w.seq_from as from, w.seq_to as to
from now left join written w on true order by w.stream, w.position`

/**
 * Numbers what is new.
 *
 * @throws `millrace/ownership-lost` where the server is not the one that the snapshot is of; the errors of the server
 */
export async function number(db: Statements, numbering: Numbering): Promise<Numbered> {
  const { last, offset, server, epoch, n, token, progress } = numbering
  const open = last.open.map((xid) => xid + offset)
  const values = [last.xmax + offset, open, offset, epoch, n, token, progress ?? '[]', progress !== undefined, server]
  const rows = await db.all<Row>(text, values)
  const first = rows[0]!
  const snapshot = snapshotOf(first.snapshot, first.own)
  if (first.server !== server || snapshot.xmax < last.xmax) throw another()
  const runs = first.stream === null ? [] : rows.map(runOf)
  return { runs, snapshot, noted: first.noted }
}

function runOf({ stream, position, count, mine, from, to }: Row): Run {
  return { stream: stream!, position, count, own: mine === true, from, to }
}

const another = () =>
  fault('millrace/ownership-lost', 'the server is another one than was taken over, or has started again')
