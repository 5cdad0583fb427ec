import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { GatheredElement, GatherGroup, GatherPlace, GatherTables } from '../../seam/gathers.ts'
import type { TimerTable } from './timers.ts'

interface Row {
  count: number
  bytes: number
  armed: number
  timer: string | null
  condition: string | null
}

/** Open batches of gathers, and their elements. */
export class SqliteGathers implements GatherTables {
  private readonly timers: TimerTable
  private readonly find: StatementSync
  private readonly put: StatementSync
  private readonly remove: StatementSync
  private readonly insert: StatementSync
  private readonly all: StatementSync
  private readonly deleteAll: StatementSync
  private readonly deleteOldest: StatementSync

  constructor(db: DatabaseSync, timers: TimerTable) {
    this.timers = timers
    const here = 'gather = ? and context = ?'
    this.find = db.prepare(`select count, bytes, armed, timer, condition from millrace_gathers where ${here}`)
    this.put = db.prepare(
      `insert or replace into millrace_gathers (gather, context, count, bytes, armed, timer, condition)
       values (?, ?, ?, ?, ?, ?, ?)`,
    )
    this.remove = db.prepare(`delete from millrace_gathers where ${here}`)
    this.insert = db.prepare(
      `insert into millrace_gathered values (:gather, :context,
         (select coalesce(max(place), 0) + 1 from millrace_gathered where gather = :gather and context = :context),
         :type, :version, :data)`,
    )
    this.all = db.prepare(`select type, version, data as json from millrace_gathered where ${here} order by place`)
    this.deleteAll = db.prepare(`delete from millrace_gathered where ${here}`)
    // Places have no gaps.
    this.deleteOldest = db.prepare(
      `delete from millrace_gathered where gather = :gather and context = :context and place <= (
         select max(place) from millrace_gathered where gather = :gather and context = :context) - :keep`,
    )
  }

  async group({ gather, context }: GatherPlace): Promise<GatherGroup | undefined> {
    const row = this.find.get(gather, context) as Row | undefined
    return row && { ...row, armed: row.armed === 1 }
  }

  async save({ gather, context }: GatherPlace, group: GatherGroup | undefined): Promise<void> {
    if (group === undefined) this.remove.run(gather, context)
    else {
      const { count, bytes, armed, timer, condition } = group
      this.put.run(gather, context, count, bytes, armed ? 1 : 0, timer, condition)
    }
  }

  async add({ gather, context }: GatherPlace, { type, version, json }: GatheredElement): Promise<void> {
    this.insert.run({ gather, context, type, version, data: json })
  }

  async elements({ gather, context }: GatherPlace): Promise<GatheredElement[]> {
    return this.all.all(gather, context) as unknown as GatheredElement[]
  }

  async keepNewest({ gather, context }: GatherPlace, keep: number): Promise<void> {
    this.deleteOldest.run({ gather, context, keep })
  }

  async clear({ gather, context }: GatherPlace): Promise<void> {
    this.deleteAll.run(gather, context)
  }

  async cancel(type: string, id: string): Promise<void> {
    this.timers.cancel(type, id)
  }
}
