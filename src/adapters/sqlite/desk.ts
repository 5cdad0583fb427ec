import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ErrorRecord } from '../../model/errors.ts'
import type { DeskChange, DeskEntry, DeskFilter, DeskLaneRow, DeskRow, DeskState, HeldCount } from '../../seam/store.ts'
import type { Log } from './log.ts'

interface Row {
  desk_id: number
  processor: string
  state: DeskState
  attempts: number
  kills: number
  error: string | null
  held_at: number
  stream: number
  position: number
  id: string
  kind: number
  time: number
  context: string | null
  correlation: string | null
  causation: string | null
  trace: string | null
  own_id: number
  data: string
  waiting: number
}

const columns = `d.id as desk_id, processor, state, attempts, kills, error, held_at, stream, position, message_id as id,
  kind, time, context, correlation, causation, trace, 0 as own_id, data`
const behind = `(select count(*) from millrace_desk l where l.processor = d.processor and l.context = d.context
  and l.state = 'line')`

/** Which messages are held, tried or in line: the table of the desk. */
export class DeskTable {
  private readonly db: DatabaseSync
  private readonly log: Log
  private readonly insert: StatementSync
  private readonly change: StatementSync
  private readonly delete: StatementSync
  private readonly next: StatementSync

  constructor(db: DatabaseSync, log: Log) {
    this.db = db
    this.log = log
    this.insert = db.prepare(`insert into millrace_desk (processor, state, attempts, kills, error, held_at, stream,
      position, message_id, kind, time, context, correlation, causation, trace, data)
      values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
    this.change = db.prepare('update millrace_desk set state = ?, attempts = ?, kills = ?, error = ? where id = ?')
    this.delete = db.prepare('delete from millrace_desk where id = ?')
    this.next = db.prepare(
      `select ${columns}, 0 as waiting from millrace_desk d
       where processor = ? and context = ? and d.id > ? order by d.id limit ?`,
    )
  }

  apply(change: DeskChange): void {
    const { entry } = change
    const error = entry.error === null ? null : JSON.stringify(entry.error)
    if (change.do === 'put') {
      const { message } = entry
      const { lastInsertRowid } = this.insert.run(
        entry.processor,
        entry.state,
        entry.attempts,
        entry.kills,
        error,
        entry.heldAt,
        message.stream,
        message.position,
        message.id,
        this.log.kindId(message.type, message.version, message.source),
        message.time,
        message.context,
        message.correlationId === message.id ? null : message.correlationId,
        message.causationId,
        message.traceparent,
        message.json,
      )
      entry.id = Number(lastInsertRowid)
      return
    }
    const { changes } =
      change.do === 'remove'
        ? this.delete.run(entry.id)
        : this.change.run(entry.state, entry.attempts, entry.kills, error, entry.id)
    if (changes !== 1) throw new Error(`desk entry ${entry.id} is not there any more`)
  }

  line(processor: string, context: string, afterId: number, limit: number): DeskEntry[] {
    return (this.next.all(processor, context, afterId, limit) as unknown as Row[]).map((row) => this.entry(row))
  }

  /** The heads of the lanes of one processor: whatever comes first. One that says `line` was being drained. */
  lanes(processor: string, stream: number): DeskLaneRow[] {
    return this.db
      .prepare(
        `select min(id) as headId, state, context, count(*) - 1 as waiting from millrace_desk
         where processor = ? and stream = ? group by context, case when context is null then id end order by 1`,
      )
      .all(processor, stream) as unknown as DeskLaneRow[]
  }

  list({ processor, states, after = 0, limit = 100 }: DeskFilter): DeskRow[] {
    const where = ['d.id > ?']
    const values: (string | number)[] = [after]
    if (processor !== undefined) {
      where.push('processor = ?')
      values.push(processor)
    }
    if (states !== undefined) {
      where.push(`state in (${states.map(() => '?').join(', ')})`)
      values.push(...states)
    }
    const rows = this.db
      .prepare(
        `select ${columns}, case when state = 'line' then 0 else ${behind} end as waiting
         from millrace_desk d where ${where.join(' and ')} order by d.id limit ?`,
      )
      .all(...values, limit) as unknown as Row[]
    return rows.map((row) => ({ ...this.entry(row), waiting: row.waiting }))
  }

  get(id: number): DeskRow | undefined {
    return this.list({ after: id - 1, limit: 1 }).find((row) => row.id === id)
  }

  counts(): { held: number; waiting: number } {
    const counts = this.db
      .prepare(
        `select coalesce(sum(state = 'held'), 0) as held, coalesce(sum(state = 'line'), 0) as waiting from millrace_desk`,
      )
      .get() as { held: number; waiting: number }
    return { ...counts }
  }

  heldCounts(): HeldCount[] {
    const rows = this.db
      .prepare(
        `select processor, s.name as source, count(*) as held from millrace_desk d join millrace_streams s on s.id = d.stream
         where state = 'held' group by 1, 2`,
      )
      .all()
    return rows.map((row) => ({ ...row })) as never
  }

  private entry(row: Row): DeskEntry {
    return {
      id: row.desk_id,
      processor: row.processor,
      state: row.state,
      attempts: row.attempts,
      kills: row.kills,
      error: row.error === null ? null : (JSON.parse(row.error) as ErrorRecord),
      heldAt: row.held_at,
      message: this.log.stored(row.stream, row),
    }
  }
}
