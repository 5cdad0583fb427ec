// Flows and their journals as the engine needs them.
import type { ErrorRecord } from '../model/errors.ts'
import type { FlowState, JournalEntry, ParentFlow } from '../model/flow.ts'
import type { FlowRow, FlowsUnderWay, StateOfFlow } from '../model/flow-views.ts'
import type { ForgottenMails, Mail } from './mail.ts'

/** A flow under way, as a start finds it. */
export interface UnderWay {
  readonly id: number
  readonly context: string | null
  /** Whether it was told something, or has mail that it waits for, and what follows may not have been done. */
  readonly unfinished: boolean
}

/** A time that does not come before it is woken. */
export interface SleepingTime {
  /** Below zero. */
  readonly due: number
  readonly flow: number
  readonly n: number
  readonly mediator: string
  readonly state: FlowState
}

/** The first of the flows of a context that wait for their turn. */
export interface WaitingFlow {
  readonly context: string
  readonly id: number
}

export type FlowChange =
  | { readonly do: 'start'; readonly row: FlowRow; readonly journal?: readonly JournalEntry[] | undefined }
  | { readonly do: 'entry'; readonly flow: number; readonly entry: JournalEntry }
  /** A flow has ended for which another waits: an entry of that one, which gets its number when it is written. */
  | { readonly do: 'ended'; readonly flow: number; readonly entry: { n: number } & Omit<JournalEntry, 'n'> }
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
  /** The command is never to be handled any more; and it was passed over, so that nobody has to know that any more. */
  | { readonly do: 'withdraw'; readonly id: string }
  | { readonly do: 'passed'; readonly id: string }

/** What the engine needs of them; may show what is not durable yet. */
export interface FlowStore {
  row(id: number): FlowRow | undefined
  /** The flow that one has started by an entry and that is under way, or goes on for that one. */
  startedBy(parent: ParentFlow): number | undefined
  /** Its entries after a number, in order. */
  journal(id: number, after?: number): JournalEntry[]
  /** One, without reading what it began with. */
  stateOf(id: number): StateOfFlow | undefined
  newFlowId(): number
  /** Ends of steps that are flows, after an entry, in order, at most so many. */
  endsOfFlows(flow: number, after: number, limit: number): JournalEntry[]
  newEntryId(): number
  newMailId(): number
  /** Every mediator that has flows under way, but for those named: how many. */
  underWayByMediator(but: readonly string[]): Promise<FlowsUnderWay[]>
  /** Flows under way of a mediator after one, by context and id, at most so many; none where there are no more. */
  takeUp(mediator: string, after: UnderWay | undefined, limit: number): Promise<UnderWay[]>
  /** Flows under way of a context, but for those that wait for their turn: after an id, in order, at most so many. */
  underWay(mediator: string, context: string, after: number, limit: number): number[]
  /** The flow of a context whose turn it is: the first that waits for it, where none is under way. */
  next(mediator: string, context: string): number | undefined
  /** Of each context after one the first flow that waits for its turn, in the order of contexts, at most so many. */
  waiting(mediator: string, after: string, limit: number): WaitingFlow[]
  /** Whether a mediator has, or had, a flow of that value. */
  hasOnce(mediator: string, once: string): boolean
  /** The first event of a type for flows of a context after a number. */
  nextMail(mediator: string, context: string, type: string, after: number): Mail | undefined
  /** Timers that are due, the oldest first. */
  due(now: number, limit: number): { readonly flow: number; readonly n: number }[]
  nextDue(): number | undefined
  /** Times that do not come while their flow is paused, or nobody is there for it: after one, at most so many. */
  asleep(after: SleepingTime | undefined, limit: number): Promise<SleepingTime[]>
  /** Commands that are never to be handled, after an id, in order, at most so many. */
  withdrawn(after: string, limit: number): Promise<string[]>
  /** Whether the command of a step has ended by itself, and not only for its flow. */
  hasEnd(flow: number, n: number): boolean
  /** Forgets a slice of the flows that ended before a time. Returns their number. */
  forget(endedBeforeMs: number): Promise<number>
  /** Looks at a slice of the mail after a number, and forgets what came before a time and no flow can wait for. */
  forgetMails(after: number, beforeMs: number): Promise<ForgottenMails>
}
