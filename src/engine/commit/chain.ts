// Whether what is written is a chain: most batches follow at once from the one before, and nothing waits beside them. The
// time of a chain is that of its syncs, which a store may then wait for in a way that is not worth it otherwise.

/** The longest time from the end of a batch to the beginning of what follows from it, milliseconds. */
const gapMs = 0.5
/** A batch that follows counts one, one that does not takes two away: so much makes a chain, and it goes no higher. */
const chainFrom = 4
const countMax = 8

export class Chain {
  private count = 0
  private endedAt = Number.NEGATIVE_INFINITY
  private alone = false

  /** A batch begins; gives whether it is one of a chain. */
  begins(elapsed: number): boolean {
    const follows = this.alone && elapsed - this.endedAt < gapMs
    this.count = follows ? Math.min(this.count + 1, countMax) : Math.max(this.count - 2, 0)
    return this.count >= chainFrom
  }

  /** It has ended; `alone` where nothing waits to be written, so that what comes next at once follows from it. */
  ends(elapsed: number, alone: boolean): void {
    this.endedAt = elapsed
    this.alone = alone
  }
}
