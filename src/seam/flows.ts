// Flows and their journals as the engine needs them.
import type { ErrorRecord } from '../model/errors.ts'
import type { FlowState, JournalEntry, ParentFlow } from '../model/flow.ts'
import type { FlowRow, StateOfFlow } from '../model/flow-views.ts'
import type { FlowTakeUp } from './flow-take-up.ts'
import type { FlowTimes } from './flow-times.ts'
import type { Mail, Mailbox } from './mail.ts'

export type FlowChange =
  | { readonly do: 'start'; readonly row: FlowRow; readonly journal?: readonly JournalEntry[] | undefined }
  | { readonly do: 'entry'; readonly flow: number; readonly entry: JournalEntry }
  /**
   * A step of a flow has ended in the transaction of somebody else: its command, or a flow that it had started. It is an
   * entry of its journal, and the step has no time left; nothing is written where that flow does not exist.
   */
  | { readonly do: 'ended'; readonly flow: number; readonly entry: JournalEntry }
  /** An entry gets a higher number: its flow was told something else before it. */
  | { readonly do: 'renumber'; readonly flow: number; readonly from: number; readonly n: number }
  | {
      readonly do: 'state'
      readonly flow: number
      readonly state: FlowState
      readonly error: ErrorRecord | null
      readonly result?: unknown
      readonly endedAt: number | null
    }
  /** Its time does not come while it is paused. */
  | { readonly do: 'timer'; readonly flow: number; readonly n: number; readonly due: number }
  | { readonly do: 'untimer'; readonly flow: number; readonly n: number }
  /** Nobody is there for it: its time does not come till an app starts that has its mediator. */
  | { readonly do: 'asleep'; readonly flow: number; readonly n: number }
  | { readonly do: 'awake'; readonly flow: number; readonly n: number }
  /** A person is asked: its step, its title, and with its data for whom and until when. */
  | { readonly do: 'ask'; readonly flow: number; readonly entry: JournalEntry }
  | { readonly do: 'escalate'; readonly flow: number; readonly n: number; readonly to: string }
  | { readonly do: 'mail'; readonly mail: Mail }
  /** The command is never handled from now on; and it was passed over, so its withdrawal is forgotten. */
  | { readonly do: 'withdraw'; readonly id: string }
  | { readonly do: 'passed'; readonly id: string }

/** A change that ends a step of a flow. */
export type StepEnded = Extract<FlowChange, { readonly do: 'ended' }>

/** What the store has decided about the flows of one transaction. */
export interface FlowsWritten {
  /** For each change `ended`, in their order: whether its flow exists, so that it is written. */
  readonly ended: readonly boolean[]
  /** When the next time of a flow comes; null where there is none. Undefined: no time has changed. */
  readonly nextDue: number | null | undefined
}

/** Rows and journals of flows, as the engine needs them. A read may show what is not durable yet. */
export interface FlowRows {
  row(id: number): Promise<FlowRow | undefined>
  /** One flow, without the message with which it began. */
  stateOf(id: number): Promise<StateOfFlow | undefined>
  /** All entries of a flow, in order. */
  journal(id: number): Promise<JournalEntry[]>
  /** The flow that a step of another has started and that is under way, or continues in the place of that one. */
  startedBy(parent: ParentFlow): Promise<number | undefined>
  /** Whether a mediator has, or had, a flow with this value of `oncePer`. */
  hasOnce(mediator: string, once: string): Promise<boolean>
  /** The first queued flow of a context, where no other is under way. */
  next(mediator: string, context: string): Promise<number | undefined>
  /** Whether the command of a step has ended by itself, and not only for its flow. */
  hasEnd(flow: number, n: number): Promise<boolean>
  /** Forgets a slice of the flows that ended before a time. Returns their number. */
  forget(endedBeforeMs: number): Promise<number>
}

/** What the engine reads of flows, by facets. */
export interface FlowStore {
  readonly rows: FlowRows
  readonly times: FlowTimes
  readonly mail: Mailbox
  readonly takeUp: FlowTakeUp
}
