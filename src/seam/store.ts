// The seam between the engine and what keeps its messages and state. One process uses a store at a time; the store
// enforces it. Positions of a stream are strictly increasing and may have gaps.

import type { Stored } from '../model/codec.ts'
import type { Actor, DeskEntry } from '../model/desk.ts'
import type { NewOperation, Operation, PendingAction, Selection } from '../model/desk-views.ts'
import type { MillraceError } from '../model/errors.ts'
import type { RequestRow } from '../model/requests.ts'
import type { SourcePlan, StartAt, StreamInfo } from '../model/streams.ts'
import type { Query } from '../model/tx.ts'
import type { CommitGroup, Committed } from './commit.ts'
import type { DeskHead } from './desk.ts'
import type { DeskReads } from './desk-reads.ts'
import type { FlowReads } from './flow-reads.ts'
import type { FlowStore } from './flows.ts'
import type { SameData } from './ids.ts'
import type { ForgottenMails } from './mail.ts'
import type { Offline } from './offline.ts'
import type { ProgressRow, Subscribed } from './progress.ts'
import type { ScheduleRow } from './slots.ts'
import type { World } from './world.ts'

export interface Opened {
  readonly streams: readonly StreamInfo[]
  /** Whether the last process that used the store said goodbye. */
  readonly clean: boolean
  /** When the first delayed message is due, milliseconds since 1970; undefined when there is none. */
  readonly nextDue: number | undefined
  readonly numbers: LastNumbers
}

/** The highest numbers that may be in use: those that the owner of the store draws next are higher. */
export interface LastNumbers {
  /** Of messages at the desk, and of their places in lanes. */
  readonly desk: number
}

