// What the transactions of a store need of the facets of its state: the desk, requests, time, flows, gathers, names. Each
// is a table, or some, in files of their own.
import type { Stored, StoredData } from '../../model/codec.ts'
import type { OwnTables } from '../../seam/commit.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { FlowsFound } from '../../seam/flow-take-up.ts'
import type { FlowChange, FlowsWritten } from '../../seam/flows.ts'
import type { GatherTables } from '../../seam/gathers.ts'
import type { FoundParts, Rename } from '../../seam/names.ts'
import type { RequestChange } from '../../seam/requests.ts'
import type { Cancel, TimedChange, TimedResult } from '../../seam/timers.ts'
import type { Facets } from '../shared/facets.ts'
import type { Claimed, IdTable, TakenId } from './ids.ts'
import type { Kinds } from './kinds.ts'
import type { Log } from './log.ts'
import type { ProgressTable } from './progress.ts'
import type { Beside, Statements, Transaction } from './statements.ts'

/** The position of a message that the present transaction has appended. It is known when that is committed. */
export type PositionOf = (message: Stored) => number

/** Appends messages in the present transaction. */
export interface Appending {
  /** Gives for each message how its own id compares; undefined where it is appended. */
  append(messages: readonly Stored[]): Promise<Claimed[]>
  /** Appends messages whose ids are taken already: delayed ones that are due. */
  appendClaimed(messages: readonly Stored[]): void
}

export interface TimerWrites {
  /** Whether each was pending. Before `append` of the changes. */
  cancel(db: Transaction, cancels: readonly Cancel[]): Promise<boolean[]>
  /** Keeps delayed messages, whose own ids are taken. */
  keep(db: Transaction, messages: readonly Stored[]): Promise<void>
  /** All but cancels, in their order. After `append` of the changes. */
  write(
    db: Transaction,
    changes: readonly Exclude<TimedChange, Cancel>[],
    appending: Appending,
    now: () => number,
  ): Promise<(positionOf: PositionOf) => Exclude<TimedResult, { readonly do: 'cancel' }>[]>
  /** The data of a delayed message that is pending. */
  pending(db: Statements, taken: TakenId): Promise<StoredData | undefined>
  /** When the first delayed message is due. */
  nextDue(db: Statements): Promise<number | undefined>
}

export interface DeskWrites {
  /** For each change the number of the message that became a head by it; 0 where none did. */
  write(db: Transaction, changes: readonly DeskChange[]): Promise<number[]>
  lastNumber(db: Statements): Promise<number>
}

export interface RequestWrites {
  /** Whether the id of each is that of a request of another type. */
  conflicts(db: Statements, messages: readonly Stored[]): Promise<boolean[]>
  ask(db: Transaction, messages: readonly Stored[]): Promise<void>
  write(db: Transaction, changes: readonly RequestChange[]): Promise<void>
}

export interface FlowWrites {
  write(db: Transaction, changes: readonly FlowChange[]): Promise<FlowsWritten>
  found(db: Statements): Promise<FlowsFound>
}

/** Names, at a take-over. */
export interface NameWrites {
  schedules(db: Statements): Promise<FoundParts['schedules']>
  /** Renames one. Returns whether anything was found under the old name. */
  rename(db: Transaction, rename: Rename): Promise<boolean>
}

/** The facets of the seam that the state has. */
export type StateFacets = Omit<Facets, 'log' | 'progress'>

export interface State {
  readonly facets: StateFacets
  readonly timers: TimerWrites
  readonly desk: DeskWrites
  readonly requests: RequestWrites
  readonly flows: FlowWrites
  readonly names: NameWrites
  /** Open batches, in the transaction of a function. */
  gathers(db: Statements): GatherTables
  /** Takes back a message, in the transaction of a function. */
  takeBack(db: Statements, type: string, id: string): ReturnType<OwnTables['takeBack']>
}

/** What the state is made of. */
export interface StateNeeds {
  readonly where: string
  readonly beside: Beside
  readonly kinds: Kinds
  readonly log: Log
  readonly ids: Pick<IdTable, 'forget'>
  readonly progress: Pick<ProgressTable, 'reset' | 'retire' | 'rows'>
}
