// The names of the steps of a flow. A name that comes again gets a number: `take`, `take#2`. An undo is a scope: the steps
// that it begins have its name before theirs, `undo take/give back`.
export class StepNames {
  /** How often each name was taken. */
  private readonly taken = new Map<string, number>()
  private scope = ''

  /** True while an undo runs. */
  get inUndo(): boolean {
    return this.scope !== ''
  }

  /** The name that the next step of this name gets. */
  next(name: string): string {
    const full = `${this.scope}${name}`
    let times = (this.taken.get(full) ?? 0) + 1
    if (times === 1) return full
    while (this.taken.has(`${full}#${times}`)) times++
    return `${full}#${times}`
  }

  /** Takes that name. */
  take(name: string): string {
    const unique = this.next(name)
    const full = `${this.scope}${name}`
    this.taken.set(full, (this.taken.get(full) ?? 0) + 1)
    // A step that is called `take#2` by its author gets another name.
    if (unique !== full) this.taken.set(unique, 1)
    return unique
  }

  /** Opens the scope of an undo, in place of the one before. */
  openUndo(step: string): void {
    this.scope = ''
    this.scope = `${this.take(`undo ${step}`)}/`
  }
}
