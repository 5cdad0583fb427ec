// The desk: messages that failed, wait for their next attempt, or stand in line behind one that does.
import type { Audit, DeskEntry } from '../model/desk.ts'
import type { Operation } from '../model/desk-views.ts'

/** The head of a lane at the desk, or a message that stands alone there. */
export interface DeskHead {
  readonly id: number
  readonly state: 'held' | 'deciding' | 'trying'
  readonly lane: string | null
  readonly context: string | null
  readonly place: number
  readonly dueAt: number
  readonly kills: number
}

/** Which lane: of a processor on a stream. */
export interface LaneKey {
  readonly processor: string
  readonly stream: number
  readonly lane: string
}

/** The desk as the engine reads it; a read may show what is not durable yet. */
export interface DeskStore {
  /** Gives each message of a processor that is being tried or with a rule, but for those in line, in the order of ids. */
  heads(processor: string, stream: number, take: (head: DeskHead) => void): Promise<void>
  /** Gives the context of each lane of a processor at the desk once, in no order. */
  lanes(processor: string, stream: number, take: (context: string) => void): Promise<void>
  /** The head of one lane; undefined when the lane is not at the desk. */
  headOf(lane: LaneKey): Promise<DeskHead | undefined>
  /** The next messages of a lane after a place, in order. */
  line(lane: LaneKey, afterPlace: number, limit: number): Promise<DeskEntry[]>
  entry(id: number): Promise<DeskEntry | undefined>
  /** The message of a command whose sender waits for its end; undefined once it is resolved. */
  askedEntry(id: string): Promise<DeskEntry | undefined>
  /** Forgets a slice of the messages that were resolved before a time. Returns their number. */
  forgetResolved(beforeMs: number): Promise<number>
}

/**
 * Changes of the desk. The store keeps each lane with exactly one head: what joins a lane that has none becomes its
 * head (and its state `trying`), and when the head leaves, the next in line becomes `trying`.
 */
export type DeskChange =
  | { readonly do: 'put'; readonly entry: DeskEntry }
  /** `leaves`: the lane that it was in and is in no more. */
  | { readonly do: 'update'; readonly entry: DeskEntry; readonly leaves?: string | null | undefined }
  /** Removes a message that is done; refused (the group fails) when it is not there. */
  | { readonly do: 'remove'; readonly entry: DeskEntry }
  /** What was held is done: kept for a while, out of its lane. Refused when it is not there. */
  | {
      readonly do: 'resolve'
      readonly entry: DeskEntry
      readonly state: 'handled' | 'discarded'
      readonly at: number
    }
  | { readonly do: 'record'; readonly audit: Audit }
  /** One message of an operation was dealt with. */
  | { readonly do: 'selected'; readonly operation: number; readonly item: number; readonly error: string | null }
  | { readonly do: 'operation'; readonly operation: Operation }
  /** The pending action on a message was carried out, or is impossible. */
  | { readonly do: 'granted'; readonly item: number }
