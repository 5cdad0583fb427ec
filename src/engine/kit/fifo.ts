/** A queue: first in, first out. It keeps no reference to what has left. */
export class Fifo<T> {
  private readonly items: (T | undefined)[] = []
  /** Items below this index have left. */
  private start = 0

  get isEmpty(): boolean {
    return this.start === this.items.length
  }

  push(item: T): void {
    this.items.push(item)
  }

  /** @throws when it is empty */
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
