// The seam between the engine and what keeps its messages and state. One process uses a store at a time; the store
// enforces it. Positions of a stream are strictly increasing and may have gaps.

import type { Asker, Stored, StoredData } from '../model/codec.ts'
import type { Actor, Audit, AuditRow, Decision, DeskEntry, DeskState } from '../model/desk.ts'
import type { ErrorRecord, MillraceError } from '../model/errors.ts'
import type { FlowState, JournalEntry, Outcome, ParentFlow } from '../model/flow.ts'
import type { Query, Tx } from '../model/tx.ts'
import type { StoreFile } from './file.ts'
import type { World } from './world.ts'

/** A topic or channel as it has to exist in the store. */
/** Whether what was stored under an id, and what comes again with it, say the same. */
export type SameData = (type: string, first: StoredData, again: StoredData) => boolean

export interface SourcePlan {
  readonly kind: 'topic' | 'channel'
  readonly name: string
}

export interface StreamInfo {
  readonly id: number
  readonly kind: 'topic' | 'channel'
  readonly name: string
  /** The newest position; 0 when the stream is empty. */
  readonly head: number
}

export interface Opened {
  readonly streams: readonly StreamInfo[]
  /** Whether the last process that used the store said goodbye. */
  readonly clean: boolean
  /** When the first delayed message is due, milliseconds since 1970; undefined when there is none. */
  readonly nextDue: number | undefined
}

/** Where a processor that the store does not know yet begins. */
export type StartAt = 'beginning' | 'now' | Date

/** How far a processor is in a stream: everything up to `low` is done, and above it what `done` says. */
export interface ProgressRow {
  readonly processor: string
  readonly stream: number
  readonly epoch: number
  readonly low: number
  /** One bit for each position above `low`, lowest first; null when none is done. */
  readonly done: Uint8Array | null
}

/** What the store knows of one processor when it takes up its stream. */
export interface Subscribed extends ProgressRow {
  /**
   * What had been started when the process died; some of it may be done. Positions of the stream, and as negative
   * numbers the ids of messages at the desk.
   */
  readonly marks: readonly number[]
}

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
  /** The wish about a message was dealt with. */
  | { readonly do: 'granted'; readonly item: number }

/** A delayed message is not to come any more. */
export interface Cancel {
  readonly do: 'cancel'
  readonly type: string
  readonly id: string
  /** Set by the store: whether it was pending, and now is not. */
  found: boolean
}

/**
 * The delayed messages that are due go to their logs, at most so many, in order of due time, then of the order in which
 * they were accepted. Their time becomes that of now.
 */
export interface Firing {
  readonly do: 'fire'
  readonly limit: number
  readonly bytesMax: number
  /** Set by the store: what went to the logs, in order. */
  appended: readonly Stored[]
  /** Set by the store: when the next one is due. */
  nextDue: number | undefined
}

/** A slot of a schedule is done: its event is appended, unless the slot has a row already. */
export interface SlotChange {
  readonly do: 'slot'
  readonly schedule: string
  /** When it was due, milliseconds since 1970. */
  readonly due: number
  readonly message: Stored
  /** Set by the store: the message, where it was appended. */
  appended: readonly Stored[]
}

/** How far a schedule is, with the calendar that this belongs to. */
export interface ScheduleRow {
  readonly schedule: string
  /** Null where it was written before calendars were kept. */
  readonly cron: string | null
  readonly timeZone: string | null
  /** Every slot up to here is dealt with; slots after it are when they have a row. Milliseconds since 1970. */
  readonly seenMs: number
  /** Whether a start was without it, and has said so. */
  readonly gone: boolean
}

/** The row of a schedule replaces the one before. */
export interface ScheduleChange {
  readonly do: 'schedule'
  readonly row: ScheduleRow
}

/** What is written because of time. */
export type TimedChange = Cancel | Firing | SlotChange | ScheduleChange

/** Where items are gathered: the items of one context of one gather; an empty context for those without. */
export interface GatherPlace {
  readonly gather: string
  readonly context: string
}

/** What is known of a batch that is not full yet. */
export interface GatherGroup {
  readonly count: number
  readonly bytes: number
  /** Whether its condition may fire. */
  readonly armed: boolean
  /** The condition that this was said of; null where there is none, or where it was written before that was kept. */
  readonly condition: string | null
  /** The id of the command that ends its time; null where none is sent. */
  readonly timer: string | null
}

