// Values in groups, each under a name. A group without values is forgotten.

const none: ReadonlySet<never> = new Set()

export class Groups<T> {
  private readonly groups = new Map<string, Set<T>>()

  add(name: string, value: T): void {
    const group = this.groups.get(name)
    if (group === undefined) this.groups.set(name, new Set([value]))
    else group.add(value)
  }

  delete(name: string, value: T): void {
    const group = this.groups.get(name)
    if (group?.delete(value) === true && group.size === 0) this.groups.delete(name)
  }

  of(name: string): ReadonlySet<T> {
    return this.groups.get(name) ?? none
  }

  *all(): Iterable<T> {
    for (const group of this.groups.values()) yield* group
  }
}
