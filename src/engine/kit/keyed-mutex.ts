/** Runs work on one key after the other; work on different keys runs at the same time. */
export class KeyedMutex<Key> {
  private readonly taken = new Map<Key, Promise<void>>()

  /** Resolves when the work on a key ends; undefined where none is under way. Other work may begin right after it. */
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
