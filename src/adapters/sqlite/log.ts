import type { DatabaseSync } from 'node:sqlite'
import { type Stored, sameData } from '../../model/codec.ts'
import { fault } from '../../model/errors.ts'
import type { SameData } from '../../seam/ids.ts'
import type { Appended, ArrivalListener, CountedSlice, LogStore, Retain } from '../../seam/log.ts'
import { attributesJson } from '../shared/attributes.ts'
import { flagsOf, hasOwnId, messageOf } from '../shared/message-row.ts'
import { Arrivals } from './arrivals.ts'
import type { Beside } from './beside-commits.ts'
import { IdTable } from './ids.ts'
import { Kinds, type LogTableRow } from './kinds.ts'
import { countSlice } from './log-count.ts'
import { LogStatements, rowsPerInsert, valuesPerRow } from './log-statements.ts'
import { logsIn, logTable } from './log-tables.ts'
import { oldRows, removeRows } from './log-trim.ts'
import { createLog } from './schema.ts'

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
const trimRows = 1_000
/** A guess of the bytes that the removal of a row writes. */
const bytesPerTrim = 800

/** The streams of a file: one clustered table each, appended at the end, read in order, trimmed at the beginning. */
export class Log implements LogStore {
  /** The messages that are appended, until the listener is told. */
  readonly arrivals = new Arrivals()
  private readonly db: DatabaseSync
  private readonly same: SameData
  private readonly beside: Pick<Beside, 'write' | 'wrote'> | undefined
  private readonly streams = new Map<number, Stream>()
  private readonly kinds: Kinds
  private readonly ids: IdTable
  private readonly statements: LogStatements
  private before: Before[] = []

  /** Only with `beside` does it remove messages. */
  constructor(
    db: DatabaseSync,
    same: SameData = (_, first, again) => sameData(undefined, first, again),
    beside?: Beside,
  ) {
    this.db = db
    this.beside = beside
    this.same = same
    this.statements = new LogStatements(db)
    this.ids = new IdTable(db)
    this.kinds = new Kinds(db)
  }

  /** Types have other names than before. */
  renamed(): void {
    this.kinds.load()
  }

  /** Takes up streams. Only where it may write it makes tables for them. */
  open(ids: readonly number[], may: 'write' | 'read' = 'write'): void {
    const made = logsIn(this.db)
    const room = may === 'read' ? 0 : Math.max(0, madeAtOnce - made.size)
    const fresh = ids.filter((id) => !made.has(id)).slice(0, room)
    for (const id of fresh) createLog(this.db, id)
    for (const id of fresh) made.add(id)
    for (const id of ids) {
      const { position: head, bytes } = (made.has(id) ? this.newestRow(id) : undefined) ?? { position: 0, bytes: 0 }
      const stream = { id, head, bytes, made: made.has(id), touched: false, rows: undefined, filled: 0 }
      this.streams.set(id, stream)
    }
  }

  private newestRow(id: number): { position: number; bytes: number } | undefined {
    const last = `select position, bytes from ${logTable(id)} where position > 0 order by position desc limit 1`
    return this.db.prepare(last).get() as { position: number; bytes: number } | undefined
  }

  begin(): void {
    for (const { stream } of this.before) stream.touched = false
    this.before.length = 0
  }

  committed(): void {
    this.arrivals.commit()
  }

  rollback(): void {
    this.arrivals.rollback()
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
    return this.claim(message, this.newest(message.stream) + 1) ?? this.put(message)
  }

  /** Appends a delayed message, which has its own id since it was kept. Returns the position. */
  appendClaimed(message: Stored): number {
    if (message.ownId) this.ids.move(message, this.newest(message.stream) + 1)
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
    this.arrivals.add(message, position)
    stream.rows ??= Array(rowsPerInsert * valuesPerRow).fill(null)
    const { rows, filled } = stream
    rows[filled] = position
    rows[filled + 1] = id
    rows[filled + 2] = this.kinds.of(message)
    rows[filled + 3] = message.time
    rows[filled + 4] = message.context
    rows[filled + 5] = correlationId === id ? null : correlationId
    rows[filled + 6] = message.causationId
    rows[filled + 7] = message.trace
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

  onArrival(listener: ArrivalListener): void {
    this.arrivals.listen(listener)
  }

  async read(streamId: number, after: number, limit: number, bytesMax: number): Promise<Stored[]> {
    if (!this.db.isOpen) throw fault('millrace/not-started', 'the store is not open')
    return this.slice(streamId, after, limit, bytesMax)
  }

  private slice(streamId: number, after: number, limit: number, bytesMax: number): Stored[] {
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
  async positionBefore(streamId: number, ms: number): Promise<number> {
    if (this.newest(streamId) === 0) return 0
    const at = this.db.prepare(
      `select position, time from ${logTable(streamId)} where position >= ? order by position limit 1`,
    )
    let low = (await this.first(streamId)) - 1
    let high = this.newest(streamId)
    while (low < high) {
      const middle = Math.floor((low + high) / 2) + 1
      const row = at.get(middle) as { position: number; time: number }
      if (row.time < ms) low = row.position
      else high = middle - 1
    }
    return low
  }

  async first(streamId: number): Promise<number> {
    if (this.newest(streamId) === 0) return 1
    const row = this.db.prepare(`select min(position) as first from ${logTable(streamId)}`).get() as {
      first: number | null
    }
    return row.first ?? this.newest(streamId) + 1
  }

  async head(streamId: number): Promise<number> {
    return this.newest(streamId)
  }

  /** The newest position, in a transaction also one that is not committed. */
  newest(streamId: number): number {
    return this.streams.get(streamId)!.head
  }

  async count(stream: number, source: string, after: number): Promise<CountedSlice> {
    if (!this.streams.get(stream)!.made) return { counts: [], upTo: undefined }
    return countSlice(this.db, this.kinds, { stream, source, after })
  }

  async trim(streamId: number, upTo: number, retain: Retain): Promise<number> {
    const stream = this.streams.get(streamId)!
    // Mostly there is nothing to do, and then nothing is written.
    if (oldRows(this.db, stream, { upTo, retain, limit: 1 }).length === 0) return 0
    const gone = await this.beside!.write(() => {
      const rows = oldRows(this.db, stream, { upTo, retain, limit: trimRows })
      for (const row of rows) if (hasOwnId(row.own_id)) this.forget(row.type, row.id, row.source)
      removeRows(this.db, streamId, rows)
      return rows.length
    })
    this.beside!.wrote(gone * bytesPerTrim)
    return gone
  }

  /** A row, of a log or of the desk, as a message. */
  stored(streamId: number, row: LogTableRow): Stored {
    return messageOf(streamId, row, this.kinds.get(row.kind))
  }

  kindOf(message: Stored): number {
    return this.kinds.of(message)
  }

  private at(stream: number, position: number): Stored | undefined {
    return this.slice(stream, position - 1, 1, Number.POSITIVE_INFINITY).find((found) => found.position === position)
  }
}
