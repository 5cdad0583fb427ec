// What becomes of commands that somebody has asked: those of the app end in the table of requests, those of flows in
// their journals. A journal gives its own numbers, so an end gets its number with the transaction that writes it.
import type { Asker } from '../../model/codec.ts'
import { outcomeOf, stepOfCommand } from '../../model/flow.ts'
import type { RequestChange } from '../../seam/requests.ts'

/** What becomes of a command that the app or a flow has asked. */
export type AskedChange = Exclude<RequestChange, RequestEnd> | AskedEnd

export type RequestEnd = Extract<RequestChange, { readonly do: 'end' }>

export type AskedEnd = RequestEnd & {
  readonly asker: Asker
  /** The place in a trace of the attempt that has ended it; null where there is none. */
  readonly trace: string | null
}

/** The end of a step of a flow, in a transaction that is not of this flow: of its command, or of a flow that it started. */
export interface StepEnd {
  readonly flow: number
  /** The entry with which the step began. */
  readonly of: number
  readonly kind: 'call' | 'flow'
  /** The outcome. */
  readonly data: unknown
  readonly at: number
  /** The place in a trace that the flow has from then on; null where it keeps its own. */
  readonly trace: string | null
}

/** The owner of all journals. */
export interface Journals {
  /** The number of the end of a step in the transaction that is being made; called again where that is made again. */
  numberOf(flow: number, of: number): number
}

/** The step of a flow that ends with its command. */
export function stepEndOf({ id, state, outcome, at, trace }: AskedEnd): StepEnd {
  const { flow, n } = stepOfCommand(id)
  return { flow, of: n, kind: 'call', data: outcomeOf(state, outcome), at, trace }
}
