// The seam between the engine and the store of its messages and state. One process owns a store at a time; the store
// enforces it.

import type { MillraceError } from '../model/errors.ts'
import type { Query } from '../model/tx.ts'
import type { AlertStore } from './alerts.ts'
import type { CommitGroup, Committed } from './commit.ts'
import type { DeskStore } from './desk.ts'
import type { DeskReads } from './desk-reads.ts'
import type { FinderStore } from './finder.ts'
import type { FlowReads } from './flow-reads.ts'
import type { FlowStore } from './flows.ts'
import type { SameData } from './ids.ts'
import type { Joins } from './joins.ts'
import type { Leases } from './leases.ts'
import type { LogStore } from './log.ts'
import type { MessageReads } from './message-reads.ts'
import type { Moves } from './moves.ts'
import type { Offline } from './offline.ts'
import type { OperationStore } from './operations.ts'
import type { PendingActions } from './pending-actions.ts'
import type { ProcessorStore } from './processors.ts'
import type { ProgressStore } from './progress.ts'
import type { RequestStore } from './requests.ts'
import type { ScheduleStore } from './schedules.ts'
import type { World } from './world.ts'

/** The options with which a store is opened. */
export interface OpenOptions {
  /** Compares the data of messages of a type that have one id. It throws nothing. */
  readonly same: SameData
  /** The time to wait while another process has the store, milliseconds, default 0. */
  readonly waitMs?: number | undefined
  /** Ends the wait early when it returns true. */
  readonly stops?: (() => boolean) | undefined
  /**
   * Called once where the store is lost while no commit is under way, as when another process has taken it over: what is in
   * memory is to be dropped. A commit that comes later is `lost` too.
   */
  readonly lost?: ((why: MillraceError) => void) | undefined
}

/**
 * Each facet is in a file of its own beside this one. What `timers.ts` and `gathers.ts` describe comes in by `commit`. The
 * cases of `testBroker` in `millrace/testing` check a store facet by facet.
 */
export interface Store {
  readonly leases: Leases
  readonly log: LogStore
  readonly desk: DeskStore
  readonly deskReads: DeskReads
  readonly operations: OperationStore
  readonly pendingActions: PendingActions
  readonly processors: ProcessorStore
  readonly progress: ProgressStore
  readonly flows: FlowStore
  readonly flowReads: FlowReads
  readonly messageReads: MessageReads
  readonly finder: FinderStore
  readonly requests: RequestStore
  readonly schedules: ScheduleStore
  readonly alerts: AlertStore
  /**
   * Opens the store: creates it, or brings it to the format of this version. A failure closes it.
   *
   * @throws `millrace/in-use`, `millrace/locked`, `millrace/foreign-file`, `millrace/foreign-wal`, `millrace/newer-file`,
   *   `millrace/corrupt-file`, `millrace/network-file-system`, `millrace/cannot-open`, `millrace/read-only`
   */
  open(options: OpenOptions): Promise<void>
  /**
   * One transaction: the functions in savepoints, then what follows from them. Resolves when it is durable: nothing
   * of it may leave the process before. Takes as many functions as its bounds allow; the others stay without outcome.
   * Where the group fails as a whole, nothing counts and its members are repeated one by one.
   *
   * It throws only where the store itself has a bug. The codes of `lost`: `millrace/sync-failed`, `millrace/disk-failed`,
   * `millrace/ownership-lost`; and `millrace/files-replaced`: other files are in its place, so that it cannot be opened.
   */
  commit(group: CommitGroup): Promise<Committed>
  /** Reads outside any transaction; never shows what is not durable yet. */
  readonly query: Query
  /** Why nothing more can be accepted now, where that is so. */
  room(): MillraceError | undefined
  /**
   * Accepts a store that may lack its newest messages after an unclean stop: no later start asks again. Durable when it
   * resolves.
   *
   * @returns whether there was something to accept
   */
  accept(): Promise<boolean>
  /** @throws `millrace/files-replaced` where the next start would not find what is written */
  checkFiles(): void
  /** The reasons why the store is not well; empty when it is. */
  health(): readonly string[]
  /** Ends. `left`: something was under way, which the next start has to know. */
  close(end: 'clean' | 'left'): Promise<void>
}

/** A store that is to be opened: what `sqlite({ file })` gives. */
export interface Broker {
  readonly name: string
  /** For people: the file, the address. */
  readonly where: string
  create(world: World): Store
  /** The store without an app, or beside one that runs. */
  readonly offline?: Offline | undefined
  /** How messages come in by transactions of others; undefined for a store in which only its app writes. */
  readonly joins?: Joins | undefined
  /** How data move into another kind of store, and out of one. */
  readonly moves?: Moves | undefined
}
