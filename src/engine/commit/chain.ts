// Whether what is written is a chain: most groups follow at once from the one before, and nothing waits beside them. The
// time of a chain is that of its syncs. A store may then wait for them in a way that is not worth it otherwise.

/** The longest time from the end of a group to the beginning of the one that follows from it, milliseconds. */
const gapMs = 0.5
/** A group that follows adds one to the count, another takes two away. From this count on it is a chain. */
const chainFrom = 4
const countMax = 8

/** What waits to be written beside a group. */
export type Waiting = 'nothing waits' | 'others wait'

export class Chain {
  private count = 0
  /** What waited when the messages of the present group arrived. */
  private atArrival: Waiting | undefined
  private endedAt = Number.NEGATIVE_INFINITY
  private alone = false

  /** A group begins. Returns whether it is one of a chain. */
  begins(elapsed: number): boolean {
    const follows = this.alone && elapsed - this.endedAt < gapMs
    this.count = follows ? Math.min(this.count + 1, countMax) : Math.max(this.count - 2, 0)
    return this.count >= chainFrom
  }

  /** Messages of the group arrive. What waits from then on follows from the group. */
  arrives(waiting: Waiting): void {
    this.atArrival ??= waiting
  }

  /** It has ended. Where nothing waits beside it, a group that comes at once follows from it. */
  ends(elapsed: number, waiting: Waiting): void {
    this.endedAt = elapsed
    this.alone = (this.atArrival ?? waiting) === 'nothing waits'
    this.atArrival = undefined
  }
}
