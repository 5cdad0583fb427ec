// The seam between the engine and what keeps its messages and state. One process uses a store at a time; the store
// enforces it. Positions of a stream are strictly increasing and may have gaps.

import type { Stored } from '../model/codec.ts'
import type { ErrorRecord, MillraceError } from '../model/errors.ts'
import type { Query, Tx } from '../model/tx.ts'
import type { StoreFile } from './file.ts'
import type { World } from './world.ts'

/** A topic or channel as it has to exist in the store. */
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
  /** Positions that had been started when the process died; some may be done. */
  readonly marks: readonly number[]
  /** Lanes at the desk, each by its head, in order. */
  readonly lanes: readonly DeskLaneRow[]
}

/**
 * A message at the desk is
 * - `held`: it failed for good and closes its lane until it is resolved;
 * - `trying`: it is attempted from the desk, because it was released or would keep the low-water back for too long;
 * - `line`: it waits behind one of the two.
 * Order is by id. All but the head of a lane are in line; a head in line is one whose turn has just come, and is tried.
 */
export type DeskState = 'held' | 'trying' | 'line'

export interface DeskEntry {
  /** 0 until the store has given it one. */
  id: number
  readonly processor: string
  readonly message: Stored
  state: DeskState
  attempts: number
  /** How often the process died while this message ran alone. */
  kills: number
  error: ErrorRecord | null
  /** When it came to the desk, milliseconds since 1970. */
  readonly heldAt: number
}

/** A lane at the desk, by its head. */
export interface DeskLaneRow {
  readonly headId: number
  readonly state: DeskState
  /** Null where the type has no context: then the message is a lane of its own. */
  readonly context: string | null
  /** How many are in line behind the head. */
  readonly waiting: number
}

export type DeskChange =
  | { readonly do: 'put' | 'update'; readonly entry: DeskEntry }
  /** Removes a message that is done; refused (the group fails) when it is not there. */
  | { readonly do: 'remove'; readonly entry: DeskEntry }

/** One commit function and what became of it; `undefined` means that it did not come to its turn. */
export interface CommitFunction {
  readonly run: (tx: Tx) => unknown
  outcome: { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown } | undefined
}

/** What is written in one transaction besides the rows of commit functions. */
export interface Changes {
  /** Appended in order; the store sets `position` or `repeat`. */
  readonly append: readonly Stored[]
  readonly progress: readonly ProgressRow[]
  readonly desk: readonly DeskChange[]
  /** Messages about to start, remembered so that the one that kills the process can be found. */
  readonly marks: readonly { readonly processor: string; readonly stream: number; readonly position: number }[]
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
}

export interface Committed {
  /** Whether what needs no function is in. */
  readonly rest: boolean
  /** Why something could not be written, where that was nobody's fault but the disk's. */
  readonly trouble: MillraceError | undefined
}

export interface DeskFilter {
  readonly processor?: string
  readonly states?: readonly DeskState[]
  /** Only entries with a higher id. */
  readonly after?: number
  readonly limit?: number
}

/** A message at the desk as it is shown. */
export interface DeskRow extends DeskEntry {
  /** How many wait in line behind it. */
  readonly waiting: number
}

export interface HeldCount {
  readonly processor: string
  /** The topic or channel. */
  readonly source: string
  readonly held: number
}

export interface Store {
  /**
   * Takes the store for this process, creates or migrates it, makes the streams exist.
   *
   * @throws `millrace/in-use`, `millrace/foreign-file`, `millrace/newer-file`, `millrace/corrupt-file`,
   *   `millrace/network-file-system`, `millrace/cannot-open`
   */
  open(sources: readonly SourcePlan[]): Promise<Opened>
  /** Takes up a processor's stream under a new epoch; its row is made where there is none. */
  subscribe(processor: string, stream: number, startAt: StartAt): Promise<Subscribed>
  /** The next messages of a stream after a position, in order, at most so many; at least one when there is one. */
  read(stream: number, after: number, limit: number, bytesMax: number): Promise<Stored[]>
  /**
   * One transaction: the functions in savepoints, then what follows from them. Resolves when it is durable: nothing
   * of it may leave the process before. Takes as many functions as its bounds allow; the others stay without outcome.
   * Where the group fails as a whole, nothing counts and its members are repeated one by one.
   *
   * @throws `millrace/sync-failed`, `millrace/disk-failed`: what was committed and what not is unknown; close and open
   */
  commit(batch: Batch): Promise<Committed>
  /** Reads outside any transaction; never shows what is not durable yet. */
  readonly query: Query
  /** The next messages in line of a lane, in order. */
  line(processor: string, context: string, afterId: number, limit: number): Promise<DeskEntry[]>
  desk(filter: DeskFilter): Promise<DeskRow[]>
  deskEntry(id: number): Promise<DeskRow | undefined>
  deskCounts(): Promise<{ held: number; waiting: number }>
  /** Low-water per processor and stream, those of processors that are gone too. */
  progress(): Promise<ProgressRow[]>
  /** Forgets the start marks of processors. */
  clearMarks(processors: readonly string[]): Promise<void>
  /**
   * Removes one slice of the oldest messages of a stream, up to a position and while `older` says so.
   * Gives how many.
   */
  trim(stream: number, upTo: number, retain: { beforeMs?: number; bytes?: number }): Promise<number>
  /** How many messages are held, by processor and source. */
  heldCounts(): Promise<HeldCount[]>
  /** Forgets a processor on a topic or channel: its progress and what it holds at the desk. */
  retire(processor: string, source: string): Promise<void>
  /** Why nothing more can be accepted now, where that is so. */
  room(): MillraceError | undefined
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
  readonly file?: StoreFile
}
