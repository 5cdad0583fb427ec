import type { ScheduleChange, ScheduleStore, SlotChange } from '../../seam/schedules.ts'
import type { DelayedSlice, ScheduleKept, ScheduleRow, TimeReads } from '../../seam/time-reads.ts'
import { type Beside, one, type Statements } from './statements.ts'
import { TimeViews } from './time-reads.ts'

/** How many slots of a schedule have a row: those before them are older than any clock is set back. */
const slotsKept = 1_000

const addText = 'insert into millrace.slots (schedule, due) values ($1, $2) on conflict do nothing'
const trimText = `delete from millrace.slots where schedule = $1 and due < (select due from millrace.slots
  where schedule = $1 and due <= $2 order by due desc limit 1 offset ${slotsKept - 1})`
const keepText = `insert into millrace.schedules (schedule, cron, time_zone, seen, gone, skipped, skipped_at)
  values ($1, $2, $3, $4, $5, $6, $7) on conflict (schedule) do update set cron = excluded.cron,
    time_zone = excluded.time_zone, seen = excluded.seen, gone = excluded.gone, skipped = excluded.skipped,
    skipped_at = excluded.skipped_at`

/** How far schedules are, and which of their slots are done. */
export class ScheduleTable implements ScheduleStore {
  private readonly beside: Beside
  private readonly views: TimeReads

  constructor(beside: Beside) {
    this.beside = beside
    this.views = new TimeViews(beside)
  }

  /** Writes the row of a slot. Returns whether it had none: then its event is to be appended. */
  async add(db: Statements, { schedule, due }: SlotChange): Promise<boolean> {
    if ((await db.run(addText, [schedule, due])) === 0) return false
    // Counted from the slot that is written: a slot written while the clock was wrong is not the newest for ever.
    await db.run(trimText, [schedule, due])
    return true
  }

  async keep(db: Statements, { row }: ScheduleChange): Promise<void> {
    const { schedule, cron, timeZone, seenMs, gone, skipped, skippedAt } = row
    await db.run(keepText, [schedule, cron, timeZone, seenMs, gone, skipped, skippedAt])
  }

  async lastSlot(schedule: string, upTo: number): Promise<number | undefined> {
    const sql = 'select due from millrace.slots where schedule = $1 and due <= $2 order by due desc limit 1'
    return (await this.beside.read((db) => one<{ due: number }>(db, sql, [schedule, upTo])))?.due
  }

  rows(): Promise<ScheduleRow[]> {
    const sql = `select schedule, cron, time_zone as "timeZone", seen as "seenMs", gone, skipped,
      skipped_at as "skippedAt" from millrace.schedules`
    return this.beside.read((db) => db.all<ScheduleRow>(sql))
  }

  kept(): Promise<ScheduleKept[]> {
    return this.views.kept()
  }

  delayed(slice: DelayedSlice): ReturnType<TimeReads['delayed']> {
    return this.views.delayed(slice)
  }
}
