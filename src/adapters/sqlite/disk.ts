// The disk below the SQLite store: a thread that syncs, one for maintenance, and one that reads. A simulation replaces it by a disk
// that loses what was not synced.

import type { FinderStore } from '../../seam/finder.ts'
import type { MessageReads } from '../../seam/message-reads.ts'

/** A read, by its name. */
export type ReadAsk = { readonly given: unknown } & (
  | { readonly of: 'messages'; readonly read: keyof MessageReads }
  | { readonly of: 'finder'; readonly read: keyof FinderStore }
)

export interface Synced {
  /** Free bytes on the disk, as last looked up. */
  readonly freeBytes: number
}

/** A file that is open: the path at which the next start looks for it, and its identity. */
export interface OpenFile {
  readonly path: string
  readonly dev: number
  readonly ino: number
  /** When it was written last, milliseconds since 1970; of a file that nobody else may write. */
  readonly writtenAt?: number | undefined
}

/** `chained`: everything waits for this sync, and the next follows at once, so it may cost more to be quicker. */
export type SyncPace = 'single' | 'chained'

export interface Disk {
  /**
   * Rewrites the -wal file of a database that no process has open, with the same bytes, and syncs it: after a sync that failed
   * its pages may be in memory only, and no later sync writes them.
   */
  renewWal(file: string): Promise<void>
  /** Begins to work for an open database, given its files as they were when it was opened. */
  open(file: string, files: readonly OpenFile[]): Promise<void>
  /** Free bytes, looked up now. */
  freeBytes(): number
  /**
   * Resolves when all that was committed before the call is on disk, in the files that the next start will read. After one
   * that rejects, every later sync rejects too.
   *
   * @throws `millrace/sync-failed`, `millrace/files-replaced`
   */
  sync(pace: SyncPace): Promise<Synced>
  /**
   * Copies the pages of the -wal file into the database as far as readers allow. No checkpoint begins after a sync has
   * failed: the database would get pages whose -wal file may not be on disk. None begins when other files are in the place
   * of those that were open.
   *
   * @returns whether all pages were copied
   */
  checkpoint(): Promise<boolean>
  /** Reads the database for damage while the app works. @returns its findings; empty when the database is sound */
  quickCheck(): Promise<string[]>
  /**
   * Reads the log on a connection of its own that only reads. What it gives was committed, and may not be on disk yet.
   *
   * @throws `millrace/reader-ended`, `millrace/files-replaced`
   */
  read<T>(ask: ReadAsk): Promise<T>
  close(): Promise<void>
}
