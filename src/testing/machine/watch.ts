import type { DatabaseSync } from 'node:sqlite'
import type { App } from '../../app/app.ts'
import type { Store } from '../../seam/store.ts'
import type { World } from '../../seam/world.ts'

/** The machine, as a watch sees it. */
export interface Watched {
  /** The number of processes that have been started. */
  readonly starts: number
  /** The app of the process that runs; undefined while none does. */
  readonly app: App | undefined
  /** The wall clock, milliseconds since 1970. */
  now(): number
  /** Reads what is committed, over a connection of its own. */
  look<T>(use: (db: DatabaseSync) => T): T
  /** Makes the database, as another program has made it before the first start. */
  found(use: (db: DatabaseSync) => void): void
  /** Changes the database while no process has it, as a command from beside does. */
  beside(use: (db: DatabaseSync) => void): void
}

/** Looks on closely, for proving the engine itself. What it throws ends the run. */
export interface Watch {
  /** The most steps of one wait; after them it counts as stalled. */
  readonly stepsMax?: number | undefined
  /** All that was committed is on disk, and nobody has heard of it yet. */
  durable(machine: Watched): void
  /** A client was told that its message is accepted. */
  accepted(type: string, id: string): void
  /** The engine calls a handler. */
  called?(processor: string): void
  /** A sync failed: no other may come before the store is opened anew. */
  syncFailed?(): void
  /** The store is being opened. */
  opening?(): void
  /** A process is about to start. */
  starting?(machine: Watched): void
  /** Puts another store around that of a process. */
  around?(store: Store, world: World): Store
  /** In the end, nothing is under way; returns whether it did something of which more may come. */
  rested?(app: App): Promise<boolean>
}
