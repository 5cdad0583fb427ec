// The facets of an open store.
import type { Store } from '../../seam/store.ts'

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
