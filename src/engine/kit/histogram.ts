// Durations counted by their size. Adding one allocates nothing.
import { type Histogram as Histogrammed, histogramBoundsMs } from '../../model/metrics.ts'

const bounds = Float64Array.from(histogramBoundsMs)
/** Of a histogram that has counted nothing: shared, so that a great many cost nothing. */
const nothing = new Float64Array(bounds.length + 1)

export class Histogram {
  private count = 0
  private sumMs = 0
  private buckets = nothing

  /** Where a clock was set back, a duration is none. */
  add(ms: number): void {
    if (this.buckets === nothing) this.buckets = new Float64Array(nothing.length)
    const duration = Math.max(0, ms)
    let bucket = 0
    while (bucket < bounds.length && duration > bounds[bucket]!) bucket++
    this.buckets[bucket]!++
    this.sumMs += duration
    this.count++
  }

  get values(): Histogrammed {
    return { count: this.count, sumMs: this.sumMs, buckets: [...this.buckets] }
  }
}
