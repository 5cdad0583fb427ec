// The narrow thing that starts, routes and mail need of the attempt that brings them a message.
import type { Stored } from '../../model/codec.ts'
import type { MessageType, Verb } from '../../model/message.ts'
import type { PublishOptions } from '../../model/publish.ts'
import type { Query } from '../../model/tx.ts'
import type { FlowOutcome } from '../commit/handled.ts'

export interface Attempted {
  readonly message: Stored
  readonly processor: {
    readonly name: string
    readonly read: Query
    /** The flows of the run, as the engine gives them to each processor. */
    readonly flows: object
  }
  /** The attempt as telemetry follows it; undefined where there is none. */
  readonly delivery?: { readonly span: { readonly trace: string | null } | undefined } | undefined
  /** `expired`: nothing of it counts. */
  readonly state: string
  /** Written with the end of the attempt. */
  flowOutcome: FlowOutcome | undefined
  collect(verb: Verb, type: MessageType, data: unknown, options: PublishOptions | undefined): Stored
}
