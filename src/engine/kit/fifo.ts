/** First in, first out; what has left is not referred to any more. */
export class Fifo<T> {
  private readonly items: (T | undefined)[] = []
  /** Items before this index have left. */
  private start = 0

  get isEmpty(): boolean {
    return this.start === this.items.length
  }

  push(item: T): void {
    this.items.push(item)
  }

  /** @throws when there is none */
  shift(): T {
    if (this.isEmpty) throw new Error('nothing is left')
    const item = this.items[this.start] as T
    this.items[this.start++] = undefined
    if (this.isEmpty) this.keepFrom(this.items.length)
    else if (this.start >= 1_024 && this.start * 2 >= this.items.length) this.keepFrom(this.start)
    return item
  }

  private keepFrom(index: number): void {
    this.items.splice(0, index)
    this.start = 0
  }
}
