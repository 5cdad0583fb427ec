// The store without its app, or beside an app that runs: commands read it, examine it, copy it, and write down actions that
// the app carries out at its next start.
import type { Actor } from '../model/desk.ts'
import type { DecisionOrTakeBack, NewOperation, Operation, OperationRun, Selection } from '../model/desk-views.ts'
import type { FlowCount } from '../model/flow-views.ts'
import type { Repair } from '../model/repairs.ts'
import type { StreamInfo } from '../model/streams.ts'
import type { AccessStore } from './access.ts'
import type { AlertStore } from './alerts.ts'
import type { Claims } from './claims.ts'
import type { DeskReads } from './desk-reads.ts'
import type { FinderStore } from './finder.ts'
import type { FlowReads } from './flow-reads.ts'
import type { LogReads } from './log.ts'
import type { MessageReads } from './message-reads.ts'
import type { OperationReads } from './operations.ts'
import type { ConcurrencyChange, Reset } from './processors.ts'
import type { ProgressRow } from './progress.ts'
import type { RequestStore } from './requests.ts'
import type { TimeReads } from './time-reads.ts'

/** Whether an app, of this or another process, has the store. */
export type AppState = 'running' | 'stopped'

/** The process that has a store. */
export interface StoreOwner {
  readonly pid: number
  readonly host: string
  /** ISO 8601. */
  readonly since: string
}

/** A fact that only this kind of store has, such as the free space of its disk. */
export interface Measure {
  /** Its name in a list, such as `disk`. */
  readonly name: string
  readonly value: number
  readonly unit: 'bytes' | 'count'
  /** What there are so many of, for people: `free`, `not in the database yet`. */
  readonly noun: string
  /** Below it something is wrong. */
  readonly min?: number | undefined
  /** Above it something is wrong. */
  readonly max?: number | undefined
}

/** The facts of a store that `millrace doctor` reports. */
export interface StoreFacts {
  readonly format: number
  /** The newest format that this version knows. */
  readonly formatKnown: number
  /** Whether the last process that used it stopped cleanly. */
  readonly clean: boolean
  /**
   * Set when the store may lack its newest messages after an unclean stop, and no person has accepted that: the time of
   * its newest message, milliseconds since 1970, 0 where it has none.
   */
  readonly incomplete: number | undefined
  /** The findings of the integrity check; empty for a sound store. */
  readonly damage: readonly string[]
  readonly measures: readonly Measure[]
  readonly streams: readonly (StreamInfo & { /** The oldest position that is kept. */ readonly first: number })[]
  readonly progress: readonly ProgressRow[]
  readonly held: number
  readonly waiting: number
  readonly flows: readonly FlowCount[]
  /** The number of open questions of flows. */
  readonly questions: number
  /** Messages that are not in their logs yet. */
  readonly delayed: number
  /** Times that flows wait for. */
  readonly flowTimes: number
}

/** A type with one of the sources that have published it; the source is empty for all other systems. */
export interface PublishedBy {
  readonly type: string
  readonly source: string
}

/** Reads a store and changes nothing. It shows the store as of its opening, or later. */
export interface OfflineReader {
  readonly desk: DeskReads
  readonly operations: OperationReads
  readonly flows: FlowReads
  readonly log: LogReads
  readonly messages: MessageReads
  readonly time: TimeReads
  readonly access: Pick<AccessStore, 'tokens'>
  readonly alerts: Pick<AlertStore, 'rows'>
  /** The requests and their ends. */
  readonly requests: Pick<RequestStore, 'row'>
  /** The index of the finder, where the last runs have made one. */
  readonly finder: Pick<FinderStore, 'search' | 'related'>
  streams(): Promise<StreamInfo[]>
  progress(): Promise<ProgressRow[]>
  /** The types that the store has messages of, or had, each with each of its sources, in order. */
  published(): Promise<PublishedBy[]>
  close(): Promise<void>
}

