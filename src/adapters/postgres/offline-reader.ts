// Reads a database from beside, whether an app runs or not: the desk, the flows, and the newest messages of its logs.
import type { LogFilter, LogPlace, LogRow } from '../../model/log-views.ts'
import type { StreamInfo } from '../../model/streams.ts'
import { traceparentOf } from '../../model/trace.ts'
import type { DeskReads } from '../../seam/desk-reads.ts'
import type { FlowReads } from '../../seam/flow-reads.ts'
import type { LogReads } from '../../seam/log.ts'
import type { MessageReads } from '../../seam/message-reads.ts'
import type { OfflineReader, PublishedBy } from '../../seam/offline.ts'
import type { OperationReads } from '../../seam/operations.ts'
import type { ProgressRow } from '../../seam/progress.ts'
import type { TimeReads } from '../../seam/time-reads.ts'
import { tokensIn } from './access.ts'
import { DeskViews } from './desk-reads.ts'
import { FinderTable } from './finder.ts'
import { FlowViews } from './flow-reads.ts'
import { Kinds } from './kinds.ts'
import { Log } from './log.ts'
import { firstOf, headOf, placed, readSlice } from './log-reads.ts'
import { MessageViews } from './message-reads.ts'
import { OperationTable } from './operations.ts'
import { readProgress } from './progress.ts'
import { RequestTable } from './requests.ts'
import type { Beside, SqlValue, Statements } from './statements.ts'
import { TimeViews } from './time-reads.ts'

/** The number of positions that are looked at in one read. */
const sliceRows = 2_000

const streamsText = `select s.id << 16 as id, s.kind, s.name, coalesce((select position + count - 1 from millrace.runs
    where stream = s.id << 16 order by position desc limit 1), 0) as head from millrace.sources s order by s.id`
const publishedText = 'select distinct type, source from millrace.kinds order by type, source'

/** The place and time of a message that fits; the message itself may be large. */
interface Found extends LogPlace {
  readonly time: number
}

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

  async newest(count: number, filter: LogFilter): Promise<LogPlace[]> {
    let found: Found[] = []
    for (const stream of await this.streams()) {
      if (filter.destination !== undefined && filter.destination !== stream.name) continue
      found.push(...(await this.backwards(stream, filter, count)))
      found.sort((a, b) => a.time - b.time || a.stream - b.stream || a.position - b.position)
      found = found.slice(-count)
    }
    return found
  }

  message({ stream, position }: LogPlace): Promise<LogRow | undefined> {
    return this.needs.read(async (db) => {
      const info = (await streamsIn(db)).find(({ id }) => id === stream)
      const [stored] = await readSlice(db, { stream, after: position - 1, limit: 1, bytesMax: 1 })
      if (info === undefined || stored?.position !== position) return undefined
      const { ownId: _own, plain: _plain, decoded: _decoded, due: _due, trace, ...message } = stored
      return { ...message, traceparent: traceparentOf(trace), destination: info.name, kind: info.kind }
    })
  }

  close(): Promise<void> {
    return this.needs.close()
  }

  /** The newest messages of a stream that fit, a slice of positions after the other. */
  private async backwards({ id: stream }: StreamInfo, filter: LogFilter, count: number): Promise<Found[]> {
    const { read } = this.needs
    const [first, head] = await read((db) => Promise.all([firstOf(db, stream), headOf(db, stream)]))
    const found: Found[] = []
    for (let upTo = head; upTo >= first && found.length < count; upTo -= sliceRows) {
      const slice = { stream, upTo, limit: count - found.length }
      found.push(...(await read((db) => fitting(db, slice, filter))))
    }
    return found
  }
}

const streamsIn = (db: Statements): Promise<StreamInfo[]> => db.all<StreamInfo>(streamsText)

interface Backwards {
  readonly stream: number
  readonly upTo: number
  readonly limit: number
}

async function fitting(db: Statements, { stream, upTo, limit }: Backwards, filter: LogFilter): Promise<Found[]> {
  const values: SqlValue[] = [stream, upTo - sliceRows, sliceRows, upTo, limit]
  const where = ['m.position > $2', 'm.position <= $4']
  const { type, context, correlation } = filter
  if (type !== undefined) where.push(`k.type = $${values.push(type)}`)
  if (context !== undefined) where.push(`m.context = $${values.push(context)}`)
  if (correlation !== undefined) where.push(`coalesce(m.correlation, m.id) = $${values.push(correlation)}`)
  const text = `select m.position, m.time ${placed('*')} join millrace.kinds k on k.id = m.kind
    where ${where.join(' and ')} order by m.position desc limit $5`
  return (await db.all<Omit<Found, 'stream'>>(text, values)).map((row) => ({ ...row, stream }))
}
