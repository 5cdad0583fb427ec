// What is counted of the parts that run, as values.

/**
 * The upper bounds of the buckets of a {@link Histogram}, milliseconds, each included in its bucket: 18 of them, from 1 ms
 * to 1 h.
 *
 * @example
 * ```ts
 * console.assert(histogramBoundsMs.length === 18 && histogramBoundsMs[0] === 1)
 * ```
 */
export const histogramBoundsMs: readonly number[] = Object.freeze([
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000,
])

/** Durations, counted by their size. */
export interface Histogram {
  /** How many there were. */
  readonly count: number
  /** All of them together, milliseconds. */
  readonly sumMs: number
  /** How many there were in each bucket: one for each of `histogramBoundsMs`, and the last for what is above all. */
  readonly buckets: readonly number[]
}

/** The work of a processor since its app began to run, or to run anew after its store had failed. */
export interface Counts {
  /** Attempts that ended well: their commit is on disk. */
  readonly handled: number
  /** Attempts that failed, for whatever reason; messages that could not be decoded, or came too late, count too. */
  readonly failed: number
  /** Attempts in which the handler threw `Refused`. */
  readonly refused: number
  /** From the beginning of an attempt until its commit is on disk, or it fails or refuses. */
  readonly attempt: Histogram
  /** From when a message was published, or was due, until the commit of its attempt is on disk: the critical time. */
  readonly critical: Histogram
  /** The critical time of the message that was handled last, milliseconds; null before the first. */
  readonly criticalNewestMs: number | null
}

/** The kind and the name of a part. */
export interface PartName {
  readonly kind: 'processor' | 'mediator' | 'route' | 'gather'
  readonly name: string
}

/** What is counted of one processor of a part that runs. */
export interface PartMetrics {
  /** The name of the processor. */
  readonly name: string
  /** The part that it runs for, which is itself for a processor. */
  readonly part: PartName
  /** The name of its topic or channel. */
  readonly on: string
  /** As in `processors.list`. */
  readonly state: 'live' | 'behind' | 'probing' | 'stuck' | 'paused'
  /** Messages of its topic or channel that it has not done. */
  readonly lag: number
  /** Attempts that run now. */
  readonly running: number
  /** Messages that are held at the desk. */
  readonly held: number
  /** What it has done. */
  readonly counts: Counts
}

/** What is counted of an app that runs. */
export interface Metrics {
  /** The time of these values, milliseconds since 1970. */
  readonly at: number
  /** The time from which on is counted, milliseconds since 1970: when the app began to run, or its store was opened anew. */
  readonly since: number
  readonly parts: readonly PartMetrics[]
}
