/** How a facet of the store reads and writes outside the transactions of `commit`. */
export interface Beside {
  /**
   * One transaction.
   *
   * @throws `millrace/locked`; the errors of the disk
   */
  write<T>(fn: () => T): Promise<T>
  /** Tells how much a transaction has written, about, for pacing checkpoints. */
  wrote(bytes: number): void
  /** Resolves when all that is committed is durable. */
  sync(): Promise<void>
  /** A read that runs once all that it shows is durable, and again where another program holds a lock. */
  shown<T>(read: () => T): Promise<T>
}

/** One transaction that is durable when it resolves. */
export async function writeDurably<T>(beside: Beside, fn: () => T): Promise<T> {
  const value = await beside.write(fn)
  await beside.sync()
  return value
}
