// The log as it is looked through, on a connection for people: each read is bounded, and a transaction of its own.
import type { LogPlace } from '../../model/log-views.ts'
import type { MessageOutcome, MessageRow } from '../../model/message-views.ts'
import type {
  KnownNames,
  MessageReads,
  MessageSlice,
  SliceAsk,
  SpanFilter,
  StreamSpan,
} from '../../seam/message-reads.ts'
import {
  dataBytesMax,
  type LookedRow,
  lookedAt,
  type NamedStream,
  outcomeAt,
  placesMax,
  sliceBytesMax,
  sliceRows,
  unevenMs,
} from '../shared/message-slice.ts'
import { firstOf, headOf, placed } from './log-reads.ts'
import { readProgress } from './progress.ts'
import { type Beside, one, type SqlValue, type Statements } from './statements.ts'

interface At {
  readonly position: number
  readonly time: number
}

const sourcesText = `select id << 16 as stream, name from millrace.sources
  where $1::text is null or name = $1 order by id`
const sourceText = 'select id << 16 as stream, kind, name from millrace.sources where id = $1::int4 >> 16'
const atText = `select m.position, m.time ${placed('time, seq')} where m.position > $2 and m.position <= $4
  order by m.position limit 1`
/** The newest one up to a position: its run is the last that begins there or before. */
const beforeText = `select m.position, m.time from (
    select * from millrace.runs where stream = $1 and position <= $2 order by position desc limit 1
  ) r cross join lateral (
    select time, r.position - 1 + row_number() over (order by seq) as position from millrace.messages
    where xid = r.xid and seq between r.seq_from and r.seq_to and stream = r.stream
  ) m where m.position <= $2 and m.position >= $3 order by m.position desc limit 1`
const placesText = `select i.stream, i.xid, m.seq from (select type, stream, xid, id from millrace.ids
    where type = any(array(select distinct type from millrace.kinds)) and id = $1 limit ${placesMax}) i
  cross join lateral (select seq from millrace.messages m where m.xid = i.xid and m.id = i.id and m.stream = i.stream
    and (select type from millrace.kinds where id = m.kind) = i.type order by seq limit 1) m`
const positionText = `select r.position + (select count(*) from millrace.messages m
    where m.xid = r.xid and m.seq >= r.seq_from and m.seq < $3 and m.stream = r.stream) as position
  from millrace.runs r where r.stream = $1 and r.xid = $2 and r.seq_from <= $3 and r.seq_to >= $3`

export class MessageViews implements MessageReads {
  private readonly beside: Pick<Beside, 'read'>

  constructor(beside: Pick<Beside, 'read'>) {
    this.beside = beside
  }

  names(): Promise<KnownNames> {
    return this.beside.read(async (db) => {
      const all = async (text: string) => (await db.all<{ name: string }>(text)).map(({ name }) => name)
      const [destinations, types] = await Promise.all([
        all('select name from millrace.sources order by name'),
        all('select distinct type as name from millrace.kinds order by type'),
      ])
      return { destinations, types }
    })
  }

  spans(filter: SpanFilter): Promise<StreamSpan[]> {
    return this.beside.read(async (db) => {
      const streams = await db.all<Omit<NamedStream, 'kind'>>(sourcesText, [filter.destination ?? null])
      const spans = await Promise.all(streams.map((stream) => spanOf(db, stream, filter)))
      return spans.flat()
    })
  }

  slice(ask: SliceAsk): Promise<MessageSlice> {
    return this.beside.read((db) => sliceOf(db, ask))
  }

  withId(id: string): Promise<LogPlace[]> {
    return this.beside.read((db) => placesOf(db, id))
  }

  outcomes({ stream, position }: LogPlace): Promise<MessageOutcome[]> {
    return this.beside.read(async (db) => {
      // The newest entry counts: a message that was discarded and taken back has one, reset ones may have several.
      type Entry = { readonly processor: string; readonly id: number; readonly state: MessageOutcome['state'] }
      const text = 'select processor, id, state from millrace.desk where stream = $1 and position = $2'
      const [entries, progress] = await Promise.all([db.all<Entry>(text, [stream, position]), readProgress(db)])
      const atDesk = new Map(entries.sort((a, b) => a.id - b.id).map((entry) => [entry.processor, entry]))
      return progress
        .filter((row) => row.stream === stream)
        .sort((a, b) => (a.processor < b.processor ? -1 : 1))
        .map((row) => outcomeAt(position, row, atDesk.get(row.processor)))
    })
  }
}