export interface GatheredItem {
  readonly type: string
  readonly version: number
  readonly json: string
}

/** What gathers have not made an event of yet; part of the transaction in which it is used. */
export interface GatherTables {
  group(place: GatherPlace): Promise<GatherGroup | undefined>
  /** Undefined removes its row. */
  save(place: GatherPlace, group: GatherGroup | undefined): Promise<void>
  add(place: GatherPlace, item: GatheredItem): Promise<void>
  /** All items of a place, in the order in which they were added. */
  items(place: GatherPlace): Promise<GatheredItem[]>
  keepNewest(place: GatherPlace, keep: number): Promise<void>
  clear(place: GatherPlace): Promise<void>
  /** Takes back a delayed message where it is still pending. */
  cancel(type: string, id: string): Promise<void>
}

/** What functions of the engine's own may write in their transaction, and those of users may not. */
export interface OwnTables {
  readonly gathers: GatherTables
  /**
   * Takes back what has an id: a delayed message that is pending, at once; a request that has not ended is marked, so
   * that no run handles its command any more, and the engine ends it. Undefined: there is neither.
   */
  takeBack(type: string, id: string): 'delayed' | 'request' | undefined
}

/** The `tx` of a commit function, as the store gives it. Its rule is that of `TxScope`. */
export interface CommitTx extends Tx {
  /**
   * Called when the user's function has returned, before anything else is done in its transaction. Gives a promise where
   * answers to its statements are still to come.
   *
   * @throws `millrace/statement-failed`, `millrace/attempt-open`: then the function has failed
   */
  returned(): Promise<void> | undefined
}

/** One commit function and what became of it; `undefined` means that it did not come to its turn. */
export interface CommitFunction {
  /** What it is, in messages: `the commit function`, `setup`. */
  readonly label: string
  readonly run: (tx: CommitTx, own: OwnTables) => unknown
  /** Called as an attempt of it begins; gives what drops all that it has collected since, for an attempt that fails. */
  readonly savepoint?: () => () => void
  outcome: { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown } | undefined
}

/** How far a command that was asked is. */
export type RequestState = 'waiting' | 'held' | 'replied' | 'refused' | 'discarded' | 'withdrawn'

/** What becomes of a command that somebody asked; it ends once. */
export type RequestChange =
  /** It has failed for good and is at the desk, under that number; or it is tried again. */
  | { readonly do: 'held'; readonly id: string; readonly item: number }
  | { readonly do: 'released'; readonly id: string }
  | {
      readonly do: 'end'
      readonly asker: Asker
      readonly id: string
      readonly state: 'replied' | 'refused' | 'discarded' | 'withdrawn'
      /** The reply; or what was said on refusing or discarding it. Plain JSON. */
      readonly outcome: unknown
      readonly at: number
      /** Of a flow: the number of the entry in its journal, set by the store. */
      n: number
    }

export interface RequestRow {
  readonly id: string
  /** The type of the command. */
  readonly type: string
  readonly state: RequestState
  /** Its number at the desk, while it is held. */
  readonly item: number | null
  readonly outcome: unknown
  readonly askedAt: number
  readonly endedAt: number | null
}

export type { FlowState, JournalEntry, Outcome }

/** A flow, without its journal. */
export interface FlowRow {
  readonly id: number
  readonly mediator: string
  /** The version of the mediator's code that it began with, and keeps. */
  readonly version: number
  readonly context: string | null
  readonly state: FlowState
  /** What started it. */
  readonly message: Stored
  /** The value of `oncePer`, where its mediator has that. */
  readonly once: string | null
  readonly parent: ParentFlow | null
  /** Of which flow it is a run anew, where it is. */
  readonly rerunOf: number | null
  /** Which flow it goes on for, where that has continued as this one: with its value of `oncePer`, its turn, its parent. */
  readonly continues: number | null
  /** Of the mail of its context, what flows before it have had: up to this number, by type. */
  readonly mailAfter: Readonly<Record<string, number>> | null
  /** The message at the desk by which a command of it is held, where one is: it waits for a person or a rule. */
  readonly held?: number | null | undefined
  readonly error: ErrorRecord | null
  /** What its function has returned. */
  readonly result: unknown
  readonly startedAt: number
  readonly endedAt: number | null
}

