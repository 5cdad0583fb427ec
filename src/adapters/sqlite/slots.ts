import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ScheduleChange, ScheduleRow, ScheduleWritten, SlotChange, SlotWritten } from '../../seam/slots.ts'
import type { Log } from './log.ts'

/** How many slots of a schedule have a row: those before them are older than any clock is set back. */
const slotsKept = 1_000

/** How far schedules are, and which of their slots are done. */
export class SlotTable {
  private readonly log: Log
  private readonly insert: StatementSync
  private readonly newest: StatementSync
  private readonly forget: StatementSync
  private readonly put: StatementSync
  private readonly all: StatementSync

  constructor(db: DatabaseSync, log: Log) {
    this.log = log
    this.insert = db.prepare('insert or ignore into millrace_slots values (?, ?)')
    this.newest = db.prepare('select due from millrace_slots where schedule = ? and due <= ? order by due desc limit 1')
    // Counted from the slot that is written: one that was written while the clock was wrong is not the newest for good.
    this.forget = db.prepare(
      `delete from millrace_slots where schedule = :schedule and due < (select due from millrace_slots
         where schedule = :schedule and due <= :due order by due desc limit 1 offset ${slotsKept - 1})`,
    )
    this.put = db.prepare('insert or replace into millrace_schedules values (?, ?, ?, ?, ?)')
    this.all = db.prepare('select schedule, cron, time_zone as timeZone, seen as seenMs, gone from millrace_schedules')
  }

  /** Appends the event of a slot that has no row yet, and writes that row. */
  add({ schedule, due, message }: SlotChange): SlotWritten {
    if (this.insert.run(schedule, due).changes === 0) return { do: 'slot', appended: 0 }
    const appended = this.log.append(message)
    this.forget.run({ schedule, due })
    return { do: 'slot', appended }
  }

  last(schedule: string, upTo: number): number | undefined {
    return (this.newest.get(schedule, upTo) as { due: number } | undefined)?.due
  }

  keep({ row: { schedule, cron, timeZone, seenMs, gone } }: ScheduleChange): ScheduleWritten {
    this.put.run(schedule, cron, timeZone, seenMs, gone ? 1 : 0)
    return { do: 'schedule' }
  }

  schedules(): ScheduleRow[] {
    const rows = this.all.all() as unknown as (Omit<ScheduleRow, 'gone'> & { gone: number })[]
    return rows.map((row) => ({ ...row, gone: row.gone === 1 }))
  }
}
