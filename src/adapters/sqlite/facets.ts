// The facets of an open store that read and write beside the transactions of `commit`.
import type { DatabaseSync } from 'node:sqlite'
import type { Actor, DeskEntry } from '../../model/desk.ts'
import type {
  NewOperation,
  Operation,
  OperationFilter,
  OperationOutcome,
  Paused,
  PendingAction,
  RefusedItem,
  Selection,
} from '../../model/desk-views.ts'
import { fault } from '../../model/errors.ts'
import type { DeskHead, DeskStore, LaneKey } from '../../seam/desk.ts'
import type { OperationStore } from '../../seam/operations.ts'
import type { PendingActions } from '../../seam/pending-actions.ts'
import type { ProcessorStore } from '../../seam/processors.ts'
import type { ProgressRow, ProgressStore, Subscribed } from '../../seam/progress.ts'
import type { Store } from '../../seam/store.ts'
import { type Beside, writeDurably } from './beside.ts'
import type { DeskTable } from './desk.ts'
import { DeskReader } from './desk-reads.ts'
import type { SqliteFlows } from './flow-facets.ts'
import { FlowViews } from './flow-reads.ts'
import type { Log } from './log.ts'
import type { RequestTable } from './requests.ts'
import type { SlotTable } from './slots.ts'
import type { Statements } from './statements.ts'

/** The tables of an open store. */
export interface Tables {
  readonly db: DatabaseSync
  readonly log: Log
  readonly desk: DeskTable
  readonly progress: SqliteProgress
  readonly flows: SqliteFlows
  readonly requests: RequestTable
  readonly slots: SlotTable
}

export type Facets = Pick<
  Store,
  | 'log'
  | 'desk'
  | 'deskReads'
  | 'operations'
  | 'pendingActions'
  | 'processors'
  | 'progress'
  | 'flows'
  | 'flowReads'
  | 'requests'
  | 'schedules'
>

export function facetsOf({ db, log, desk, progress, flows, requests, slots }: Tables, beside: Beside): Facets {
  return {
    log,
    desk: new SqliteDesk(desk, beside),
    deskReads: new DeskReader((use) => beside.durable(() => use(desk))),
    operations: new SqliteOperations(desk, beside),
    pendingActions: new SqlitePendingActions(desk, beside),
    processors: new SqliteProcessors(db, desk, beside),
    progress,
    flows: flows.facets,
    flowReads: new FlowViews((use) => beside.durable(() => use(flows))),
    requests,
    schedules: slots,
  }
}

export class SqliteDesk implements DeskStore {
  private readonly table: DeskTable
  private readonly beside: Beside

  constructor(table: DeskTable, beside: Beside) {
    this.table = table
    this.beside = beside
  }

  async heads(processor: string, stream: number, take: (head: DeskHead) => void): Promise<void> {
    this.table.heads(processor, stream, take)
  }

  async lanes(processor: string, stream: number, take: (context: string) => void): Promise<void> {
    this.table.lanes(processor, stream, take)
  }

  async headOf(lane: LaneKey): Promise<DeskHead | undefined> {
    return this.table.headOf(lane)
  }

  async line(lane: LaneKey, afterPlace: number, limit: number): Promise<DeskEntry[]> {
    return this.table.line(lane, afterPlace, limit)
  }

  async entry(id: number): Promise<DeskEntry | undefined> {
    return this.table.entry(id)
  }

  async askedEntry(id: string): Promise<DeskEntry | undefined> {
    return this.table.asked(id)
  }

  async forgetResolved(beforeMs: number): Promise<number> {
    return this.table.hasOld(beforeMs) ? this.beside.write(() => this.table.forgetResolved(beforeMs)) : 0
  }
}

export class SqliteOperations implements OperationStore {
  private readonly table: DeskTable
  private readonly beside: Beside

  constructor(table: DeskTable, beside: Beside) {
    this.table = table
    this.beside = beside
  }

  list(filter: OperationFilter): Promise<Operation[]> {
    return this.beside.durable(() => this.table.operations(filter))
  }

  open(after: number, limit: number): Promise<Operation[]> {
    return this.beside.durable(() => this.table.openOperations(after, limit))
  }

  outcome(operation: number): Promise<OperationOutcome> {
    return this.beside.durable(() => this.table.outcome(operation))
  }

  refused(operation: number, limit: number): Promise<RefusedItem[]> {
    return this.beside.durable(() => this.table.refused(operation, limit))
  }

