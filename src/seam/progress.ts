// How far each processor is in each stream.

/** How far a processor is in a stream: everything up to `low` is done, and above it what `done` says. */
export interface ProgressRow {
  readonly processor: string
  readonly stream: number
  readonly epoch: number
  readonly low: number
  /** One bit for each position above `low`, lowest first; null when none is done. */
  readonly done: Uint8Array | null
}

/** What the store knows of one processor when it takes up its stream. */
export interface Subscribed extends ProgressRow {
  /**
   * What had been started when the process died; some of it may be done. Positions of the stream, and as negative
   * numbers the ids of messages at the desk.
   */
  readonly marks: readonly number[]
}

export interface ProgressStore {
  /** Takes up a processor's stream under a new epoch. A new processor begins after the position. */
  subscribe(processor: string, stream: number, after: number): Promise<Subscribed>
  /** The row of each processor and stream, those of processors that are gone too. */
  rows(): Promise<ProgressRow[]>
  /** Forgets the start marks of processors. */
  clearMarks(processors: readonly string[]): Promise<void>
}
