// The progress of each processor in each stream.

/** The progress of a processor in a stream: all messages up to `low` are done, and above it those in `done`. */
export interface ProgressRow {
  readonly processor: string
  readonly stream: number
  readonly epoch: number
  readonly low: number
  /** One bit for each position above `low`, lowest first; null when none is done. */
  readonly done: Uint8Array | null
}

/** The progress of a processor as its owner takes up its stream. */
export interface Subscribed extends ProgressRow {
  /** The number of times that it was reset. */
  readonly generation: number
  /**
   * Messages that were started before the process died; some of them may be done. A positive number is a position of
   * the stream, a negative one the number of a message at the desk.
   */
  readonly marks: readonly number[]
  /**
   * The name in its idempotency keys: the one under which it began. A processor that was renamed keeps it, and no two
   * processors share one.
   */
  readonly keyName: string
}

export interface ProgressStore {
  /** Takes up a processor's stream under a new epoch. A new processor begins after the position. */
  subscribe(processor: string, stream: number, after: number): Promise<Subscribed>
  /** The row of each processor and stream, of processors that are gone too. */
  rows(): Promise<ProgressRow[]>
  /** Forgets the start marks of processors. */
  clearMarks(processors: readonly string[]): Promise<void>
}