/** A question that a flow has for a person. */
export interface Question {
  /** Its number: later questions have higher ones. */
  readonly id: number
  readonly flow: number
  readonly mediator: string
  readonly context: string | null
  /** Its name in the flow: the answer is given under it. */
  readonly step: string
  readonly title: string
  /** Whom it is for, where that was said. */
  readonly to: string | null
  readonly escalated: boolean
  readonly askedAt: number
  /** When it is given up, milliseconds since 1970. */
  readonly dueAt: number | null
}

/** An event that flows of a context may wait for. */
export interface Mail {
  readonly n: number
  readonly mediator: string
  readonly context: string
  readonly message: Stored
  readonly at: number
}

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

/** What became of a slice of mail. */
export interface ForgottenMails {
  readonly gone: number
  /** Up to which number it was looked at; undefined where there is nothing more to forget behind it. */
  readonly last: number | undefined
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

export interface FlowFilter {
  readonly mediator?: string | undefined
  readonly states?: readonly FlowState[] | undefined
  readonly context?: string | undefined
  /** The name of a step that is under way. */
  readonly step?: string | undefined
  /** Only flows that began before, milliseconds since 1970. */
  readonly startedBefore?: number | undefined
  /** Only flows with a higher id. */
  readonly after?: number | undefined
  /** At most so many, default 100. */
  readonly limit?: number | undefined
}

export interface QuestionFilter {
  readonly mediator?: string | undefined
  /** Only what this person or team is asked. */
  readonly to?: string | undefined
  /** Only questions with a higher id. */
  readonly after?: number | undefined
  /** At most so many, default 100. */
  readonly limit?: number | undefined
}

/** How many flows of a mediator are in a state. */
export interface FlowCount {
  readonly mediator: string
  readonly state: FlowState
  readonly flows: number
}

/** How many flows of a mediator are under way. */
export interface FlowsUnderWay {
  readonly mediator: string
  readonly flows: number
}

/** A page of flows that fit, of a slice of all. */
export interface FlowSlice {
  readonly rows: readonly FlowRow[]
  /** Up to which id it was looked; undefined where there are none behind. */
  readonly last: number | undefined
  /** Whether it has all the rows, or all the bytes, that it may have. */
  readonly isFull: boolean
  /** What its rows take together. */
  readonly bytes: number
}

export interface StateOfFlow {
  readonly id: number
  readonly mediator: string
  readonly state: FlowState
}

/** The flows of a store. Each reads a bounded part of them: who needs all asks again, and lets others have their turn. */
export interface FlowReads {
  list(filter: FlowFilter, bytesMax?: number): FlowSlice
  row(id: number): FlowRow | undefined
  /** The flow that one has started by an entry and that is under way, or goes on for that one. */
  startedBy(parent: ParentFlow): number | undefined
  /** Its entries after a number, in order. */
  journal(id: number, after?: number): JournalEntry[]
  /** Open questions, the oldest first, at most so many. */
  questions(filter: QuestionFilter): Question[]
  /** Flows after an id, in order, at most so many. */
  states(after: number, limit: number): StateOfFlow[]
  /** One, without reading what it began with. */
  stateOf(id: number): StateOfFlow | undefined
  /** When steps of a flow end by themselves or are given up, by the entries with which they began. */
  times(id: number): { readonly n: number; readonly due: number }[]
}

/** What the engine needs of them; may show what is not durable yet. */
export interface FlowStore extends FlowReads {
  newFlowId(): number
  /** Ends of steps that are flows, after an entry, in order, at most so many. */
  endsOfFlows(flow: number, after: number, limit: number): JournalEntry[]
  newEntryId(): number
  newMailId(): number
  /** Every mediator that has flows under way, but for those named: how many. */
  underWayByMediator(but: readonly string[]): FlowsUnderWay[]
  /** Flows under way of a mediator after one, by context and id, at most so many; none where there are no more. */
  takeUp(mediator: string, after: UnderWay | undefined, limit: number): UnderWay[]
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
  asleep(after: SleepingTime | undefined, limit: number): SleepingTime[]
  /** Commands that are never to be handled, after an id, in order, at most so many. */
  withdrawn(after: string, limit: number): string[]
  /** Whether the command of a step has ended by itself, and not only for its flow. */
  hasEnd(flow: number, n: number): boolean
}

/** What is written in one transaction besides the rows of commit functions. */
export interface Changes {
  /**
   * Appended in order; the store sets `position` or `repeat`. One with a `due` is kept until then instead, and has no
   * position; after it no message of its type with its id is appended until it is gone from the log again. With one that
   * the app asks goes the row of its request, unless it repeats another; it is an `other` where a request of another type
   * has its id.
   */
  readonly append: readonly Stored[]
  /**
   * Those of `append` that functions have given an id. Where one is an `other`, the function must not be kept: the group
   * fails as a whole with `millrace/id-conflict`, and its functions run again one by one.
   */
  readonly claims?: readonly Stored[] | undefined
  readonly progress: readonly ProgressRow[]
  readonly desk: readonly DeskChange[]
  readonly requests?: readonly RequestChange[] | undefined
  readonly flows?: readonly FlowChange[] | undefined
  /** Messages about to start, remembered so that the one that kills the process can be found. */
  readonly marks: readonly { readonly processor: string; readonly stream: number; readonly position: number }[]
  /** Cancels come before `append`, the others after it. */
  readonly timed?: readonly TimedChange[] | undefined
}

export interface Batch {
  readonly functions: readonly CommitFunction[]
  /**
   * What follows from these functions, now that each has its outcome, and (`rest`) from what needs no function.
   * Called in the transaction, and again when the group has to be repeated.
   */
  changes(functions: readonly CommitFunction[], rest: boolean): Changes
  /** The transaction of the latest `changes` was rolled back; nothing of it counts. */
  rolledBack(): void
  /**
   * Asked for when all of it is committed and not durable yet: what follows without leaving the process, to be written
   * in a transaction of its own before the same sync. It has no functions.
   */
  ahead?(): Promise<Batch | undefined>
  /** Whether each batch follows from the one before, at once and alone, so that all wait for its sync. */
  readonly inChain?: boolean | undefined
}

export interface Committed {
  /** Whether what needs no function is in. */
  readonly rest: boolean
  /** What was written ahead of the sync. */
  readonly ahead?: Batch | undefined
  /** Why something could not be written, where that was nobody's fault but the disk's. */
  readonly trouble: MillraceError | undefined
}

export type { DeskEntry, DeskState }

export interface DeskFilter {
  readonly processor?: string | undefined
  /** Default: all but those resolved. */
  readonly states?: readonly DeskState[] | undefined
  /** Name of the type of the message. */
  readonly type?: string | undefined
  readonly context?: string | undefined
  /** A group of {@link DeskGroup}, by id. */
  readonly group?: number | undefined
  /** Only entries with a higher id. */
  readonly after?: number | undefined
  /** At most so many, default 100. */
  readonly limit?: number | undefined
}

/** A message at the desk as it is shown. */
export interface DeskRow extends DeskEntry {
  /** How many wait in line behind it, counted up to 1,000. */
  readonly waiting: number
  /** What was asked for while the app did not run, and is done when it starts. */
  readonly wish: Wish | null
  /** The data of the message as it is stored now; where that is no JSON, its text. */
  readonly data: unknown
}

/** The message that caused another. */
export interface Cause {
  /** The topic or channel it is in. */
  readonly source: string
  readonly type: string
}

/** Held messages that belong together. */
export interface DeskGroup {
  /** For {@link DeskFilter}; only where it is one of processor, type and error. */
  readonly id: number | null
  readonly processor: string | null
  readonly type: string | null
  /** The error without what differs between messages. */
  readonly error: string | null
  readonly held: number
  /** When the first and the last of them came to be held, milliseconds since 1970. */
  readonly firstAt: number
  readonly lastAt: number
}

export interface GroupFilter {
  readonly processor?: string | undefined
  /** At most so many, default 10,000: the largest. */
  readonly limit?: number | undefined
}

/** What groups are made of. */
export type GroupBy = 'processor' | 'error' | 'type' | 'all'

/** What is done to many held messages: a frozen selection, with a name, progress and an end. */
export interface Operation {
  readonly id: number
  readonly name: string
  readonly action: 'release' | 'discard'
  readonly by: string
  readonly reason: string | null
  /** One message first, and the others only when that one was handled. */
  readonly oneFirst: boolean
  /**
   * `trying`: waits for the first to end; `failed`: the first was held again, the others were left as they are;
   * `aborted` by a person.
   */
  readonly state: 'running' | 'trying' | 'done' | 'failed' | 'aborted'
  /** Messages selected, dealt with, and of these not possible (released by someone else meanwhile). */
  readonly total: number
  readonly done: number
  readonly refused: number
  readonly startedAt: number
  readonly endedAt: number | null
}

export interface OperationFilter {
  readonly name?: string | undefined
  /** Only operations with a higher id. */
  readonly after?: number | undefined
  /** At most so many, default 100. */
  readonly limit?: number | undefined
}

/** What has become of the messages of an operation, by now. */
export interface OperationOutcome {
  /** Released and handled, or resolved since then. */
  readonly handled: number
  /** Released, and being tried or in line. */
  readonly trying: number
  /** Released, and held again, or with a rule. */
  readonly held: number
  readonly discarded: number
}

export type NewOperation = Pick<Operation, 'name' | 'action' | 'by' | 'reason' | 'oneFirst' | 'startedAt'>

/** A message of an operation that it could do nothing about. */
export interface RefusedItem {
  readonly item: number
  readonly why: string
}

export type WishAction = Decision | { readonly do: 'take back' }

/** An action on a message at the desk by someone who does not own its lane; the owner carries it out. */
export interface Wish extends Actor {
  readonly item: number
  readonly wish: WishAction
  readonly at: number
}

export interface AuditFilter {
  readonly item?: number | undefined
  /** Only older lines: the newest come first. */
  readonly before?: number | undefined
  /** At most so many, default 100. */
  readonly limit?: number | undefined
}

export interface HeldCount {
  readonly processor: string
  /** The topic or channel. */
  readonly source: string
  readonly held: number
}

/** Which held messages are meant: those that fit, or those named. */
export type Selection = Omit<DeskFilter, 'states' | 'after' | 'limit'> & {
  readonly items?: readonly number[] | undefined
}

export interface DeskCounts {
  readonly held: number
  readonly waiting: number
  /** Those given up that can still be looked at. */
  readonly discarded: number
}

/** A processor that a person has stopped. */
export interface Paused {
  readonly processor: string
  readonly at: number
  readonly by: string
  readonly reason: string | null
}

/**
 * Reads of the desk, by a running store and by a file reader alike. Lists of rows of any size give a page: it ends at its
 * limit of rows or at `pageBytes`, whichever comes first, and is empty only at the end of the list.
 */
export interface DeskReads {
  list(filter: DeskFilter): DeskRow[]
  entry(id: number): DeskEntry | undefined
  row(id: number): DeskRow | undefined
  /** The first that wait in line behind a message, in order. */
  behind(entry: DeskEntry, limit: number): DeskRow[]
  /** What caused a message, where it is found by reading little. */
  cause(entry: DeskEntry): Cause | undefined
  counts(): DeskCounts
  heldCounts(): HeldCount[]
  groups(by: GroupBy, filter: GroupFilter): DeskGroup[]
  /** Newest first. */
  audit(filter: AuditFilter): AuditRow[]
  /** Operations that fit, in order. */
  operations(filter: OperationFilter): Operation[]
  /** Those that have not ended, after an id, in order, at most so many. */
  openOperations(after: number, limit: number): Operation[]
  outcome(operation: number): OperationOutcome
  /** The first of an operation that were not possible. */
  refused(operation: number, limit: number): RefusedItem[]
  paused(): Paused[]
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
  commit(batch: Batch): Promise<Committed>
  /** Reads outside any transaction; never shows what is not durable yet. */
  readonly query: Query
  /** A new number for a message at the desk, and for its place in a lane: higher than all before. */
  newDeskId(): number
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
  /** Reads of flows for people: never shows what is not durable yet. */
  lookAtFlows<T>(read: (flows: FlowReads) => T): Promise<T>
  /** A request by its id, as far as it is durable. */
  request(id: string): Promise<RequestRow | undefined>
  /** Forgets a slice of the requests that have ended before a time. Gives how many. */
  forgetRequests(beforeMs: number): Promise<number>
  /** Reads for people: never shows what is not durable yet. */
  look<T>(read: (desk: DeskReads) => T): Promise<T>
  /** Ends an operation. Errors: `millrace/unknown-operation`, `millrace/operation-ended`. */
  abort(operation: number, actor: Actor, at: number): Promise<void>
  /** Writes a wish down. Errors: `millrace/not-held` where there is one about that message. */
  wish(wish: Wish): Promise<void>
  /** What was wished for while nobody owned the store, after one, oldest first, at most so many. */
  wishes(after: Pick<Wish, 'at' | 'item'> | undefined, limit: number): Promise<Wish[]>
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
  retire(processor: string, source: string): Promise<void>
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
  /** Where the store is one file: what may be done with it from beside, without an app. */
  readonly file?: StoreFile | undefined
}
