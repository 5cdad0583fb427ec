// The tables of an open file, written together: the changes of one transaction, and the take-over of a start.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Stored } from '../../model/codec.ts'
import type { SourcePlan } from '../../model/streams.ts'
import type { Changes, OwnTables, Written } from '../../seam/commit.ts'
import type { SameData } from '../../seam/ids.ts'
import type { TakenOver } from '../../seam/leases.ts'
import type { Appended } from '../../seam/log.ts'
import type { FoundParts, Rename } from '../../seam/names.ts'
import type { Facets } from '../shared/facets.ts'
import { AlertTable } from './alerts.ts'
import type { Beside } from './beside-commits.ts'
import type { Connection } from './connection.ts'
import { DeskTables } from './desk-tables.ts'
import type { Disk } from './disk.ts'
import { facetsOf } from './facets.ts'
import { FlowTables } from './flows.ts'
import { SqliteGathers } from './gathers.ts'
import { checkClaims } from './ids.ts'
import { Log } from './log.ts'
import { foundParts, rename } from './names.ts'
import { ProgressTable } from './progress.ts'
import { RequestTable } from './requests.ts'
import { ScheduleTable } from './schedules.ts'
import type { Statements } from './statements.ts'
import { cancel, writeTimed } from './timed.ts'
import { TimerTable } from './timers.ts'

/** The file of the tables, its disk and its connection. */
export interface TablesOf {
  readonly file: string
  readonly disk: Pick<Disk, 'read'>
  readonly connection: Pick<Connection, 'db' | 'sql'>
}

export class SqliteTables implements OwnTables {
  readonly db: DatabaseSync
  readonly sql: Statements
  readonly log: Log
  readonly desk: DeskTables
  readonly progress: ProgressTable
  readonly requests: RequestTable
  readonly flows: FlowTables
  readonly timers: TimerTable
  readonly slots: ScheduleTable
  readonly alerts: AlertTable
  readonly gathers: SqliteGathers
  readonly facets: Facets
  private readonly mark: StatementSync

  constructor({ file, disk, connection: { db, sql } }: TablesOf, same: SameData, beside: Beside) {
    this.db = db
    this.sql = sql
    this.log = new Log(db, same, beside)
    this.desk = new DeskTables(sql, this.log, beside)
    this.progress = new ProgressTable(file, sql, this.log, beside)
    this.requests = new RequestTable(sql, beside)
    this.flows = new FlowTables(sql, beside)
    this.timers = new TimerTable(db, this.log)
    this.slots = new ScheduleTable(sql, this.log, beside)
    this.alerts = new AlertTable(sql, this.log, beside)
    this.gathers = new SqliteGathers(db, this.timers)
    this.facets = facetsOf(this, beside, disk)
    this.mark = db.prepare('insert or ignore into millrace_marks values (?, ?, ?)')
  }

  /** Takes the store over: renames, makes the streams exist, marks it as in use, and finds the numbers to count on from. */
  takeOver(sources: readonly SourcePlan[], renames: (found: FoundParts) => readonly Rename[]): TakenOver {
    const { db, log, sql } = this
    const renamed = renames(foundParts(sql)).filter((one) => rename(sql, one))
    if (renamed.length > 0) log.renamed()
    const clean = db.prepare("select value from millrace_meta where key = 'clean'").get()
    db.exec("insert or replace into millrace_meta values ('clean', 0)")
    db.exec("insert or ignore into millrace_meta values ('partitions', 1)")
    const add = db.prepare(`insert into millrace_streams (kind, name) values (?, ?)
       on conflict (name) do update set kind = excluded.kind where kind <> excluded.kind`)
    for (const { kind, name } of sources) add.run(kind, name)
    const rows = db.prepare('select id, kind, name from millrace_streams').all() as never as TakenOver['streams']
    log.open(rows.map(({ id }) => id))
    const streams = rows.map((row) => ({ ...row, head: log.newest(row.id) }))
    const numbers = { desk: this.desk.desk.lastNumber() }
    const [nextDue, flows] = [this.timers.nextDue(), this.flows.found()]
    return { clean: clean?.['value'] !== 0, streams, nextDue, numbers, flows, renamed }
  }

  /** Call first in a transaction of `write`. */
  begin(): void {
    this.log.begin()
  }

  /** Writes the changes of a transaction, which is open. */
  write(changes: Changes, now: () => number): Written {
    const { timed: timedChanges = [] } = changes
    const cancelled = cancel(timedChanges, this)
    const appended = changes.append.map((message) => this.append(message))
    const timed = writeTimed(timedChanges, cancelled, this, now)
    checkClaims(changes, appended)
    this.log.flush()
    for (const row of changes.progress) this.progress.write(row)
    const heads = changes.desk.map((change) => this.desk.apply(change))
    for (const change of changes.requests ?? []) this.requests.apply(change)
    const flows = this.flows.write(changes.flows ?? [])
    for (const { processor, stream, position } of changes.marks) this.mark.run(processor, stream, position)
    return { appended, timed, flows, heads }
  }

  committed(): void {
    this.log.committed()
  }

  /** The transaction was rolled back: what is in memory is again as before it. */
  rolledBack(): void {
    this.log.rollback()
    this.flows.rollback()
  }

  async takeBack(type: string, id: string): Promise<'delayed' | 'request' | undefined> {
    if (this.timers.cancel(type, id)) return 'delayed'
    const request = this.requests.get(id)
    if (request?.type !== type || request.endedAt !== null) return undefined
    this.flows.withdrawn.add(id)
    return 'request'
  }

  private append(message: Stored): Appended {
    if (message.asked === 'app') return this.ask(message)
    return message.due === 0 ? this.log.append(message) : this.timers.keep(message)
  }

  /** Appends a request. No other request of any type may have its id. It has a row unless it repeats another. */
  private ask(message: Stored): Appended {
    if (message.ownId && this.requests.conflicts(message)) return 'other'
    const appended = this.log.append(message)
    if (typeof appended === 'number') this.requests.ask(message)
    return appended
  }
}
