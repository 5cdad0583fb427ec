// Reads a file from beside: the desk, the flows, the logs.
import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as pause } from 'node:timers/promises'
import type { StreamInfo } from '../../model/streams.ts'
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
import { raisedIn } from './alerts.ts'
import { AuditLog } from './audit.ts'
import type { Beside } from './beside-commits.ts'
import { DeskFinder } from './desk-finder.ts'
import { DeskViews } from './desk-reads.ts'
import { durableReads, readsOnly } from './durable-reads.ts'
import { FinderTable } from './finder-table.ts'
import { FlowViews } from './flow-reads.ts'
import { Log } from './log.ts'
import { MessageTable } from './message-table.ts'
import { OperationTable } from './operations.ts'
import { RequestTable } from './requests.ts'
import { Statements } from './statements.ts'
import { progressOf, streamsOf } from './streams.ts'
import { TimeViews } from './time-reads.ts'

/** Other work has its turn between two reads. */
const sliceBySlice: Pick<Beside, 'durable'> = {
  durable: async (read) => {
    await pause()
    return read()
  },
}

export class SqliteReader implements OfflineReader {
  private readonly db: DatabaseSync
  private readonly rows: Log
  private opened: Log | undefined
  readonly desk: DeskReads
  readonly operations: OperationReads
  readonly flows: FlowReads
  readonly messages: MessageReads
  readonly time: TimeReads
  readonly access: OfflineReader['access']
  readonly alerts: OfflineReader['alerts']
  readonly requests: OfflineReader['requests']
  readonly finder: OfflineReader['finder']
  private readonly index: FinderTable

  constructor(db: DatabaseSync, file: string) {
    this.db = db
    this.rows = new Log(db)
    const sql = new Statements(db)
    this.access = { tokens: async () => tokensIn(sql) }
    this.alerts = { rows: async () => raisedIn(sql) }
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

  async close(): Promise<void> {
    this.index.close()
    this.db.close()
  }
}
