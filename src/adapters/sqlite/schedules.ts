import type { ScheduleChange, ScheduleStore, ScheduleWritten, SlotChange, SlotWritten } from '../../seam/schedules.ts'
import type { DelayedSlice, ScheduleKept, ScheduleRow, TimeReads } from '../../seam/time-reads.ts'
import type { Beside } from './beside-commits.ts'
import { durableReads } from './durable-reads.ts'
import type { Log } from './log.ts'
import type { Statements } from './statements.ts'
import { TimeViews } from './time-reads.ts'

/** How many slots of a schedule have a row: those before them are older than any clock is set back. */
const slotsKept = 1_000

/** How far schedules are, and which of their slots are done. */
export class ScheduleTable implements ScheduleStore {
  private readonly sql: Statements
  private readonly log: Log
  private readonly views: TimeReads

  constructor(sql: Statements, log: Log, beside: Beside) {
    this.sql = sql
    this.log = log
    this.views = durableReads<TimeReads>(new TimeViews(sql), beside)
  }

  /** Appends the event of a slot that has no row yet, and writes that row. */
  add({ schedule, due, message }: SlotChange): SlotWritten {
    if (this.sql.run('insert or ignore into millrace_slots values (?, ?)', schedule, due) === 0) {
      return { do: 'slot', appended: 0 }
    }
    const appended = this.log.append(message)
    // Counted from the slot that is written: a slot written while the clock was wrong is not the newest for ever.
    this.sql.run(
      `delete from millrace_slots where schedule = ?1 and due < (select due from millrace_slots
         where schedule = ?1 and due <= ?2 order by due desc limit 1 offset ${slotsKept - 1})`,
      schedule,
      due,
    )
    return { do: 'slot', appended }
  }

  async lastSlot(schedule: string, upTo: number): Promise<number | undefined> {
    const sql = 'select due from millrace_slots where schedule = ? and due <= ? order by due desc limit 1'
    return this.sql.one<{ due: number }>(sql, schedule, upTo)?.due
  }

  keep({ row: { schedule, cron, timeZone, seenMs, gone, skipped, skippedAt } }: ScheduleChange): ScheduleWritten {
    const sql = 'insert or replace into millrace_schedules values (?, ?, ?, ?, ?, ?, ?)'
    this.sql.run(sql, schedule, cron, timeZone, seenMs, gone ? 1 : 0, skipped, skippedAt)
    return { do: 'schedule' }
  }

  kept(): Promise<ScheduleKept[]> {
    return this.views.kept()
  }

  delayed(slice: DelayedSlice): ReturnType<TimeReads['delayed']> {
    return this.views.delayed(slice)
  }

  async rows(): Promise<ScheduleRow[]> {
    const sql = `select schedule, cron, time_zone as timeZone, seen as seenMs, gone, skipped, skipped_at as skippedAt
      from millrace_schedules`
    const rows = this.sql.all<Omit<ScheduleRow, 'gone'> & { gone: number }>(sql)
    return rows.map((row) => ({ ...row, gone: row.gone === 1 }))
  }
}
