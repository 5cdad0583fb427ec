// Reads a database from beside, whether an app runs or not: the desk, the flows, the logs.
import type { StreamInfo } from '../../model/streams.ts'
import type { DeskReads } from '../../seam/desk-reads.ts'
import type { FlowReads } from '../../seam/flow-reads.ts'
import type { LogReads } from '../../seam/log.ts'
import type { MessageReads } from '../../seam/message-reads.ts'
import type { OfflineReader, PublishedBy } from '../../seam/offline.ts'
import type { OperationReads } from '../../seam/operations.ts'
import type { ProgressRow } from '../../seam/progress.ts'
import type { TimeReads } from '../../seam/time-reads.ts'
import { tokensIn } from './access.ts'
import { AlertTable } from './alerts.ts'
import { DeskViews } from './desk-reads.ts'
import { FinderTable } from './finder.ts'
import { FlowViews } from './flow-reads.ts'
import { Kinds } from './kinds.ts'
import { Log } from './log.ts'
import { MessageViews } from './message-reads.ts'
import { OperationTable } from './operations.ts'
import { readProgress } from './progress.ts'
import { RequestTable } from './requests.ts'
import type { Beside, Statements } from './statements.ts'
import { TimeViews } from './time-reads.ts'

const streamsText = `select s.id << 16 as id, s.kind, s.name, coalesce((select position + count - 1 from millrace.runs
    where stream = s.id << 16 order by position desc limit 1), 0) as head from millrace.sources s order by s.id`
const publishedText = 'select distinct type, source from millrace.kinds order by type, source'

/** What a reader needs of the connection. */
export interface ReaderNeeds {
  readonly read: Beside['read']
  close(): Promise<void>
}

export class PostgresReader implements OfflineReader {
  readonly desk: DeskReads
  readonly operations: OperationReads
  readonly flows: FlowReads
  readonly log: LogReads
  readonly messages: MessageReads
  readonly time: TimeReads
  readonly access: OfflineReader['access']
  readonly alerts: OfflineReader['alerts']
  readonly requests: OfflineReader['requests']
  readonly finder: OfflineReader['finder']
  private readonly needs: ReaderNeeds

  constructor(needs: ReaderNeeds) {
    this.needs = needs
    const beside: Beside = {
      read: (fn) => needs.read(fn),
      write: () => Promise.reject(new Error('this database is read, not written')),
    }
    this.desk = new DeskViews(beside)
    this.operations = new OperationTable(beside)
    this.flows = new FlowViews(beside)
    this.log = new Log(new Kinds(), beside, new Map())
    this.messages = new MessageViews(beside)
    this.time = new TimeViews(beside)
    this.access = { tokens: () => needs.read(tokensIn) }
    this.alerts = new AlertTable(beside)
    this.requests = new RequestTable(beside)
    this.finder = new FinderTable(beside)
  }

  streams(): Promise<StreamInfo[]> {
    return this.needs.read(streamsIn)
  }

  progress(): Promise<ProgressRow[]> {
    return this.needs.read(readProgress)
  }

  published(): Promise<PublishedBy[]> {
    return this.needs.read((db) => db.all<PublishedBy>(publishedText))
  }

  close(): Promise<void> {
    return this.needs.close()
  }
}

const streamsIn = (db: Statements): Promise<StreamInfo[]> => db.all<StreamInfo>(streamsText)