export interface Store {
  /**
   * Takes the store for this process, creates or migrates it, makes the streams exist. Waits up to `waitMs`, default 0,
   * while another process has it, and no longer when `stops` says so.
   *
   * @throws `millrace/in-use`, `millrace/locked`, `millrace/foreign-file`, `millrace/foreign-wal`, `millrace/newer-file`,
   *   `millrace/corrupt-file`, `millrace/network-file-system`, `millrace/cannot-open`, `millrace/read-only`
   * @param same compares the data of messages of a type that have one id; it throws nothing
   */
  open(sources: readonly SourcePlan[], same: SameData, waitMs?: number, stops?: () => boolean): Promise<Opened>
  /** Takes up a processor's stream under a new epoch; its row is made where there is none. */
  subscribe(processor: string, stream: number, startAt: StartAt): Promise<Subscribed>
  /** The next messages of a stream after a position, in order, at most so many; at least one when there is one. */
  read(stream: number, after: number, limit: number, bytesMax: number): Promise<Stored[]>
  /**
   * One transaction: the functions in savepoints, then what follows from them. Resolves when it is durable: nothing
   * of it may leave the process before. Takes as many functions as its bounds allow; the others stay without outcome.
   * Where the group fails as a whole, nothing counts and its members are repeated one by one.
   *
   * @throws `millrace/sync-failed`, `millrace/disk-failed`: what was committed and what not is unknown; close and open.
   *   `millrace/files-replaced`: the same, but do not open; other files are in the place of the store
   */
  commit(group: CommitGroup): Promise<Committed>
  /** Reads outside any transaction; never shows what is not durable yet. */
  readonly query: Query
  /** Gives each message of a processor that is being tried or with a rule, but for those in line, in the order of ids. */
  heads(processor: string, stream: number, take: (head: DeskHead) => void): Promise<void>
  /** Gives the context of each lane of a processor at the desk once, in no order. */
  lanes(processor: string, stream: number, take: (context: string) => void): Promise<void>
  /** The head of one lane; undefined when the lane is not at the desk. */
  headOf(processor: string, stream: number, lane: string): Promise<DeskHead | undefined>
  /** The next messages of a lane after a place, in order. */
  line(processor: string, stream: number, lane: string, afterPlace: number, limit: number): Promise<DeskEntry[]>
  /** A message at the desk as the engine needs it, though it may not be durable yet. */
  deskEntry(id: number): Promise<DeskEntry | undefined>
  /** The same of a command that somebody waits for, by its id, while it is not resolved. */
  askedEntry(id: string): Promise<DeskEntry | undefined>
  readonly flows: FlowStore
  /** Forgets a slice of the flows that ended before a time. Gives how many. */
  forgetFlows(endedBeforeMs: number): Promise<number>
  /** Looks at a slice of the mail after a number, and forgets what came before a time and nobody can wait for. */
  forgetMails(after: number, beforeMs: number): Promise<ForgottenMails>
  /** Flows for people; what it gives is durable. */
  readonly flowReads: FlowReads
  /** A request by its id, as far as it is durable. */
  request(id: string): Promise<RequestRow | undefined>
  /** Forgets a slice of the requests that have ended before a time. Gives how many. */
  forgetRequests(beforeMs: number): Promise<number>
  /** The desk for people; what it gives is durable. */
  readonly deskReads: DeskReads
  /** Ends an operation. Errors: `millrace/unknown-operation`, `millrace/operation-ended`. */
  abort(operation: number, actor: Actor, at: number): Promise<void>
  /** Writes a pending action. Errors: `millrace/not-held` where there is one about that message. */
  addPending(pending: PendingAction): Promise<void>
  /** Reads the pending actions after one, oldest first, at most `limit`. */
  pendingActions(after: Pick<PendingAction, 'at' | 'item'> | undefined, limit: number): Promise<PendingAction[]>
  /** Makes an operation of all held messages that fit. Errors: `millrace/duplicate-name`. */
  select(operation: NewOperation, what: Selection): Promise<Operation>
  /** The next messages of an operation that were not dealt with. */
  selected(operation: number, limit: number): Promise<number[]>
  /** The message of an operation that was, or is, dealt with first. */
  firstSelected(operation: number): Promise<number | undefined>
  /** Stops a processor, or lets it go on, durably, with a line in the audit log. */
  pause(processor: string, paused: boolean, actor: Actor, at: number): Promise<void>
  /** Forgets a slice of what was resolved before a time. Gives how many. */
  forgetResolved(beforeMs: number): Promise<number>
  /** Low-water per processor and stream, those of processors that are gone too. */
  progress(): Promise<ProgressRow[]>
  /** Forgets the start marks of processors. */
  clearMarks(processors: readonly string[]): Promise<void>
  /**
   * Removes one slice of the oldest messages of a stream, up to a position and while `older` says so.
   * Gives how many.
   */
  trim(stream: number, upTo: number, retain: { beforeMs?: number; bytes?: number }): Promise<number>
  /** All schedules that the store knows, those that are gone too. */
  schedules(): Promise<ScheduleRow[]>
  /** The last slot of a schedule that has a row, up to and with a time. */
  lastSlot(schedule: string, upTo: number): Promise<number | undefined>
  /** Forgets a processor on a topic or channel: its progress and what it holds at the desk. */
  retire(processor: string, destination: string): Promise<void>
  /** Why nothing more can be accepted now, where that is so. */
  room(): MillraceError | undefined
  /**
   * Accepts what it has, where it was found without its newest part after an unclean stop: no later start asks again.
   * Gives whether there was something to accept. Durable when it resolves.
   */
  accept(): Promise<boolean>
  /** @throws `millrace/files-replaced` where the next start would not find what is written */
  checkFiles(): void
  /** What an operator has to know: empty when all is well. */
  health(): readonly string[]
  /** Ends; `clean` says that nothing was under way. */
  close(clean: boolean): Promise<void>
}

/** A store that is to be opened: what `sqlite({ file })` gives. */
export interface Broker {
  readonly name: string
  /** For people: the file, the address. */
  readonly where: string
  create(world: World): Store
  /** The store without an app, or beside one that runs. */
  readonly offline?: Offline | undefined
}
