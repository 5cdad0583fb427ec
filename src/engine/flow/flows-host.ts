import type { OpenCall } from '../../model/flow.ts'
import type { MessageType } from '../../model/message.ts'
import type { FlowsFound } from '../../seam/flow-take-up.ts'
import type { Store } from '../../seam/store.ts'
import type { World } from '../../seam/world.ts'
import type { Job } from '../commit/writes.ts'
import type { FlowEnvelopes, MediatorSpec } from './host.ts'

/** What the flows of an app need of the engine. */
export interface FlowsHost {
  readonly world: World
  readonly store: Pick<Store, 'flows' | 'flowReads'>
  readonly committer: { write(job: Job): void; written(job: Job): Promise<void> }
  readonly withdrawals: { ofFlow(command: OpenCall): Promise<'never' | 'unknown'> }
  readonly mediators: readonly MediatorSpec[]
  /** How many flows in memory may wait for something. */
  readonly hotFlowsMax: number
  /** What the take-over has found. */
  readonly found: FlowsFound
  readonly envelopes: FlowEnvelopes
  typeOf(name: string): MessageType | undefined
  /** Nothing may be left to do: looks whether the run is idle. */
  maybeIdle(): void
}
