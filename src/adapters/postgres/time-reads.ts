// Schedules and delayed messages as people read them: by the primary keys of their tables.
import type { DelayedRow } from '../../model/time-views.ts'
import type { DelayedPlace, DelayedSlice, ScheduleKept, TimeReads } from '../../seam/time-reads.ts'
import type { Beside } from './statements.ts'

const schedulesText = `select schedule, cron, time_zone as "timeZone", seen as "seenMs", gone, skipped,
    skipped_at as "skippedAt", (select max(due) from millrace.slots l where l.schedule = s.schedule) as "lastMs"
  from millrace.schedules s order by schedule`
const delayedText = `select t.due as "dueMs", t.due as "dueAt", t.n, t.type, t.message_id as id, s.name as destination,
    t.context, t.time as "acceptedAt", coalesce(t.correlation, t.message_id) as "correlationId",
    t.causation as "causationId"
  from (select * from millrace.timers where (due, n) > ($1, $2) order by due, n limit $3) t
    join millrace.sources s on s.id = t.stream >> 16
  order by t.due, t.n`

export class TimeViews implements TimeReads {
  private readonly beside: Pick<Beside, 'read'>

  constructor(beside: Pick<Beside, 'read'>) {
    this.beside = beside
  }

  kept(): Promise<ScheduleKept[]> {
    return this.beside.read((db) => db.all<ScheduleKept>(schedulesText))
  }

  delayed({ after, limit }: DelayedSlice): Promise<(DelayedRow & DelayedPlace)[]> {
    const { dueMs, n } = after ?? { dueMs: Number.MIN_SAFE_INTEGER, n: 0 }
    return this.beside.read((db) => db.all<DelayedRow & DelayedPlace>(delayedText, [dueMs, n, limit]))
  }
}