  select(operation: NewOperation, what: Selection): Promise<Operation> {
    return writeDurably(this.beside, () => this.table.select(operation, what))
  }

  abort(operation: number, actor: Actor, at: number): Promise<void> {
    return writeDurably(this.beside, () => this.table.abort(operation, actor, at))
  }

  async selected(operation: number, limit: number): Promise<number[]> {
    return this.table.selected(operation, limit)
  }

  async firstSelected(operation: number): Promise<number | undefined> {
    return this.table.firstSelected(operation)
  }
}

export class SqlitePendingActions implements PendingActions {
  private readonly table: DeskTable
  private readonly beside: Beside

  constructor(table: DeskTable, beside: Beside) {
    this.table = table
    this.beside = beside
  }

  add(action: PendingAction): Promise<void> {
    return writeDurably(this.beside, () => this.table.addPending(action))
  }

  async list(after: Pick<PendingAction, 'at' | 'item'> | undefined, limit: number): Promise<PendingAction[]> {
    return this.table.pendingActions(after, limit)
  }
}

export class SqliteProcessors implements ProcessorStore {
  private readonly db: DatabaseSync
  private readonly table: DeskTable
  private readonly beside: Beside

  constructor(db: DatabaseSync, table: DeskTable, beside: Beside) {
    this.db = db
    this.table = table
    this.beside = beside
  }

  pause(processor: string, actor: Actor, at: number): Promise<void> {
    return writeDurably(this.beside, () => this.table.pause(processor, actor, at))
  }

  resume(processor: string, actor: Actor, at: number): Promise<void> {
    return writeDurably(this.beside, () => this.table.resume(processor, actor, at))
  }

  paused(): Promise<Paused[]> {
    return this.beside.durable(() => this.table.paused())
  }

  retire(processor: string, destination: string): Promise<void> {
    const { db } = this
    return writeDurably(this.beside, () => {
      const stream = db.prepare('select id from millrace_streams where name = ?').get(destination) as { id: number }
      for (const table of ['millrace_progress', 'millrace_marks']) {
        db.prepare(`delete from ${table} where processor = ? and stream = ?`).run(processor, stream.id)
      }
      this.table.retire(processor, stream.id)
      // A gather that has moved to another topic keeps its open batches.
      for (const table of ['millrace_gathers', 'millrace_gathered']) {
        db.prepare(
          `delete from ${table} where gather = ?1 and not exists (select 1 from millrace_progress where processor = ?1)`,
        ).run(processor)
      }
    })
  }
}

export class SqliteProgress implements ProgressStore {
  private readonly file: string
  private readonly sql: Statements
  private readonly log: Log
  private readonly beside: Beside

  constructor(file: string, sql: Statements, log: Log, beside: Beside) {
    this.file = file
    this.sql = sql
    this.log = log
    this.beside = beside
  }

  async subscribe(processor: string, stream: number, after: number): Promise<Subscribed> {
    const head = this.log.newest(stream)
    const row = (await this.beside.write(() => this.sql.one(takeUpText, processor, stream, after))) as TakenUp
    if (row.low > head) {
      throw fault(
        'millrace/corrupt-file',
        `${this.file}: processor "${processor}" is at ${row.low}, but its stream ends at ${head}`,
      )
    }
    const sql = 'select position from millrace_marks where processor = ? and stream = ? order by position'
    const marks = this.sql.all<{ position: number }>(sql, processor, stream)
    return { processor, stream, ...row, marks: marks.map(({ position }) => position) }
  }

  async rows(): Promise<ProgressRow[]> {
    return this.sql.all('select processor, stream, epoch, low, done from millrace_progress')
  }

  async clearMarks(processors: readonly string[]): Promise<void> {
    await this.beside.write(() => {
      for (const processor of processors) this.sql.run('delete from millrace_marks where processor = ?', processor)
    })
  }

  /** Writes how far a processor is; in the transaction of a commit. */
  write({ low, done, processor, stream, epoch }: ProgressRow): void {
    if (this.sql.run(writeText, low, done, processor, stream, epoch) === 1) return
    throw fault('millrace/ownership-lost', `processor "${processor}" was taken over: its epoch ${epoch} has ended`)
  }
}

type TakenUp = Pick<ProgressRow, 'epoch' | 'low' | 'done'>
const takeUpText = `insert into millrace_progress values (?, ?, 1, ?, null)
  on conflict do update set epoch = epoch + 1 returning epoch, low, done`
const writeText = 'update millrace_progress set low = ?, done = ? where processor = ? and stream = ? and epoch = ?'
