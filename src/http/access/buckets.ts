// Limits by time: a bucket for each token or address. It fills at a rate, up to a size; who finds too little in it waits.
// Idle buckets are full again and forgotten, so the map holds only who came lately, and at most `bucketsMax` of them.

export interface BucketLimit {
  /** The most at once. */
  readonly burst: number
  /** What comes back in a second. */
  readonly perSecond: number
}

export const bucketsMax = 10_000

export class Buckets {
  readonly limit: BucketLimit
  private readonly now: () => number
  private readonly buckets = new Map<string, { left: number; at: number }>()

  constructor(limit: BucketLimit, now: () => number) {
    this.limit = limit
    this.now = now
  }

  /** Takes an amount; returns 0, or the milliseconds after which there is enough. */
  take(key: string, amount = 1): number {
    const ms = this.wait(key, amount)
    if (ms === 0) this.of(key).left -= amount
    return ms
  }

  /** Tells the milliseconds after which an amount is there; 0 for now. */
  wait(key: string, amount: number): number {
    const { left } = this.of(key)
    return Math.max(0, Math.ceil(((Math.min(amount, this.limit.burst) - left) / this.limit.perSecond) * 1_000))
  }

  /** Takes an amount, also where there is too little: the rest is owed. */
  owe(key: string, amount: number): void {
    this.of(key).left -= amount
  }

  /** Tells what is left, and in how many milliseconds the bucket is full. */
  left(key: string): { readonly left: number; readonly fullInMs: number } {
    if (!this.buckets.has(key)) return { left: this.limit.burst, fullInMs: 0 }
    const { left } = this.of(key)
    const { burst, perSecond } = this.limit
    return { left: Math.max(0, Math.floor(left)), fullInMs: Math.ceil(((burst - left) / perSecond) * 1_000) }
  }

  private of(key: string) {
    const { burst, perSecond } = this.limit
    const now = this.now()
    const known = this.buckets.get(key)
    if (known !== undefined) {
      known.left = Math.min(burst, known.left + (Math.max(0, now - known.at) / 1_000) * perSecond)
      known.at = now
      // The newest are last.
      this.buckets.delete(key)
      this.buckets.set(key, known)
      return known
    }
    const bucket = { left: burst, at: now }
    if (this.buckets.size >= bucketsMax) this.buckets.delete(this.buckets.keys().next().value!)
    this.buckets.set(key, bucket)
    return bucket
  }
}
