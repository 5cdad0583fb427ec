// The narrow things that the committer needs of attempts and of the processors that make them.
import type { Stored } from '../../model/codec.ts'
import type { CommitFunction } from '../../seam/commit.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { FlowChange } from '../../seam/flows.ts'
import type { ProgressRow } from '../../seam/progress.ts'
import type { AskedEnd } from './asked.ts'
import type { TakenBack } from './collected.ts'

/** A processor whose progress a commit writes. */
export interface Follower {
  /** `runsAhead`: its handlers only compute, so that their ends may be written ahead of the disk. */
  readonly spec: { readonly runsAhead: boolean }
  readonly progress: {
    /** Remembers the state to which `restore` returns when the transaction fails. */
    save(): void
    restore(): void
    done(position: number): void
    row(): ProgressRow
  }
  /** Takes more messages; called after each commit that moved its progress. */
  pull(): void
}

/** The changes that an attempt makes at the desk, and the messages that tell of them. */
export interface Ending {
  readonly changes: readonly DeskChange[]
  readonly outgoing: readonly Stored[]
}

/** The flows that an attempt starts or continues, written with its end. */
export interface FlowOutcome {
  readonly flows: readonly FlowChange[]
  readonly outgoing: readonly Stored[]
  readonly written: () => void
  /** Called when the attempt fails. */
  readonly dropped?: (() => void) | undefined
}

/** An attempt whose handler returned. Its commit makes its message done. */
export interface Handled extends CommitFunction {
  readonly processor: Follower
  readonly message: Stored
  /** The position that is done with it; 0 where the message is at the desk. */
  readonly position: number
  readonly outgoing: readonly Stored[]
  /** Requests that it takes back. */
  readonly withdrawn: readonly TakenBack[]
  readonly flowOutcome: FlowOutcome | undefined
  /** Whether its commit may be refused, so that it needs a savepoint. */
  readonly needsFunction: boolean
  /** The end of the request; undefined where nobody asked for the message. */
  requestEnd(): AskedEnd | undefined
  /** The end of the message at the desk. Called where `position` is 0. */
  deskEnd(): Ending
  /** Its commit is durable. */
  committed(): void
  /** Its commit function failed. */
  commitFailed(error: unknown): void
}
