// Reads of the desk as promises. Each call runs all its statements in one turn, so what it gives is of one moment.
import type { DatabaseSync } from 'node:sqlite'
import type { AuditRow, DeskEntry } from '../../model/desk.ts'
import type {
  AuditFilter,
  DeskAtProcessors,
  DeskCounts,
  DeskFilter,
  DeskGroup,
  DeskItem,
  DeskRow,
  GroupBy,
  GroupFilter,
} from '../../model/desk-views.ts'
import type { DeskReads, ItemLimits } from '../../seam/desk-reads.ts'
import type { OperationReads } from '../../seam/operations.ts'
import { DeskTable } from './desk.ts'
import { Log } from './log.ts'
import { Statements } from './statements.ts'

/** Reads the table: when all that it shows is durable, and where a lock is in the way, again. */
export type ReadDesk = <T>(use: (desk: DeskTable) => T) => Promise<T>

export class DeskReader implements DeskReads {
  private readonly read: ReadDesk

  constructor(read: ReadDesk) {
    this.read = read
  }

  /** Reads a file that shows nothing but what is durable. */
  static of(db: DatabaseSync, log: Log): DeskReader {
    const table = new DeskTable(new Statements(db), log)
    return new DeskReader(async (use) => use(table))
  }

  list(filter: DeskFilter): Promise<DeskRow[]> {
    return this.read((desk) => desk.list(filter))
  }

  entry(id: number): Promise<DeskEntry | undefined> {
    return this.read((desk) => desk.entry(id))
  }

  item(id: number, { line, history }: ItemLimits): Promise<DeskItem | undefined> {
    return this.read((desk) => {
      const row = desk.row(id)
      if (row === undefined) return undefined
      return {
        ...row,
        line: row.waiting === 0 ? [] : desk.behind(row, line),
        cause: desk.cause(row) ?? null,
        history: desk.audit({ item: id, limit: history }).reverse(),
      }
    })
  }

  counts(): Promise<DeskCounts> {
    return this.read((desk) => desk.counts())
  }

  processors(): Promise<DeskAtProcessors> {
    return this.read((desk) => ({ held: desk.heldCounts(), paused: desk.paused() }))
  }

  groups(by: GroupBy, filter: GroupFilter): Promise<DeskGroup[]> {
    return this.read((desk) => desk.groups(by, filter))
  }

  audit(filter: AuditFilter): Promise<AuditRow[]> {
    return this.read((desk) => desk.audit(filter))
  }
}

/** Operations of a file that shows nothing but what is durable. */
export function operationsIn(db: DatabaseSync, log: Log): OperationReads {
  const table = new DeskTable(new Statements(db), log)
  return {
    list: async (filter) => table.operations(filter),
    open: async (after, limit) => table.openOperations(after, limit),
    outcome: async (operation) => table.outcome(operation),
    refused: async (operation, limit) => table.refused(operation, limit),
  }
}

/** Counts the messages at the desk of a file. */
export function countsIn(db: DatabaseSync): DeskCounts {
  return new DeskTable(new Statements(db), new Log(db)).counts()
}
