/** A queue by key: the item with the lowest key leaves first. `push` and `shift` take time in the logarithm of its size. */
export class Heap<T> {
  private readonly items: T[] = []
  private readonly keyOf: (item: T) => number

  /** @param keyOf returns the key of an item, which does not change while the item is in the queue */
  constructor(keyOf: (item: T) => number) {
    this.keyOf = keyOf
  }

  get first(): T | undefined {
    return this.items[0]
  }

  push(item: T): void {
    const { items } = this
    items.push(item)
    for (let at = items.length - 1; at > 0; ) {
      const above = (at - 1) >> 1
      if (!this.isBefore(at, above)) return
      this.swap(at, above)
      at = above
    }
  }

  shift(): T | undefined {
    const { items } = this
    const [first] = items
    const last = items.pop()
    if (items.length === 0) return first
    items[0] = last!
    for (let at = 0; ; ) {
      let least = at
      for (const below of [2 * at + 1, 2 * at + 2]) {
        if (below < items.length && this.isBefore(below, least)) least = below
      }
      if (least === at) return first
      this.swap(at, least)
      at = least
    }
  }

  clear(): void {
    this.items.length = 0
  }

  private isBefore(one: number, other: number): boolean {
    return this.keyOf(this.items[one]!) < this.keyOf(this.items[other]!)
  }

  private swap(one: number, other: number): void {
    const { items } = this
    const item = items[one]!
    items[one] = items[other]!
    items[other] = item
  }
}
