import type { Delivery, OpenLane } from './delivery.ts'

class Lane implements OpenLane {
  newest: Delivery | undefined
}

/**
 * The open lanes of a processor, by context.
 *
 * A lane without messages stays until there are many: where the load is high, most contexts come again at once. And a map
 * that shrinks and grows leaves its old tables behind. Once these are old, the heap takes them for alive with all that
 * they refer to: each message was copied twice then, and cleared by a full collection only.
 */
export class OpenLanes {
  private lanes = new Map<string, OpenLane>()
  private readonly lanesMax: number
  private sweepAt: number

  constructor(lanesMax: number) {
    this.lanesMax = lanesMax
    this.sweepAt = lanesMax
  }

  /** The number of lanes in memory, with and without messages. */
  get size(): number {
    return this.lanes.size
  }

  /** Whether a lane has messages. */
  has(context: string): boolean {
    return this.lanes.get(context)?.newest !== undefined
  }

  /** The caller gives it a message, or drops it, before it asks for the next. */
  of(context: string): OpenLane {
    let lane = this.lanes.get(context)
    if (lane === undefined) {
      if (this.lanes.size >= this.sweepAt) this.sweep()
      lane = new Lane()
      this.lanes.set(context, lane)
    }
    return lane
  }

  /** The messages of a lane go to the desk. */
  end(context: string): void {
    const lane = this.lanes.get(context)
    if (lane !== undefined) lane.newest = undefined
  }

  private sweep(): void {
    const kept = new Map<string, OpenLane>()
    for (const [context, lane] of this.lanes) if (lane.newest !== undefined) kept.set(context, lane)
    this.lanes = kept
    // As many lanes may come before the next sweep as this one has looked at, whatever their number.
    this.sweepAt = this.lanesMax + 2 * kept.size
  }
}
