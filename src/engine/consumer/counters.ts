// What one processor has done: counted in memory, for those who look.
//
// Invariants: each attempt is counted once, when it is known how it ended; `attempt` has one duration for each that is
// handled, failed or refused, `critical` one for each that is handled.
import type { Counts } from '../../model/metrics.ts'
import type { World } from '../../seam/world.ts'
import { Histogram } from '../kit/histogram.ts'

/** The clocks as they were when the last commit group became durable: read once for all that it has handled. */
export class SettledAt {
  elapsedMs = 0
  nowMs = 0

  read(world: Pick<World, 'elapsed' | 'now'>): void {
    this.elapsedMs = world.elapsed()
    this.nowMs = world.now()
  }
}

export class Counters {
  private readonly settled: SettledAt
  private handledCount = 0
  private failedCount = 0
  private refusedCount = 0
  private readonly attempt = new Histogram()
  private readonly critical = new Histogram()
  private newestMs = 0

  constructor(settled: SettledAt) {
    this.settled = settled
  }

  /** The commit of an attempt is durable. */
  handled(startedAt: number, publishedAt: number): void {
    const { elapsedMs, nowMs } = this.settled
    this.handledCount++
    this.attempt.add(elapsedMs - startedAt)
    this.newestMs = Math.max(0, nowMs - publishedAt)
    this.critical.add(this.newestMs)
  }

  failed(durationMs: number): void {
    this.failedCount++
    this.attempt.add(durationMs)
  }

  refused(durationMs: number): void {
    this.refusedCount++
    this.attempt.add(durationMs)
  }

  get values(): Counts {
    return {
      handled: this.handledCount,
      failed: this.failedCount,
      refused: this.refusedCount,
      attempt: this.attempt.values,
      critical: this.critical.values,
      criticalNewestMs: this.handledCount === 0 ? null : this.newestMs,
    }
  }
}
