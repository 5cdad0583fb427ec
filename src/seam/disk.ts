// The seam to the disk below the SQLite store: the thread that syncs and the thread that does maintenance. A
// simulation puts its own in place and loses there what was not synced.

export interface Synced {
  /** Free bytes on the disk, as last looked up. */
  readonly freeBytes: number
}

export interface Disk {
  /**
   * Writes the -wal file of a database that nobody has open out anew, as it is, and syncs it: after a sync that failed
   * its pages may be in memory only, where no later sync looks for them.
   */
  renewWal(file: string): Promise<void>
  /** Begins with the files of an open database. */
  open(file: string): Promise<void>
  /** Free bytes, looked up now. */
  freeBytes(): number
  /**
   * Resolves when all that was committed before the call is on disk; rejects when that failed, for good. `inChain`: all
   * wait for it, and the next will be asked for at once, so that it may cost more than usual to be quick.
   */
  sync(inChain?: boolean): Promise<Synced>
  /**
   * Copies what is in the -wal file into the database as far as readers allow. Gives whether all of it went. None begins
   * once a sync has failed: the database would get pages whose way back, the -wal file, may not be on disk.
   */
  checkpoint(): Promise<boolean>
  /** Reads the database for damage, beside the work under way. Gives what it found; empty when all is well. */
  quickCheck(): Promise<string[]>
  close(): Promise<void>
}
