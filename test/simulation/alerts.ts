// Alerts as the model follows them: each incident has one beginning and one end, in this order, and the store has a row
// while there is no end.
import assert from 'node:assert/strict'
import { type AlertRaised, alertTypes } from '../../src/model/alerts.ts'
import type { Read } from './desk.ts'
import type { Logged } from './model.ts'
import { firstNames } from './names.ts'

interface Row {
  readonly watch: string
  readonly alert: string
  readonly data: string
}

const keyOf = ({ watch, alert }: Pick<AlertRaised, 'watch' | 'alert'>) => `${firstNames(watch)} ${alert}`

export class AlertModel {
  /** The incidents that have no end, by part and alert. */
  private readonly open = new Map<string, string>()
  private readonly incidents = new Set<string>()
  /** How many messages of the topic were read. */
  private count = 0

  read(all: Read, logged: readonly Logged[]): void {
    for (const { type, json } of logged.slice(this.count)) this.follow(type, JSON.parse(json) as AlertRaised)
    this.count = logged.length
    const rows = all<Row>('select watch, alert, data from millrace_alerts')
    const kept = rows.map((row) => [keyOf(row), (JSON.parse(row.data) as AlertRaised).incident] as const)
    assert.deepEqual(new Map(kept), this.open, 'the alerts that are raised, in their table and as they were told')
  }

  /** Whether a group of which nothing is held any more, or that is snoozed, has an alert that has not ended yet. */
  areLate(all: Read, now: number): boolean {
    if (this.open.size === 0) return false
    const held = 'select id from millrace_desk_groups where held > 0 and coalesce(snoozed_until <= ?, true)'
    const loud = new Set(all<{ id: number }>(held, now).map(({ id }) => `group ${id}`))
    return all<Row>("select * from millrace_alerts where alert glob 'group *'").some(({ alert }) => !loud.has(alert))
  }

  private follow(type: string, data: AlertRaised): void {
    const key = keyOf(data)
    const { incident } = data
    if (type === alertTypes.raised.name) {
      assert(!this.open.has(key), `alert "${key}" is raised, and was not ended`)
      assert(!this.incidents.has(incident), `incident ${incident} has begun before`)
      this.incidents.add(incident)
      this.open.set(key, incident)
    } else {
      assert.equal(this.open.get(key), incident, `the incident of "${key}" that ended`)
      this.open.delete(key)
    }
  }
}
