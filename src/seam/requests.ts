// What becomes of commands that the app has asked. Those of flows end in journals.
import type { RequestRow } from '../model/requests.ts'

/** What becomes of a command that somebody asked; it ends once. */
export type RequestChange =
  /** It has failed for good and is at the desk, under that number; or it is tried again. */
  | { readonly do: 'held'; readonly id: string; readonly item: number }
  | { readonly do: 'released'; readonly id: string }
  | {
      readonly do: 'end'
      readonly id: string
      readonly state: 'replied' | 'refused' | 'discarded' | 'withdrawn'
      /** The reply; or what was said on refusing or discarding it. Plain JSON. */
      readonly outcome: unknown
      readonly at: number
    }

export interface RequestStore {
  /** A request by its id. Never shows what is not durable. */
  row(id: string): Promise<RequestRow | undefined>
  /** Forgets a slice of the requests that ended before a time. Returns their number. */
  forget(endedBeforeMs: number): Promise<number>
}
