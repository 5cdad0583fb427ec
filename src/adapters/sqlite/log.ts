import type { DatabaseSync } from 'node:sqlite'
import { type Stored, sameData } from '../../model/codec.ts'
import type { SameData } from '../../seam/ids.ts'
import type { Appended } from '../../seam/log.ts'
import { attributesJson, claimSourceOf } from './attributes.ts'
import { IdTable } from './ids.ts'
import { Kinds } from './kinds.ts'
import { LogStatements, rowsPerInsert, valuesPerRow } from './log-statements.ts'
import { flagsOf, hasOwnId, type LogTableRow, messageOf } from './message-row.ts'
import { createLog, logsIn, logTable } from './schema.ts'

interface Stream {
  readonly id: number
  head: number
  /** All data of the stream so far, bytes. */
  bytes: number
  /** Whether it has a table. */
  made: boolean
  /** Whether something was appended in this transaction. */
  touched: boolean
  /** The values of rows that are not inserted yet, one after the other, while there are any; and how many there are. */
  rows: (string | number | null)[] | undefined
  filled: number
}

/** What a stream was before a transaction. */
interface Before {
  readonly stream: Stream
  readonly head: number
  readonly bytes: number
  readonly made: boolean
}

/**
 * Streams that get their table before they have a message. Making a table takes the longer the more there are, so that of
 * very many each gets its own with its first message. It also makes SQLite prepare every statement anew: so not while an
 * ordinary app works.
 */
const madeAtOnce = 128

interface OldRow {
  position: number
  time: number
  bytes: number
  id: string
  type: string
  source: string
  own_id: number
}

/** The streams of a file: one clustered table each, appended at the end, read in order, trimmed at the beginning. */
export class Log {
  private readonly db: DatabaseSync
  private readonly same: SameData
  private readonly streams = new Map<number, Stream>()
  private readonly kinds: Kinds
  private readonly ids: IdTable
  private readonly statements: LogStatements
  private before: Before[] = []

  constructor(db: DatabaseSync, same: SameData = (_, first, again) => sameData(undefined, first, again)) {
    this.db = db
    this.same = same
    this.statements = new LogStatements(db)
    this.ids = new IdTable(db)
    this.kinds = new Kinds(db)
  }

  /** Takes up streams. */
  open(ids: readonly number[]): void {
    const made = logsIn(this.db)
    const fresh = ids.filter((id) => !made.has(id)).slice(0, Math.max(0, madeAtOnce - made.size))
    for (const id of fresh) createLog(this.db, id)
    for (const id of fresh) made.add(id)
    for (const id of ids) {
      const { position: head, bytes } = (made.has(id) ? this.newest(id) : undefined) ?? { position: 0, bytes: 0 }
      const stream = { id, head, bytes, made: made.has(id), touched: false, rows: undefined, filled: 0 }
      this.streams.set(id, stream)
    }
  }

  private newest(id: number): { position: number; bytes: number } | undefined {
    const last = `select position, bytes from ${logTable(id)} where position > 0 order by position desc limit 1`
    return this.db.prepare(last).get() as { position: number; bytes: number } | undefined
  }

  begin(): void {
    for (const { stream } of this.before) stream.touched = false
    this.before.length = 0
  }

  rollback(): void {
    for (const { stream, head, bytes, made } of this.before) {
      stream.head = head
      stream.bytes = bytes
      stream.made = made
      stream.rows = undefined
      stream.filled = 0
    }
    this.kinds.rollback()
  }

  /** Before the first message that a transaction appends to a stream. */
  private touch(stream: Stream): void {
    const { head, bytes, made } = stream
    this.before.push({ stream, head, bytes, made })
    stream.touched = true
    if (made) return
    createLog(this.db, stream.id)
    stream.made = true
  }

  /** Appends a message, unless its id was there. It is in the table at the latest after `flush`. */
  append(message: Stored): Appended {
    return this.claim(message, this.head(message.stream) + 1) ?? this.put(message)
  }

  /** Appends a delayed message, which has its own id since it was kept. Returns the position. */
  appendClaimed(message: Stored): number {
    if (message.ownId) this.ids.move(message, this.head(message.stream) + 1)
    return this.put(message)
  }

  /**
   * Takes the id of a message, if that is its own. Returns how the data of a message compare that has the id already;
   * undefined where the id was free. Delayed messages have position 0.
   */
  claim(message: Stored, position: number): 'same' | 'other' | undefined {
    if (!message.ownId || this.ids.claim(message, position)) return undefined
    this.flush()
    const { stream, position: at } = this.ids.placeOf(message)
    const first = at === 0 ? this.ids.pending(message) : this.at(stream, at)
    return first !== undefined && this.same(message.type, first, message) ? 'same' : 'other'
  }

  /** An own id is free again; of a message from elsewhere with its source. */
  forget(type: string, id: string, source = ''): void {
    this.ids.forget(type, id, source)
  }

