import type { Delivery } from './delivery.ts'

/** A lane whose messages come from the log. */
export class OpenLane {
  /** The last of its messages in memory; undefined when there is none. */
  newest: Delivery | undefined
}

/**
 * The open lanes of a processor, by context.
 *
 * One that has no message stays until there are many: where much goes on most come again at once. And a map that shrinks
 * and grows leaves its old tables behind, which the heap, once they have grown old, takes for alive with all that they
 * refer to: each message was copied twice then, and cleared by a full collection only.
 */
export class OpenLanes {
  private lanes = new Map<string, OpenLane>()
  private readonly lanesMax: number
  private sweepAt: number

  constructor(lanesMax: number) {
    this.lanesMax = lanesMax
    this.sweepAt = lanesMax
  }

  /** How many are remembered, those without messages included. */
  get size(): number {
    return this.lanes.size
  }

  /** Whether a lane has messages. */
  has(context: string): boolean {
    return this.lanes.get(context)?.newest !== undefined
  }

  /** To be given a message, or forgotten, before the next is asked for. */
  of(context: string): OpenLane {
    let lane = this.lanes.get(context)
    if (lane === undefined) {
      if (this.lanes.size >= this.sweepAt) this.sweep()
      lane = new OpenLane()
      this.lanes.set(context, lane)
    }
    return lane
  }

  /** Its messages go elsewhere. */
  end(context: string): void {
    const lane = this.lanes.get(context)
    if (lane !== undefined) lane.newest = undefined
  }

  private sweep(): void {
    const kept = new Map<string, OpenLane>()
    for (const [context, lane] of this.lanes) if (lane.newest !== undefined) kept.set(context, lane)
    this.lanes = kept
    // As many may come before the next sweep as this one has looked at, whatever their number.
    this.sweepAt = this.lanesMax + 2 * kept.size
  }
}
