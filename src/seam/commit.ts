// One transaction: commit functions, each in a savepoint, and the changes that follow from them.
//
// The decisions of the store about a group are the answer of its commit: one `Written` for each committed transaction, in
// the order of their `changes`. A list of it holds one result for each member of the list of `Changes` of its name, in
// that order. The answer is known when the transactions are committed; `ahead` gets it then, before it is durable. It is
// durable, and may leave the process, when `commit` resolves. A transaction that was rolled back has no answer.

import type { Stored } from '../model/codec.ts'
import type { MillraceError } from '../model/errors.ts'
import type { Tx } from '../model/tx.ts'
import type { DeskChange } from './desk.ts'
import type { FlowChange, FlowsWritten } from './flows.ts'
import type { GatherTables } from './gathers.ts'
import type { Appended } from './log.ts'
import type { ProgressRow } from './progress.ts'
import type { RequestChange } from './requests.ts'
import type { TimedChange, TimedResult } from './timers.ts'

/** Tables that functions of the engine's own may write in their transaction, and those of users may not. */
export interface OwnTables {
  readonly gathers: GatherTables
  /**
   * Takes back the message with an id. A delayed message that is pending is removed. A request that has not ended is
   * marked, so that no run handles its command, and the engine ends it. Returns which of them it was, if any.
   */
  takeBack(type: string, id: string): Promise<'delayed' | 'request' | undefined>
}

/** The `tx` of a commit function, as the store gives it. Its rule is that of `TxScope`. */
export interface CommitTx extends Tx {
  /**
   * Called when the user's function has returned, before anything else is done in its transaction. Returns a promise where
   * answers to its statements are still to come.
   *
   * @throws `millrace/statement-failed`, `millrace/attempt-open`: then the function has failed
   */
  returned(): Promise<void> | undefined
}

/** A statement of a function, as the store has run it. */
export interface Ran {
  /** With `?` for each value of `tx.query`; of a client its own text. */
  readonly text: string
  readonly values: readonly unknown[]
  /** The rows that it returned. */
  readonly rows: readonly object[]
  /** The number of rows that it wrote or deleted; those of triggers count where the database counts them. */
  readonly changed: number
  /** The error of a statement that failed. */
  readonly error?: unknown
}

/** One commit function and its outcome; `undefined` means that it has not run. */
export interface CommitFunction {
  /** Its name in messages: `the commit function`, `setup`. */
  readonly label: string
  readonly run: (tx: CommitTx, own: OwnTables) => unknown
  /** Called when an attempt of it begins. Returns a function that drops all that it has collected since. */
  readonly savepoint?: (() => () => void) | undefined
  /** Told of each statement of it, by whatever way that came. The statement fails with what it throws. */
  readonly watch?: ((statement: Ran) => void) | undefined
  outcome: { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown } | undefined
}

/** The changes of one transaction, besides the rows of commit functions. */
export interface Changes {
  /**
   * Appended in order. A message with a `due` is kept until then instead. A message whose id another has, by type, id and
   * source (as of `ids.ts`), is not appended while that is pending or in the log. A request of the app gets its row, unless
   * it repeats another; it is an `other` where a request of another type has its id.
   */
  readonly append: readonly Stored[]
  /**
   * The messages whose ids functions have given, by their index in `append`. Where one is an `other`, its function must not
   * be kept: the transaction fails with `millrace/id-conflict`, and its functions run again one by one.
   */
  readonly claims?: readonly number[] | undefined
  readonly progress: readonly ProgressRow[]
  readonly desk: readonly DeskChange[]
  readonly requests?: readonly RequestChange[] | undefined
  readonly flows?: readonly FlowChange[] | undefined
  /** Messages about to start, remembered so that the one that kills the process can be found. */
  readonly marks: readonly { readonly processor: string; readonly stream: number; readonly position: number }[]
  /** Cancels come before `append`, the others after it. */
  readonly timed?: readonly TimedChange[] | undefined
}

/** The decisions of the store about the `Changes` of one transaction. */
export interface Written {
  /** The result of each of `append`. */
  readonly appended: readonly Appended[]
  /** The result of each of `timed`. */
  readonly timed: readonly TimedResult[]
  readonly flows: FlowsWritten
  /**
   * For each of `desk`: the number of the message that became the head of its lane by the change, and is `trying` now;
   * 0 where none did. It is the message of the change where that joined a lane without a head, else the next in line
   * behind the head that left.
   */
  readonly heads: readonly number[]
}

export interface CommitGroup {
  readonly functions: readonly CommitFunction[]
  /**
   * The changes that follow from these functions, now that each has its outcome; and, of `all`, those that need no
   * function. Called in the transaction, and again when it is repeated.
   */
  changes(functions: readonly CommitFunction[], of: 'all' | 'functions'): Changes
  /** The transaction of the latest `changes` was rolled back; nothing of it counts. Called once for each of these. */
  rolledBack(): void
  /**
   * Called when all of it is committed and not durable yet. Returns the group that follows without leaving the process: it
   * is written in a transaction of its own before the same sync, and has no functions.
   */
  ahead?(written: readonly Written[]): Promise<CommitGroup | undefined>
  /** Whether each group follows from the one before, at once and alone, so that all wait for its sync. */
  readonly inChain?: boolean | undefined
}

/**
 * The answer to a group.
 *
 *   commit ──→ written  the store has answered: what it lists is durable
 *          ├─→ known    the same, but the connection broke after the commit, and the store has found out what became of it
 *          ├─→ trouble  not all could be written, for a reason that may pass; what is listed is durable: again later
 *          └─→ lost     it is unknown what is written, or the store belongs to another process: take it up anew
 *
 * A function without an outcome has not run, or was rolled back so that it may wait ("first next time"). But for trouble, the
 * group ends at the first of them. The next group begins with the functions that have no outcome, in their order.
 */
export type Committed = Answered | Trouble | Lost

export interface Answered {
  readonly state: 'written' | 'known'
  /** The decisions about each transaction, in the order of their `changes`. */
  readonly written: readonly Written[]
  /** The decisions about the group that was written ahead of the sync; undefined where there was none. */
  readonly ahead?: Written | undefined
}

export interface Trouble {
  readonly state: 'trouble'
  /** The reason, which is nobody's fault: the disk's, a lock's, the connection's. */
  readonly why: MillraceError
  /** Whether what needs no function is written, or to be written again. */
  readonly rest: 'written' | 'again'
  readonly written: readonly Written[]
}

export interface Lost {
  readonly state: 'lost'
  readonly why: MillraceError
}
