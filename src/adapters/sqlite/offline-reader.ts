// Reads a file from beside: the desk, the flows, and the newest messages of its logs.
import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as pause } from 'node:timers/promises'
import type { LogFilter, LogPlace, LogRow } from '../../model/log-views.ts'
import type { StreamInfo } from '../../model/streams.ts'
import { traceparentOf } from '../../model/trace.ts'
import type { DeskReads } from '../../seam/desk-reads.ts'
import type { FinderStore } from '../../seam/finder.ts'
import type { FlowReads } from '../../seam/flow-reads.ts'
import type { LogReads } from '../../seam/log.ts'
import type { MessageReads } from '../../seam/message-reads.ts'
import type { OfflineReader, PublishedBy } from '../../seam/offline.ts'
import type { OperationReads } from '../../seam/operations.ts'
import type { ProgressRow } from '../../seam/progress.ts'
import type { TimeReads } from '../../seam/time-reads.ts'
import { tokensIn } from './access.ts'
import { AuditLog } from './audit.ts'
import type { Beside } from './beside-commits.ts'
import { DeskFinder } from './desk-finder.ts'
import { DeskViews } from './desk-reads.ts'
import { durableReads, readsOnly } from './durable-reads.ts'
import { FinderTable } from './finder-table.ts'
import { FlowViews } from './flow-reads.ts'
import type { LogTableRow } from './kinds.ts'
import { Log } from './log.ts'
import { logTable } from './log-tables.ts'
import { MessageTable } from './message-table.ts'
import { OperationTable } from './operations.ts'
import { RequestTable } from './requests.ts'
import { Statements } from './statements.ts'
import { firstOf, progressOf, streamsOf } from './streams.ts'
import { TimeViews } from './time-reads.ts'

/** The number of positions that are looked at before other work has its turn. */
const sliceRows = 2_000

/** Other work has its turn between two reads. */
const sliceBySlice: Pick<Beside, 'durable'> = {
  durable: async (read) => {
    await pause()
    return read()
  },
}

const logColumns = 'position, id, kind, time, context, correlation, causation, trace, own_id, data, attributes'

/** The place and time of a message that fits; the message itself may be large. */
interface Found extends LogPlace {
  readonly time: number
}

export class SqliteReader implements OfflineReader {
  private readonly db: DatabaseSync
  private readonly rows: Log
  private opened: Log | undefined
  private readonly known = new Map<number, StreamInfo>()
  readonly desk: DeskReads
  readonly operations: OperationReads
  readonly flows: FlowReads
  readonly messages: MessageReads
  readonly time: TimeReads
  readonly access: OfflineReader['access']
  readonly requests: OfflineReader['requests']
  readonly finder: OfflineReader['finder']
  private readonly index: FinderTable

  constructor(db: DatabaseSync, file: string) {
    this.db = db
    this.rows = new Log(db)
    const sql = new Statements(db)
    this.access = { tokens: async () => tokensIn(sql) }
    this.requests = new RequestTable(sql, readsOnly)
    this.time = durableReads<TimeReads>(new TimeViews(sql), readsOnly)
    this.flows = durableReads<FlowReads>(new FlowViews(sql), readsOnly)
    this.index = new FinderTable(db, file, 'read')
    this.finder = durableReads<FinderStore>(this.index, sliceBySlice)
    this.messages = durableReads<MessageReads>(new MessageTable(db), sliceBySlice)
    this.desk = durableReads<DeskReads>(new DeskViews(sql, this.rows), readsOnly)
    this.operations = new OperationTable(sql, new DeskFinder(sql), new AuditLog(sql), readsOnly)
  }

  get log(): LogReads {
    if (this.opened !== undefined) return this.opened
    this.opened = new Log(this.db)
    this.opened.open(
      streamsOf(this.db).map(({ id }) => id),
      'read',
    )
    return this.opened
  }

  async streams(): Promise<StreamInfo[]> {
    return streamsOf(this.db)
  }

  async progress(): Promise<ProgressRow[]> {
    return progressOf(this.db)
  }

  async published(): Promise<PublishedBy[]> {
    const rows = this.db.prepare('select distinct type, source from millrace_kinds order by type, source').all()
    return (rows as unknown as PublishedBy[]).map(({ type, source }) => ({ type, source }))
  }

  async newest(count: number, filter: LogFilter): Promise<LogPlace[]> {
    let found: Found[] = []
    for (const stream of streamsOf(this.db)) {
      if (filter.destination !== undefined && filter.destination !== stream.name) continue
      found.push(...(await this.backwards(stream, filter, count)))
      found.sort((a, b) => a.time - b.time || a.stream - b.stream || a.position - b.position)
      found = found.slice(-count)
    }
    return found
  }

  async message({ stream: id, position }: LogPlace): Promise<LogRow | undefined> {
    const stream = this.known.get(id) ?? streamsOf(this.db).find((one) => one.id === id)
    if (stream === undefined) return undefined
    this.known.set(id, stream)
    const row = this.db.prepare(`select ${logColumns} from ${logTable(id)} where position = ?`).get(position)
    return row === undefined ? undefined : this.row(stream, row as unknown as LogTableRow)
  }

  async close(): Promise<void> {
    this.index.close()
    this.db.close()
  }

  private async backwards(stream: StreamInfo, filter: LogFilter, count: number): Promise<Found[]> {
    if (stream.head === 0) return []
    const { type = null, context = null, correlation = null } = filter
    const slice = this.db.prepare(
      `select position, time from ${logTable(stream.id)}
       where position <= :upTo and position > :after
         and (:type is null or kind in (select id from millrace_kinds where type = :type))
         and (:context is null or context = :context)
         and (:correlation is null or coalesce(correlation, id) = :correlation)
       order by position desc limit :left`,
    )
    const first = firstOf(this.db, stream)
    const found: Found[] = []
    for (let upTo = stream.head; upTo >= first && found.length < count; upTo -= sliceRows) {
      const left = count - found.length
      const rows = slice.all({ upTo, after: upTo - sliceRows, type, context, correlation, left })
      for (const row of rows as unknown as Omit<Found, 'stream'>[]) found.push({ ...row, stream: stream.id })
      await pause()
    }
    return found
  }

  private row({ id: stream, kind, name }: StreamInfo, found: LogTableRow): LogRow {
    const stored = this.rows.stored(stream, found)
    const { ownId: _own, plain: _plain, decoded: _decoded, due: _due, trace, ...message } = stored
    return { ...message, traceparent: traceparentOf(trace), destination: name, kind }
  }
}
