// The facets of an open store.
import type { DeskReads } from '../../seam/desk-reads.ts'
import type { FlowReads } from '../../seam/flow-reads.ts'
import type { Facets } from '../shared/facets.ts'
import type { AlertTable } from './alerts.ts'
import type { Beside } from './beside-commits.ts'
import { DeskViews } from './desk-reads.ts'
import type { DeskTables } from './desk-tables.ts'
import type { Disk } from './disk.ts'
import { durableReads } from './durable-reads.ts'
import { FlowViews } from './flow-reads.ts'
import type { FlowTables } from './flows.ts'
import type { Log } from './log.ts'
import { finderOf, messageReadsOf } from './message-reads.ts'
import type { ProgressTable } from './progress.ts'
import type { RequestTable } from './requests.ts'
import type { ScheduleTable } from './schedules.ts'
import type { Statements } from './statements.ts'

/** The tables of an open store. */
export interface Tables {
  readonly sql: Statements
  readonly log: Log
  readonly desk: DeskTables
  readonly progress: ProgressTable
  readonly flows: FlowTables
  readonly requests: RequestTable
  readonly slots: ScheduleTable
  readonly alerts: AlertTable
}

export function facetsOf(
  { sql, log, desk, progress, flows, requests, slots, alerts }: Tables,
  beside: Beside,
  disk: Pick<Disk, 'read'>,
): Facets {
  return {
    log,
    desk: desk.desk,
    deskReads: durableReads<DeskReads>(new DeskViews(sql, log), beside),
    operations: desk.operations,
    pendingActions: desk.pendingActions,
    processors: desk.processors,
    progress,
    flows,
    flowReads: durableReads<FlowReads>(new FlowViews(sql), beside),
    messageReads: messageReadsOf(disk, beside),
    finder: finderOf(disk),
    requests,
    schedules: slots,
    alerts,
  }
}
