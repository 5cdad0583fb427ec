// Schedules and delayed messages as people read them: by the primary keys of their tables.
import type { DelayedRow } from '../../model/time-views.ts'
import type { DelayedPlace, DelayedSlice, ScheduleKept, TimeReads } from '../../seam/time-reads.ts'
import type { AtOnce } from './durable-reads.ts'
import type { Statements } from './statements.ts'

const schedulesText = `select schedule, cron, time_zone as timeZone, seen as seenMs, gone, skipped,
  skipped_at as skippedAt,
  (select max(due) from millrace_slots l where l.schedule = s.schedule) as lastMs
  from millrace_schedules s order by schedule`
const delayedText = `select t.due as dueMs, t.due as dueAt, t.sequence as n, k.type, t.message_id as id,
    s.name as destination, t.context, t.time as acceptedAt, coalesce(t.correlation, t.message_id) as correlationId,
    t.causation as causationId
  from millrace_timers t join millrace_kinds k on k.id = t.kind join millrace_streams s on s.id = t.stream
  where (t.due, t.sequence) > (?, ?) order by t.due, t.sequence limit ?`

export class TimeViews implements AtOnce<TimeReads> {
  private readonly sql: Statements

  constructor(sql: Statements) {
    this.sql = sql
  }

  kept(): ScheduleKept[] {
    const rows = this.sql.all<Omit<ScheduleKept, 'gone'> & { readonly gone: number }>(schedulesText)
    return rows.map((row) => ({ ...row, gone: row.gone === 1 }))
  }

  delayed({ after, limit }: DelayedSlice): (DelayedRow & DelayedPlace)[] {
    const { dueMs, n } = after ?? { dueMs: Number.MIN_SAFE_INTEGER, n: 0 }
    return this.sql.all<DelayedRow & DelayedPlace>(delayedText, dueMs, n, limit)
  }
}
