// The desk as people read it, in a running store and in one that no app has.

import type { AuditRow, DeskEntry } from '../model/desk.ts'
import type {
  AuditFilter,
  Cause,
  DeskCounts,
  DeskFilter,
  DeskGroup,
  DeskRow,
  GroupBy,
  GroupFilter,
  HeldCount,
  Operation,
  OperationFilter,
  OperationOutcome,
  Paused,
  RefusedItem,
} from '../model/desk-views.ts'

/**
 * Reads of the desk, by a running store and by a file reader alike. Lists of rows of any size give a page: it ends at its
 * limit of rows or at `pageBytes`, whichever comes first, and is empty only at the end of the list.
 */
export interface DeskReads {
  list(filter: DeskFilter): DeskRow[]
  entry(id: number): DeskEntry | undefined
  row(id: number): DeskRow | undefined
  /** The first that wait in line behind a message, in order. */
  behind(entry: DeskEntry, limit: number): DeskRow[]
  /** What caused a message, where it is found by reading little. */
  cause(entry: DeskEntry): Cause | undefined
  counts(): DeskCounts
  heldCounts(): HeldCount[]
  groups(by: GroupBy, filter: GroupFilter): DeskGroup[]
  /** Newest first. */
  audit(filter: AuditFilter): AuditRow[]
  /** Operations that fit, in order. */
  operations(filter: OperationFilter): Operation[]
  /** Those that have not ended, after an id, in order, at most so many. */
  openOperations(after: number, limit: number): Operation[]
  outcome(operation: number): OperationOutcome
  /** The first of an operation that were not possible. */
  refused(operation: number, limit: number): RefusedItem[]
  paused(): Paused[]
}
