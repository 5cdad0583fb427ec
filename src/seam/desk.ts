// The desk: messages that failed, wait for their next attempt, or stand in line behind one that does.
import type { Audit, DeskEntry, Resolution } from '../model/desk.ts'
import type { Operation } from '../model/desk-views.ts'
import type { AccessStore } from './access.ts'
import type { Claims } from './claims.ts'

/** The head of a lane at the desk, or a message without a lane. */
export interface DeskHead {
  readonly id: number
  readonly state: 'held' | 'deciding' | 'trying'
  readonly lane: string | null
  readonly context: string | null
  readonly place: number
  readonly dueAt: number
  readonly kills: number
}

/** A lane of a processor on a stream. */
export interface LaneKey {
  readonly processor: string
  readonly stream: number
  readonly lane: string
}

/** The desk as the engine reads it. A read may show changes that are not durable yet. */
export interface DeskStore {
  /** What people tell each other about messages and groups. */
  readonly claims: Claims
  /** Who was refused. */
  readonly access: AccessStore
  /** Passes on each message of a processor that is tried again or that a rule decides, in the order of ids. */
  heads(processor: string, stream: number, take: (head: DeskHead) => void): Promise<void>
  /** Passes on the context of each lane of a processor at the desk once, in no order. */
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
 * Changes of the desk. The store keeps exactly one head in each lane: a message that joins a lane without a head becomes
 * its head, and when the head leaves, the next in line becomes the head. A new head is `trying`.
 */
export type DeskChange =
  | { readonly do: 'put'; readonly entry: DeskEntry }
  /** `leaves` is the lane that the message was in until this change. */
  | { readonly do: 'update'; readonly entry: DeskEntry; readonly leaves?: string | null | undefined }
  /** Removes a message that is done. The group fails when the message is not at the desk. */
  | { readonly do: 'remove'; readonly entry: DeskEntry }
  /** A held message is done: it leaves its lane and is kept for a while. The group fails when it is not at the desk. */
  | {
      readonly do: 'resolve'
      readonly entry: DeskEntry
      readonly state: Resolution
      readonly at: number
    }
  /** Replaces the data of a message; its state, its lane and its place stay as they are in the store. */
  | { readonly do: 'correct'; readonly entry: DeskEntry }
  /** Raises the revision of the message by one where it is an act (`isAct`). */
  | { readonly do: 'record'; readonly audit: Audit }
  /** A message of an operation was acted on; `error` says why that was not possible. */
  | {
      readonly do: 'selected'
      readonly operation: number
      readonly item: number
      readonly error: string | null
      /** Whether its end will be told, by `tried`. */
      readonly follow?: boolean | undefined
      /** The earliest time at which the next lane of the operation begins. */
      readonly nextAt?: number | undefined
    }
  /** A message that an operation has released came to its end, or is held again. */
  | { readonly do: 'tried'; readonly operation: number; readonly item: number; readonly failed: boolean }
  | { readonly do: 'operation'; readonly operation: Operation }
  /** The pending action on a message was carried out, or is impossible. */
  | { readonly do: 'granted'; readonly item: number }
