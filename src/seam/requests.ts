// Requests: commands of the app whose sender waits for the end. Commands of flows end in journals.
import type { RequestRow } from '../model/requests.ts'

/** A change of a request. A request ends once. */
export type RequestChange =
  /** `held`: it is at the desk under that number, where a person decides. `released`: it is tried again. */
  | { readonly do: 'held'; readonly id: string; readonly item: number }
  | { readonly do: 'released'; readonly id: string }
  | {
      readonly do: 'end'
      readonly id: string
      readonly state: 'replied' | 'refused' | 'discarded' | 'withdrawn'
      /** The reply, or the data of the refusal, or the reason of the discard. Plain JSON. */
      readonly outcome: unknown
      readonly at: number
    }

export interface RequestStore {
  /**
   * A request by its id. Shows only what is durable, of one moment. `behind` is the number of the head of its lane at
   * the desk where that is `held` and the request stands in line there; else null.
   */
  row(id: string): Promise<RequestRow | undefined>
  /** Forgets a slice of the requests that ended before a time. Returns their number. */
  forget(endedBeforeMs: number): Promise<number>
}
