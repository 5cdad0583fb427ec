/**
 * A part of the engine that works beside the messages while a run lasts. The engine says when each begins; `end` may come
 * at any time, also before that.
 */
export interface Service {
  /** True when nothing that is due is left to do. */
  readonly idle: boolean
  /** Reads what earlier runs have left in the store. Called before anything is handled. */
  takeUp?(): void | Promise<void>
  /** Begins to work. Called once. */
  begin?(): void | Promise<void>
  /** Starts nothing new. Called once or more. */
  end?(): void
  /** The reasons for which an operator has to act; empty when all is well. */
  health?(): readonly string[]
}
