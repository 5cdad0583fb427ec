// The desk as people read it. Each method runs all its statements in one turn, so that it shows one moment.
import type { AuditRow } from '../../model/desk.ts'
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
} from '../../model/desk-views.ts'
import type { DeskReads, ItemLimits } from '../../seam/desk-reads.ts'
import { AuditLog } from './audit.ts'
import { findCause } from './cause.ts'
import { DeskFinder, quoted, unresolved } from './desk-finder.ts'
import { DeskGroups } from './desk-groups.ts'
import { DeskRows, type PlaceInLane } from './desk-rows.ts'
import type { AtOnce } from './durable-reads.ts'
import type { Log } from './log.ts'
import { concurrenciesIn, pausedIn } from './processors.ts'
import type { Statements } from './statements.ts'

const listRows = 100

export class DeskViews implements AtOnce<DeskReads> {
  private readonly sql: Statements
  private readonly rows: DeskRows
  private readonly finder: DeskFinder
  private readonly groupTable: DeskGroups
  private readonly auditLog: AuditLog

  constructor(sql: Statements, log: Log) {
    this.sql = sql
    this.rows = new DeskRows(sql, log)
    this.finder = new DeskFinder(sql)
    this.groupTable = new DeskGroups(sql)
    this.auditLog = new AuditLog(sql)
  }

  list(filter: DeskFilter): KeptRow[] {
    return this.rows.list(this.finder.find(filter))
  }

  item(id: number, { line, history }: ItemLimits): KeptItem | undefined {
    const row = this.rows.shown(id)
    if (row === undefined) return undefined
    const { processor, message, lane, place, waiting } = row
    return {
      ...row,
      line:
        waiting === 0 || lane === null
          ? []
          : this.rows.shownLine({ processor, stream: message.stream, lane, place }, line),
      cause: findCause(this.sql.db, message) ?? null,
      history: this.auditLog.list({ item: id, limit: history }).reverse(),
    }
  }

  line(id: number, { after = 0, limit = listRows }: LineFilter): KeptRow[] | undefined {
    const from = this.sql.one<PlaceInLane & { readonly lane: string | null }>(
      'select processor, stream, lane, place from millrace_desk where id = ? and resolved_at is null',
      id,
    )
    if (from === undefined || from.lane === null) return from && []
    return this.rows.shownLine({ ...from, place: Math.max(from.place, after) }, limit)
  }

  counts(now: number): DeskCounts {
    return countsIn(this.sql, now)
  }

  processors(): DeskAtProcessors {
    const { sql, groupTable } = this
    return { held: groupTable.heldCounts(), paused: pausedIn(sql), concurrencies: concurrenciesIn(sql) }
  }

  groups(by: GroupBy, filter: GroupFilter, now: number): KeptGroup[] {
    return this.groupTable.list(by, filter, now)
  }

  endedByReset(processor: string, stream: number, after: number): EndedByReset {
    const ended = this.sql.one<EndedByReset>(
      `select coalesce(sum(state in ('held', 'deciding')), 0) as held,
         coalesce(sum(state = 'trying' and attempts + failures > 0), 0) as tried,
         coalesce(sum(state = 'line' or (state = 'trying' and attempts + failures = 0)), 0) as inLine,
         coalesce(sum(position <= ?3), 0) as "left",
         (select count(*) from millrace_gathered where gather = ?1) as gathered
       from millrace_desk where state in (${quoted(unresolved)}) and processor = ?1 and stream = ?2`,
      processor,
      stream,
      after,
    )
    return { ...ended! }
  }

  audit(filter: AuditFilter): AuditRow[] {
    return this.auditLog.list(filter)
  }
}

export function countsIn(sql: Statements, now: number): DeskCounts {
  const counts = sql.one<DeskCounts>(
    `select (select coalesce(sum(held), 0) from millrace_desk_groups) as held,
       (select coalesce(sum(held), 0) from millrace_desk_groups where snoozed_until > ?) as snoozed,
       (select count(*) from millrace_desk where state = 'line') as waiting,
       (select count(*) from millrace_desk where state = 'discarded') as discarded`,
    now,
  )
  return { ...counts! }
}