  private put(message: Stored): number {
    const stream = this.streams.get(message.stream)!
    if (!stream.touched) this.touch(stream)
    const position = stream.head + 1
    const { id, correlationId } = message
    stream.head = position
    stream.bytes += message.json.length
    stream.rows ??= Array(rowsPerInsert * valuesPerRow).fill(null)
    const { rows, filled } = stream
    rows[filled] = position
    rows[filled + 1] = id
    rows[filled + 2] = this.kinds.of(message)
    rows[filled + 3] = message.time
    rows[filled + 4] = message.context
    rows[filled + 5] = correlationId === id ? null : correlationId
    rows[filled + 6] = message.causationId
    rows[filled + 7] = message.traceparent
    rows[filled + 8] = stream.bytes
    rows[filled + 9] = flagsOf(message)
    rows[filled + 10] = message.json
    if (message.attributes !== null) {
      const row = rows.slice(filled, filled + valuesPerRow)
      this.statements.of(stream.id).insertElsewhere.run(...row, attributesJson(message))
      return position
    }
    stream.filled = filled + valuesPerRow
    if (stream.filled === rows.length) {
      this.statements.of(stream.id).insertMany.run(...rows)
      stream.filled = 0
    }
    return position
  }

  /** Inserts what was appended and is not in its table yet. */
  flush(): void {
    for (const { stream } of this.before) {
      const { id, rows = [], filled } = stream
      if (filled > 0) {
        const { insert } = this.statements.of(id)
        for (let row = 0; row < filled; row += valuesPerRow) insert.run(...rows.slice(row, row + valuesPerRow))
      }
      // What was written is not referred to.
      stream.rows = undefined
      stream.filled = 0
    }
  }

  read(streamId: number, after: number, limit: number, bytesMax: number): Stored[] {
    const found: Stored[] = []
    if (!this.streams.get(streamId)!.made) return found
    let bytes = 0
    for (const row of this.statements.of(streamId).after.iterate(after, limit) as IterableIterator<unknown>) {
      const stored = this.stored(streamId, row as LogTableRow)
      bytes += stored.json.length
      if (bytes > bytesMax && found.length > 0) break
      found.push(stored)
    }
    return found
  }

  /**
   * The last position before a time, for a processor that starts at a date. Times rise with positions as far as the
   * clock did; where it jumped, the answer is one of the places that fit.
   */
  positionBefore(streamId: number, ms: number): number {
    if (this.head(streamId) === 0) return 0
    const at = this.db.prepare(
      `select position, time from ${logTable(streamId)} where position >= ? order by position limit 1`,
    )
    let low = this.first(streamId) - 1
    let high = this.head(streamId)
    while (low < high) {
      const middle = Math.floor((low + high) / 2) + 1
      const row = at.get(middle) as { position: number; time: number }
      if (row.time < ms) low = row.position
      else high = middle - 1
    }
    return low
  }

  /** The oldest position that is kept, or where the first message will be. */
  first(streamId: number): number {
    if (this.head(streamId) === 0) return 1
    const row = this.db.prepare(`select min(position) as first from ${logTable(streamId)}`).get() as {
      first: number | null
    }
    return row.first ?? this.head(streamId) + 1
  }

  head(streamId: number): number {
    return this.streams.get(streamId)!.head
  }

  /** Removes at most so many of the oldest messages, up to a position and while they are old and beyond `bytes`. */
  trim(streamId: number, upTo: number, retain: { beforeMs?: number; bytes?: number }, limit: number): number {
    const gone = this.trimmable(streamId, upTo, retain, limit)
    if (gone.length === 0) return 0
    for (const row of gone) if (hasOwnId(row.own_id)) this.forget(row.type, row.id, row.source)
    this.db.prepare(`delete from ${logTable(streamId)} where position <= ?`).run(gone.at(-1)!.position)
    return gone.length
  }

  /** What `trim` would remove. */
  trimmable(streamId: number, upTo: number, retain: { beforeMs?: number; bytes?: number }, limit: number): OldRow[] {
    const table = logTable(streamId)
    const stream = this.streams.get(streamId)!
    if (stream.head === 0) return []
    const rows = this.db
      .prepare(
        `select m.position, m.time, m.bytes, m.id, k.type, m.own_id, ${claimSourceOf('m.attributes')} as source
         from ${table} m join millrace_kinds k on k.id = m.kind
         where m.position <= ? and m.position < ? order by m.position limit ?`,
      )
      .all(upTo, stream.head, limit) as unknown as OldRow[]
    const keep = rows.findIndex(
      (row) =>
        (retain.beforeMs !== undefined && row.time >= retain.beforeMs) ||
        (retain.bytes !== undefined && stream.bytes - row.bytes < retain.bytes),
    )
    return keep === -1 ? rows : rows.slice(0, keep)
  }

  /** A row, of a log or of the desk, as a message. */
  stored(streamId: number, row: LogTableRow): Stored {
    return messageOf(streamId, row, this.kinds.get(row.kind))
  }

  kindOf(message: Stored): number {
    return this.kinds.of(message)
  }

  private at(stream: number, position: number): Stored | undefined {
    return this.read(stream, position - 1, 1, Number.POSITIVE_INFINITY).find((found) => found.position === position)
  }
}
