// The progress of one processor in one stream.
//
// Invariants: every position up to `low` is done; `low + 1` is not, or does not exist yet; no position above
// `low + span` is done. A position becomes done once, by the commit that acknowledges it.
import type { ProgressRow } from '../../seam/progress.ts'

/** Positions may be done up to this far above the low-water: one byte each in memory, one bit each on disk. */
export const span = 16_384

/** The ring of a processor that has done nothing since the start: shared, so that a great many cost nothing. */
const nothing = new Uint8Array(span)

export class Progress {
  readonly processor: string
  readonly stream: number
  readonly epoch: number
  low: number
  /** The low-water of the row written last. */
  rowLow: number
  private high: number
  /** 1 where the position at this place is done; 0 for positions up to `low`. */
  private ring = nothing
  private savedRing = nothing
  private saved = { low: 0, high: 0 }

  constructor({ processor, stream, epoch, low, done }: ProgressRow) {
    this.processor = processor
    this.stream = stream
    this.epoch = epoch
    this.low = low
    this.high = low
    this.rowLow = low
    const bits = (done?.length ?? 0) * 8
    for (let bit = 0; bit < bits; bit++) if (done![bit >> 3]! & (1 << (bit & 7))) this.done(low + 1 + bit)
  }

  /** Whether a position may become done now. */
  reaches(position: number): boolean {
    return position - this.low <= span
  }

  isDone(position: number): boolean {
    return position <= this.low || (this.reaches(position) && this.ring[position % span] === 1)
  }

  done(position: number): void {
    if (this.isDone(position)) throw new Error(`position ${position} of "${this.processor}" was done before`)
    if (!this.reaches(position)) throw new Error(`position ${position} of "${this.processor}" is beyond its span`)
    if (this.ring === nothing) this.ring = new Uint8Array(span)
    this.ring[position % span] = 1
    if (position > this.high) this.high = position
    while (this.ring[(this.low + 1) % span] === 1) {
      this.low++
      this.ring[this.low % span] = 0
    }
  }

  row(): ProgressRow {
    this.rowLow = this.low
    const { processor, stream, epoch, low } = this
    return { processor, stream, epoch, low, done: this.encode() }
  }

  /** Remembers this state. `restore` returns to it when a transaction fails. */
  save(): void {
    this.saved.low = this.low
    this.saved.high = this.high
    if (this.ring === nothing) return
    if (this.savedRing === nothing) this.savedRing = new Uint8Array(span)
    this.savedRing.set(this.ring)
  }

  restore(): void {
    this.low = this.saved.low
    this.high = this.saved.high
    if (this.ring !== nothing) this.ring.set(this.savedRing)
  }

  private encode(): Uint8Array | null {
    if (this.high <= this.low) return null
    const bits = new Uint8Array(((this.high - this.low - 1) >> 3) + 1)
    for (let position = this.low + 1; position <= this.high; position++) {
      if (this.ring[position % span] === 1)
        bits[(position - this.low - 1) >> 3]! |= 1 << ((position - this.low - 1) & 7)
    }
    return bits
  }
}
