// The log as it is looked through: each read is bounded, and a transaction of its own. It runs in the thread of the
// reader, or, for a file that no app has, in the process of a command.
import type { DatabaseSync } from 'node:sqlite'
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
  lookedAt,
  outcomeAt,
  type ProgressAt,
  placesMax,
  type LookedRow as Row,
  type NamedStream as Stream,
  sliceBytesMax,
  sliceRows,
  unevenMs,
} from '../shared/message-slice.ts'
import type { AtOnce } from './durable-reads.ts'
import { logsIn, logTable } from './log-tables.ts'

interface At {
  readonly position: number
  readonly time: number
}

export class MessageTable implements AtOnce<MessageReads> {
  private readonly db: DatabaseSync

  constructor(db: DatabaseSync) {
    this.db = db
  }

  names(): KnownNames {
    const all = (text: string) =>
      this.db
        .prepare(text)
        .all()
        .map(({ name }) => String(name))
    return {
      destinations: all('select name from millrace_streams order by name'),
      types: all('select distinct type as name from millrace_kinds order by type'),
    }
  }

  spans(filter: SpanFilter): StreamSpan[] {
    return this.atOnce(() => {
      const { destination = null } = filter
      const logs = logsIn(this.db)
      const streams = this.db
        .prepare('select id, name from millrace_streams where ?1 is null or name = ?1 order by id')
        .all(destination) as { id: number; name: string }[]
      return streams.flatMap(({ id, name }) => (logs.has(id) ? this.span(id, name, filter) : []))
    })
  }

  slice({ stream: id, order, from, end, filter, limit }: SliceAsk): MessageSlice {
    return this.atOnce(() => {
      const stream = this.stream(id)
      if (stream === undefined) return { rows: [], next: undefined, looked: 0 }
      const isDown = order === 'newest'
      const bound = isDown ? Math.max(end, from - sliceRows + 1) : Math.min(end, from + sliceRows - 1)
      const rows: MessageRow[] = []
      let last = bound
      let bytes = 0
      for (const row of this.matching({ stream: id, order, from, end: bound, filter, limit })) {
        const message = lookedAt(stream, row)
        bytes += message.json?.length ?? 0
        rows.push(message)
        if (rows.length < limit && bytes < sliceBytesMax) continue
        last = row.position
        break
      }
      const next = this.at(id, order, isDown ? last - 1 : last + 1, end)
      return { rows, next, looked: Math.abs(last - from) + 1 }
    })
  }

  withId(id: string): LogPlace[] {
    const places = this.db
      .prepare(
        `select stream, position from millrace_ids
         where type in (select type from millrace_kinds) and id = ? and position > 0 limit ${placesMax}`,
      )
      .all(id)
    return places.map((place) => ({ ...place })) as unknown as LogPlace[]
  }

  outcomes({ stream, position }: LogPlace): MessageOutcome[] {
    return this.atOnce(() => {
      // The newest entry counts: a message that was discarded and taken back has one, reset ones may have several.
      const entries = this.db
        .prepare('select processor, id, state from millrace_desk where stream = ? and position = ? order by id')
        .all(stream, position) as { processor: string; id: number; state: MessageOutcome['state'] }[]
      const atDesk = new Map(entries.map((entry) => [entry.processor, entry]))
      const rows = this.db
        .prepare('select processor, low, done from millrace_progress where stream = ? order by processor')
        .all(stream) as unknown as ProgressAt[]
      return rows.map((row) => outcomeAt(position, row, atDesk.get(row.processor)))
    })
  }

  /** One moment for all statements of a read. */
  private atOnce<T>(read: () => T): T {
    this.db.exec('begin')
    try {
      return read()
    } finally {
      this.db.exec('rollback')
    }
  }

  private stream(id: number): Stream | undefined {
    if (!logsIn(this.db).has(id)) return undefined
    const found = this.db.prepare('select id as stream, kind, name from millrace_streams where id = ?').get(id)
    return found as unknown as Stream | undefined
  }

  private span(stream: number, name: string, { since, until }: SpanFilter): StreamSpan[] {
    const oldest = this.at(stream, 'oldest', 1, Number.MAX_SAFE_INTEGER)
    const newest = this.at(stream, 'newest', Number.MAX_SAFE_INTEGER, 1)
    if (oldest === undefined || newest === undefined) return []
    const bounds = [oldest.position, newest.position] as const
    const first = since === undefined ? oldest : this.from(stream, since - unevenMs, bounds)
    const after = until === undefined ? undefined : this.from(stream, until + unevenMs, bounds)
    const last = after === undefined ? newest : this.at(stream, 'newest', after.position - 1, oldest.position)
    if (first === undefined || last === undefined || first.position > last.position) return []
    const span = { first: first.position, last: last.position, firstTime: first.time, lastTime: last.time }
    return [{ stream, name, ...span }]
  }

  /** The first message at a position or further in an order, up to an end. */
  private at(stream: number, order: SliceAsk['order'], position: number, end: number): At | undefined {
    const [from, direction] =
      order === 'newest' ? ['<= ?1 and position >= ?2', 'desc'] : ['>= ?1 and position <= ?2', '']
    const text = `select position, time from ${logTable(stream)} where position ${from} order by position ${direction} limit 1`
    return this.db.prepare(text).get(position, end) as At | undefined
  }

  /** The first message of a time or later, where times rise with positions. */
  private from(stream: number, ms: number, [first, last]: readonly [number, number]): At | undefined {
    let [low, high] = [first, last + 1]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const found = this.at(stream, 'oldest', middle, last)
      if (found !== undefined && found.time < ms) low = found.position + 1
      else high = middle
    }
    return this.at(stream, 'oldest', low, last)
  }

  private matching({ stream, order, from, end, filter, limit }: SliceAsk): IterableIterator<Row> {
    const isDown = order === 'newest'
    const conditions = Object.entries(filter).filter(([name, value]) => value !== undefined && name in conditionOf)
    const text = `select m.position, m.id, k.type, k.version, k.source, m.time, m.context, m.correlation, m.causation,
        m.trace, m.attributes, octet_length(m.data) as bytes,
        case when octet_length(m.data) <= ${dataBytesMax} then m.data end as json
      from ${logTable(stream)} m cross join millrace_kinds k on k.id = m.kind
      where m.position between ? and ? ${conditions.map(([name]) => conditionOf[name as Condition]).join(' ')}
      order by m.position ${isDown ? 'desc' : ''} limit ?`
    const values = conditions.map(([, value]) => value as string | number)
    const range = isDown ? [end, from] : [from, end]
    return this.db.prepare(text).iterate(...range, ...values, limit) as unknown as IterableIterator<Row>
  }
}

type Condition = keyof SliceAsk['filter']

const conditionOf: Readonly<Record<Condition, string>> = {
  id: 'and m.id = ?',
  type: 'and m.kind in (select id from millrace_kinds where type = ?)',
  context: 'and m.context = ?',
  correlation: 'and coalesce(m.correlation, m.id) = ?',
  since: 'and m.time >= ?',
  until: 'and m.time < ?',
}