/** Changes a store that no app has. It owns the store until it is closed, and everything is durable when it resolves. */
export interface OfflineWriter {
  readonly claims: Claims
  readonly access: Pick<AccessStore, 'tokens' | 'addToken' | 'revokeToken'>
  /**
   * Writes down an action on a message at the desk, which the app carries out when it starts.
   *
   * @throws `millrace/unknown-item`, `millrace/not-held`, `millrace/not-discarded`, `millrace/stale-revision`
   */
  addPending(item: number, action: DecisionOrTakeBack, actor: Repair): Promise<void>
  /** Makes an operation of all held messages that fit; the app carries it out when it starts. */
  select(operation: NewOperation, what: Selection): Promise<Operation>
  /** Lets an operation run at the next start. Errors: as of `OperationStore.run`. */
  run(operation: number, how: OperationRun): Promise<Operation>
  /** Ends an operation. Errors: `millrace/unknown-operation`, `millrace/operation-ended`. */
  abort(operation: number, actor: Actor): Promise<void>
  /**
   * Pauses a processor from the next start on, or resumes it.
   *
   * @throws `millrace/unknown-processor`
   */
  pause(processor: string, state: 'paused' | 'resumed', actor: Actor): Promise<void>
  /** Keeps a number for the next start. Errors: `millrace/unknown-processor`. */
  setConcurrency(change: ConcurrencyChange): Promise<void>
  /** Forgets a processor on a topic or channel, as of `ProcessorStore.retire`. */
  retire(processor: string, destination: string, actor: Actor): Promise<void>
  /** Lets a processor begin anew, as of `ProcessorStore.reset`. */
  reset(reset: Omit<Reset, 'at'>): Promise<void>
  close(): Promise<void>
}

/** The result of a restore. */
export interface Restored {
  /** Size of the store that is in place now. */
  readonly bytes: number
  /** The paths to which the earlier file, and the files beside it, were moved. */
  readonly aside: readonly string[]
  /** When the newest message of the copy came, milliseconds since 1970; 0 where it has none. */
  readonly newest: number
  /** Whether the copy says that it is whole. Where not, newer messages may be missing. */
  readonly whole: boolean
}

/** Copies of a store that is kept in files. */
export interface StoreCopies {
  /**
   * Copies the store as it is at one moment, beside the work under way, to a file that must not exist. An app starts on the
   * copy as after a clean stop. `app` says whether an app of this process has the store; a stopped store is owned until the
   * copy is made. When `signal` aborts, the copy is given up.
   *
   * @returns the size of the copy, bytes
   * @throws `millrace/backup-exists`, `millrace/backup-failed`, `millrace/disk-low`, `millrace/stopping` when aborted;
   *   the errors of `Offline.write`
   */
  copyTo(path: string, options: { readonly app: AppState; readonly signal?: AbortSignal | undefined }): Promise<number>
  /**
   * Puts a copy in place of the store. The files of the store are moved aside under a dated name. A crash
   * leaves either the old store or the copy; the next start, or a second run, finishes what was cut off.
   *
   * @throws `millrace/no-app` when there is no such copy; `millrace/corrupt-file` when it is damaged;
   *   `millrace/foreign-file`, `millrace/newer-file`, `millrace/foreign-wal`; `millrace/in-use` while an app has the
   *   store; `millrace/disk-low`, `millrace/restore-failed`
   */
  restore(copy: string): Promise<Restored>
}

/** The actions on a store without, or beside, an app that runs. */
export interface Offline {
  /** For people: the path of the file, the address of the server. */
  readonly where: string
  /** The path beside which a running app has its control socket; undefined for a store that has no place on this machine. */
  readonly controlPath: string | undefined
  readonly copies?: StoreCopies | undefined
  exists(): Promise<boolean>
  /** The process that has the store now; undefined when none has. */
  owner(): Promise<StoreOwner | undefined>
  /**
   * Opens the store for reading. `app` says whether an app has it.
   *
   * @throws `millrace/no-app` when there is no such store, `millrace/foreign-file`, `millrace/foreign-wal`,
   *   `millrace/newer-file`, `millrace/corrupt-file`, `millrace/cannot-open`
   */
  read(app: AppState): Promise<OfflineReader>
  /**
   * Takes the store; waits up to `waitMs`, default 3,000, while another process has it for a moment.
   *
   * @throws the errors of `read`; `millrace/in-use`, `millrace/locked`
   */
  write(options?: { readonly waitMs?: number | undefined }): Promise<OfflineWriter>
  /** Gathers the facts of the store; `full` reads every index too. Errors: those of `read`. */
  examine(options: { readonly app: AppState; readonly full: boolean }): Promise<StoreFacts>
  /**
   * Accepts a store that may lack its newest messages (`millrace/copy-without-wal`) as it is: from then on it is like
   * one that was stopped cleanly. Errors: those of `write`.
   *
   * @returns whether there was something to accept
   */
  accept(): Promise<boolean>
}