async function sliceOf(
  db: Statements,
  { stream: id, order, from, end, filter, limit }: SliceAsk,
): Promise<MessageSlice> {
  const stream = await one<NamedStream>(db, sourceText, [id])
  if (stream === undefined) return { rows: [], next: undefined, looked: 0 }
  const isDown = order === 'newest'
  const bound = isDown ? Math.max(end, from - sliceRows + 1) : Math.min(end, from + sliceRows - 1)
  const rows: MessageRow[] = []
  let last = bound
  let bytes = 0
  for (const row of await matching(db, { stream: id, order, from, end: bound, filter, limit })) {
    const message = lookedAt(stream, row)
    bytes += message.json?.length ?? 0
    rows.push(message)
    if (rows.length < limit && bytes < sliceBytesMax) continue
    last = row.position
    break
  }
  const next = await (isDown ? before(db, id, last - 1, end) : after(db, id, last + 1, end))
  return { rows, next, looked: Math.abs(last - from) + 1 }
}

async function placesOf(db: Statements, id: string): Promise<LogPlace[]> {
  const found = await db.all<{ stream: number; xid: number; seq: number }>(placesText, [id])
  const places = await Promise.all(
    found.map(async ({ stream, xid, seq }) => {
      const at = await one<{ position: number }>(db, positionText, [stream, xid, seq])
      return at === undefined ? [] : [{ stream, position: at.position }]
    }),
  )
  return places.flat()
}

async function spanOf(
  db: Statements,
  { stream, name }: Omit<NamedStream, 'kind'>,
  { since, until }: SpanFilter,
): Promise<StreamSpan[]> {
  const [low, high] = await Promise.all([firstOf(db, stream), headOf(db, stream)])
  const [oldest, newest] = await Promise.all([after(db, stream, low, high), before(db, stream, high, low)])
  if (oldest === undefined || newest === undefined) return []
  const bounds = [oldest.position, newest.position] as const
  const first = since === undefined ? oldest : await fromTime(db, stream, since - unevenMs, bounds)
  const behind = until === undefined ? undefined : await fromTime(db, stream, until + unevenMs, bounds)
  const last = behind === undefined ? newest : await before(db, stream, behind.position - 1, oldest.position)
  if (first === undefined || last === undefined || first.position > last.position) return []
  const span = { first: first.position, last: last.position, firstTime: first.time, lastTime: last.time }
  return [{ stream, name, ...span }]
}

/** The first message at a position or after it, up to an end. */
const after = (db: Statements, stream: number, position: number, end: number): Promise<At | undefined> =>
  one<At>(db, atText, [stream, position - 1, 1, end])

/** The last message at a position or before it, down to an end. */
const before = (db: Statements, stream: number, position: number, end: number): Promise<At | undefined> =>
  one<At>(db, beforeText, [stream, position, end])

/** The first message of a time or later, where times rise with positions. */
async function fromTime(
  db: Statements,
  stream: number,
  ms: number,
  [first, last]: readonly [number, number],
): Promise<At | undefined> {
  let [low, high] = [first, last + 1]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const found = await after(db, stream, middle, last)
    if (found !== undefined && found.time < ms) low = found.position + 1
    else high = middle
  }
  return after(db, stream, low, last)
}

async function matching(db: Statements, ask: SliceAsk): Promise<LookedRow[]> {
  const { stream, order, from, end, filter, limit } = ask
  const [low, high] = order === 'newest' ? [end, from] : [from, end]
  const values: SqlValue[] = [stream, low - 1, sliceRows, high, limit]
  const where = ['m.position > $2', 'm.position <= $4']
  for (const [name, condition] of Object.entries(conditionOf)) {
    const value = filter[name as Condition]
    if (value !== undefined) where.push(condition(`$${values.push(value)}`))
  }
  const text = `select m.position, m.id, k.type, k.version, k.source, m.time, m.context, m.correlation, m.causation, m.trace,
      m.attributes, octet_length(m.data) as bytes,
      case when octet_length(m.data) <= ${dataBytesMax} then m.data end as json
    ${placed('*')} join millrace.kinds k on k.id = m.kind
    where ${where.join(' and ')} order by m.position ${order === 'newest' ? 'desc' : ''} limit $5`
  return db.all<LookedRow>(text, values)
}

type Condition = keyof SliceAsk['filter']

const conditionOf: Readonly<Record<Condition, (place: string) => string>> = {
  id: (place) => `m.id = ${place}`,
  type: (place) => `k.type = ${place}`,
  context: (place) => `m.context = ${place}`,
  correlation: (place) => `coalesce(m.correlation, m.id) = ${place}`,
  since: (place) => `m.time >= ${place}`,
  until: (place) => `m.time < ${place}`,
}
