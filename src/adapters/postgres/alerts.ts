import type { AlertChange, AlertRow, AlertStore, HeldGroup } from '../../seam/alerts.ts'
import { heldNow } from './desk-groups.ts'
import type { Beside, Statements } from './statements.ts'

const raiseText = 'insert into millrace.alerts (watch, alert, data) values ($1, $2, $3) on conflict do nothing'
const endText = 'delete from millrace.alerts where watch = $1 and alert = $2'
const heldText = `select g.id, g.processor, g.type, split_part(g.fingerprint, ': ', 1) as code, n.held,
    g.first_at as "firstAt", coalesce((select d.held_at from millrace.desk d
      where d.group_id = g.id and d.state = 'held' order by d.held_at limit 1), g.first_at) as "oldestAt",
    coalesce(g.snoozed_until > $1, false) as snoozed
  from millrace.desk_groups g cross join lateral (${heldNow('g')}) n
  where g.held > 0 and n.held > 0 order by g.first_at, g.id limit $2`

/** Which alerts are raised. */
export class AlertTable implements AlertStore {
  private readonly beside: Beside

  constructor(beside: Beside) {
    this.beside = beside
  }

  /** Writes or removes the row of an alert. Returns whether that changed something: then its event is to be appended. */
  async write(db: Statements, { is, row: { watch, alert, data } }: AlertChange): Promise<boolean> {
    const changed =
      is === 'raised' ? await db.run(raiseText, [watch, alert, data]) : await db.run(endText, [watch, alert])
    return changed > 0
  }

  rows(): Promise<AlertRow[]> {
    return this.beside.read((db) => db.all<AlertRow>('select watch, alert, data from millrace.alerts'))
  }

  heldGroups(limit: number, now: number): Promise<HeldGroup[]> {
    return this.beside.read((db) => db.all<HeldGroup>(heldText, [now, limit]))
  }
}
