// The ownership of a store. One owner at a time writes to it, draws its numbers, and keeps in memory what it found when it
// took the store over.
//
//   open ──takeOver──→ owner ──close──→ free for the next
//                        └──another takes over──→ lost: what it writes fails with `millrace/ownership-lost`, and its
//                                                 memory is dropped; it may open the store and take over anew
//
// A store in one file is owned from its opening on, because the file has a lock. A store with a server has an epoch that
// each write checks.
import type { SourcePlan, StreamInfo } from '../model/streams.ts'
import type { FlowsFound } from './flow-take-up.ts'
import type { FoundParts, Rename } from './names.ts'

/** The highest numbers that may be in use: those that the owner of the store draws next are higher. */
export interface LastNumbers {
  /** Of messages at the desk, and of their places in lanes. */
  readonly desk: number
}

/** The state that an owner keeps in memory from the take-over on. It does not read it again. */
export interface TakenOver {
  readonly streams: readonly StreamInfo[]
  /** The last owner stopped cleanly. */
  readonly clean: boolean
  /** When the first delayed message is due, milliseconds since 1970; undefined when there is none. */
  readonly nextDue: number | undefined
  readonly numbers: LastNumbers
  readonly flows: FlowsFound
  /** The renames for which something was found under the old name. */
  readonly renamed: readonly Rename[]
}

export interface Leases {
  /**
   * Takes the open store over, renames what `renames` says, and makes the streams exist, in one transaction. Durable when
   * it resolves. A failure closes the store and leaves it as it was.
   *
   * @param renames called in the transaction with what is found; what it throws ends the take-over. Default: none
   * @throws what `renames` throws; `millrace/locked`, `millrace/in-use`, `millrace/sync-failed`, `millrace/disk-full`
   */
  takeOver(sources: readonly SourcePlan[], renames?: (found: FoundParts) => readonly Rename[]): Promise<TakenOver>
}
