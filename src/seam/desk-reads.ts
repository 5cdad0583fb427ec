// The desk as people read it, in a running store and in one that no app has.

import type { AuditRow } from '../model/desk.ts'
import type {
  AuditFilter,
  DeskAtProcessors,
  DeskCounts,
  DeskFilter,
  EndedByReset,
  GroupBy,
  GroupFilter,
  KeptGroup,
  KeptItem,
  KeptRow,
  LineFilter,
} from '../model/desk-views.ts'

/**
 * Reads of the desk, by a running store and by a file reader alike. A read never shows what is not durable. What one
 * call gives is of one moment; two calls may be of two. Lists of rows of any size give a page: it ends at its limit of
 * rows or at `pageBytes`, whichever comes first, and is empty only at the end of the list.
 */
export interface DeskReads {
  list(filter: DeskFilter): Promise<KeptRow[]>
  /** A message with the first that wait behind it, its cause and its newest lines of the audit log. */
  item(id: number, limits: ItemLimits): Promise<KeptItem | undefined>
  /**
   * A page of the messages of its lane that come after a message, in the order of places. Empty for a message without a
   * lane; undefined for one that is resolved or not at the desk.
   */
  line(id: number, page: LineFilter): Promise<KeptRow[] | undefined>
  /** `now`: the time by which snoozes last. */
  counts(now: number): Promise<DeskCounts>
  /** How many messages each processor holds, which processors are paused, and the concurrency that people have set. */
  processors(): Promise<DeskAtProcessors>
  groups(by: GroupBy, filter: GroupFilter, now: number): Promise<KeptGroup[]>
  /** What would end if a processor on a stream began anew after a position. */
  endedByReset(processor: string, stream: number, after: number): Promise<EndedByReset>
  /** Newest first. */
  audit(filter: AuditFilter): Promise<AuditRow[]>
}

/** How much of an item is read at most. */
export interface ItemLimits {
  /** Messages that wait behind it. */
  readonly line: number
  /** Lines of the audit log. */
  readonly history: number
}
