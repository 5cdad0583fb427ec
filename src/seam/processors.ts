// Decisions of people about whole processors.
import type { Actor } from '../model/desk.ts'
import type { ConcurrencySet, Paused } from '../model/desk-views.ts'

/** Each change is durable when it resolves. */
export interface ProcessorStore {
  /** Stops a processor until it is resumed, with a line in the audit log; a paused one stays as it is. */
  pause(processor: string, actor: Actor, at: number): Promise<void>
  /** Ends a pause, with a line in the audit log; a processor that is not paused stays as it is. */
  resume(processor: string, actor: Actor, at: number): Promise<void>
  /** The processors that are paused. Never shows what is not durable. */
  paused(): Promise<Paused[]>
  /**
   * Keeps the number of handlers of a processor that may run at once, with a line in the audit log; null forgets it. The
   * same number again changes nothing.
   */
  setConcurrency(change: ConcurrencyChange, at: number): Promise<void>
  /** The numbers that are kept, by processor. Never shows what is not durable. */
  concurrencies(): Promise<ConcurrencySet[]>
  /**
   * Forgets a processor on a topic or channel: its progress and what it holds at the desk; with the last of these its
   * number and its pause too. The audit log gets a line, where there was progress.
   */
  retire(processor: string, destination: string, actor: Actor, at: number): Promise<void>
  /**
   * Lets a processor begin anew after a position, under a new epoch and generation, and with no start marks. All that it
   * has at the desk ends: a message without an attempt is forgotten, every other one becomes `reset`, and so does a
   * discarded one after the position. A failure has no time of its end until its commit gives it one by `resolve`. Open
   * batches of a gather are forgotten. The audit log gets a line for each failure, and one with `detail`.
   */
  reset(reset: Reset): Promise<void>
  /** The numbers of failures that a reset has ended and no commit has resolved, the next after a number, in order. */
  untold(after: number, limit: number): Promise<number[]>
}

export interface Reset {
  readonly processor: string
  /** Its topic. */
  readonly destination: string
  /** The position after which it begins. */
  readonly after: number
  readonly actor: Actor
  readonly at: number
  /** The facts of the reset, for the audit log. */
  readonly detail: unknown
}

export interface ConcurrencyChange {
  readonly processor: string
  /** Null: as the code says. */
  readonly most: number | null
  readonly actor: Actor
}
