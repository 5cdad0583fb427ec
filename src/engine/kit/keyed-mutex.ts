/** Who does something with the same thing does so one after the other. */
export class Turns<Key> {
  private readonly taken = new Map<Key, Promise<void>>()

  /** The end of what is being done with a thing; another may come right after it. */
  over(key: Key): Promise<void> | undefined {
    return this.taken.get(key)
  }

  async take<T>(key: Key, act: () => Promise<T>): Promise<T> {
    while (this.taken.has(key)) await this.taken.get(key)
    const done = act()
    const over = done.then(nothing, nothing).then(() => {
      if (this.taken.get(key) === over) this.taken.delete(key)
    })
    this.taken.set(key, over)
    return done
  }
}

const nothing = () => {}
