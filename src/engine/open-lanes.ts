import type { Delivery } from './delivery.ts'

/**
 * The open lanes of a processor that have messages in memory, each with its newest.
 *
 * A lane that has come to its end stays as a name until many have: with a busy processor most come again at once. And
 * a map that shrinks or grows leaves its old table behind, which the young generation of the heap takes for alive with
 * all that it names once it has grown old: then every message would be copied twice and cleared only by a full
 * collection, which was a fifth of all time.
 */
export class OpenLanes {
  private newest = new Map<string, Delivery | undefined>()
  /** How many names there may be before those without messages go. */
  private readonly namesMax: number
  private sweepAt: number

  constructor(namesMax: number) {
    this.namesMax = namesMax
    this.sweepAt = namesMax
  }

  has(context: string): boolean {
    return this.newest.get(context) !== undefined
  }

  /** How many there are, those without messages included. */
  get names(): number {
    return this.newest.size
  }

  newestOf(context: string): Delivery | undefined {
    return this.newest.get(context)
  }

  /** A message is the newest of its lane, or its first. */
  add(context: string, delivery: Delivery): void {
    this.newest.set(context, delivery)
    if (this.newest.size > this.sweepAt) this.sweep()
  }

  end(context: string): void {
    this.newest.set(context, undefined)
  }

  private sweep(): void {
    const kept = new Map<string, Delivery | undefined>()
    for (const [context, delivery] of this.newest) if (delivery !== undefined) kept.set(context, delivery)
    this.newest = kept
    // As many again as there are messages may come before the next look, whatever their number.
    this.sweepAt = this.namesMax + 2 * kept.size
  }
}
