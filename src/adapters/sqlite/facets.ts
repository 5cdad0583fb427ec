// The facets of an open store.
import type { DeskReads } from '../../seam/desk-reads.ts'
import type { FlowReads } from '../../seam/flow-reads.ts'
import type { Store } from '../../seam/store.ts'
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

export type Facets = Pick<
  Store,
  | 'log'
  | 'desk'
  | 'deskReads'
  | 'operations'
  | 'pendingActions'
  | 'processors'
  | 'progress'
  | 'flows'
  | 'flowReads'
  | 'messageReads'
  | 'finder'
  | 'requests'
  | 'schedules'
  | 'alerts'
>

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

/** A store whose facets are those of what is open now. */
export abstract class WithFacets implements Facets {
  protected abstract readonly facets: Facets

  get log(): Facets['log'] {
    return this.facets.log
  }

  get desk(): Facets['desk'] {
    return this.facets.desk
  }

  get deskReads(): Facets['deskReads'] {
    return this.facets.deskReads
  }

  get operations(): Facets['operations'] {
    return this.facets.operations
  }

  get pendingActions(): Facets['pendingActions'] {
    return this.facets.pendingActions
  }

  get processors(): Facets['processors'] {
    return this.facets.processors
  }

  get progress(): Facets['progress'] {
    return this.facets.progress
  }

  get flows(): Facets['flows'] {
    return this.facets.flows
  }

  get flowReads(): Facets['flowReads'] {
    return this.facets.flowReads
  }

  get messageReads(): Facets['messageReads'] {
    return this.facets.messageReads
  }

  get finder(): Facets['finder'] {
    return this.facets.finder
  }

  get requests(): Facets['requests'] {
    return this.facets.requests
  }

  get schedules(): Facets['schedules'] {
    return this.facets.schedules
  }

  get alerts(): Facets['alerts'] {
    return this.facets.alerts
  }
}
