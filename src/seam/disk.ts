// The seam to the disk below the SQLite store: the thread that syncs and the thread that does maintenance. A
// simulation puts its own in place and loses there what was not synced.

export interface Synced {
  /** Free bytes on the disk, as last looked up. */
  readonly freeBytes: number
}

/** A file that is open: where the next start looks for it, and which one it is. */
export interface OpenFile {
  readonly path: string
  readonly dev: number
  readonly ino: number
  /** When it was written last, of what nobody else may write, milliseconds since 1970. */
  readonly writtenAt?: number | undefined
}

export interface Disk {
  /**
   * Writes the -wal file of a database that nobody has open out anew, as it is, and syncs it: after a sync that failed
   * its pages may be in memory only, where no later sync looks for them.
   */
  renewWal(file: string): Promise<void>
  /** Begins with a database that is open, and with its files as they were when it was opened. */
  open(file: string, files: readonly OpenFile[]): Promise<void>
  /** Free bytes, looked up now. */
  freeBytes(): number
  /**
   * Resolves when all that was committed before the call is on disk, in the files that the next start will read; rejects
   * when that failed, for good. `inChain`: all wait for it, and the next will be asked for at once, so that it may cost
   * more than usual to be quick.
   */
  sync(inChain?: boolean): Promise<Synced>
  /**
   * Copies what is in the -wal file into the database as far as readers allow. Gives whether all of it went. None begins
   * once a sync has failed: the database would get pages whose way back, the -wal file, may not be on disk. None begins
   * on other files than those that were open.
   */
  checkpoint(): Promise<boolean>
  /** Reads the database for damage, beside the work under way. Gives what it found; empty when all is well. */
  quickCheck(): Promise<string[]>
  close(): Promise<void>
}
