import type { AlertChange, AlertRow, AlertStore, AlertWritten, HeldGroup } from '../../seam/alerts.ts'
import type { Beside } from './beside-commits.ts'
import type { Log } from './log.ts'
import type { Statements } from './statements.ts'

type GroupRow = Omit<HeldGroup, 'snoozed'> & { readonly snoozed: number }

/** Which alerts are raised. */
export class AlertTable implements AlertStore {
  private readonly sql: Statements
  private readonly log: Pick<Log, 'append'>
  private readonly beside: Pick<Beside, 'durable'>

  constructor(sql: Statements, log: Pick<Log, 'append'>, beside: Pick<Beside, 'durable'>) {
    this.sql = sql
    this.log = log
    this.beside = beside
  }

  /** Appends the event of an alert whose row comes or goes by it. */
  write({ is, row: { watch, alert, data }, message }: AlertChange): AlertWritten {
    const changed =
      is === 'raised'
        ? this.sql.run('insert or ignore into millrace_alerts values (?, ?, ?)', watch, alert, data)
        : this.sql.run('delete from millrace_alerts where watch = ? and alert = ?', watch, alert)
    return { do: 'alert', appended: changed === 0 ? 0 : this.log.append(message) }
  }

  rows(): Promise<AlertRow[]> {
    return this.beside.durable(() => raisedIn(this.sql))
  }

  async heldGroups(limit: number, now: number): Promise<HeldGroup[]> {
    const rows = this.sql.all<GroupRow>(
      `select id, processor, type, substr(fingerprint, 1, instr(fingerprint || ': ', ': ') - 1) as code, held,
         first_at as firstAt, coalesce((select d.held_at from millrace_desk d
           where d.group_id = g.id and d.state = 'held' order by d.held_at limit 1), first_at) as oldestAt,
         coalesce(snoozed_until > ?, 0) as snoozed
       from millrace_desk_groups g where held > 0 order by first_at, id limit ?`,
      now,
      limit,
    )
    return rows.map((row) => ({ ...row, snoozed: row.snoozed === 1 }))
  }
}

export function raisedIn(sql: Statements): AlertRow[] {
  return sql.all<AlertRow>('select watch, alert, data from millrace_alerts').map((row) => ({ ...row }))
}
