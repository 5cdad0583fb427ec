// A journal while a function is told it anew: what it was told is behind, the rest before it.
import { isStep, type JournalEntry } from '../../model/flow.ts'

export class Replay {
  private readonly entries: readonly JournalEntry[]
  private byStep: Map<string, JournalEntry> | undefined
  private at = 0
  /** Where the next entry is that is no end of a step, as far as it was looked for. */
  private nextBegin = 0
  private stepsLeft = 0
  private cancelsLeft = 0
  /** Ends before it that were told out of turn. */
  private told: Set<JournalEntry> | undefined

  constructor(entries: readonly JournalEntry[]) {
    this.entries = entries
    if (entries.length === 0) return
    this.byStep = new Map()
    for (const entry of entries) {
      if (entry.of !== null) continue
      this.byStep.set(entry.step, entry)
      if (isStep(entry)) this.stepsLeft++
      if (entry.kind === 'cancel') this.cancelsLeft++
    }
  }

  get over(): boolean {
    return this.at >= this.entries.length
  }

  /** Whether beginnings of steps are before it. */
  get hasSteps(): boolean {
    return this.stepsLeft > 0
  }

  /** That it is cancelled, where nothing but ends of steps comes before that. */
  cancelAhead(): JournalEntry | undefined {
    if (this.cancelsLeft === 0) return undefined
    this.nextBegin = Math.max(this.nextBegin, this.at)
    while (this.entries[this.nextBegin]?.of != null) this.nextBegin++
    const next = this.entries[this.nextBegin]
    return next?.kind === 'cancel' ? next : undefined
  }

  /** The next entry, which is behind it then; those that were told are passed over. */
  next(): JournalEntry | undefined {
    while (this.at < this.entries.length && this.told?.has(this.entries[this.at]!)) this.at++
    const entry = this.entries[this.at++]
    if (entry !== undefined && isStep(entry)) this.stepsLeft--
    if (entry?.kind === 'cancel') this.cancelsLeft--
    return entry
  }

  /** The beginning of a step, by its name. */
  step(name: string): JournalEntry | undefined {
    return this.byStep?.get(name)
  }

  /** A step that is on the way no more: who begins one of its name begins anew. */
  drop(entry: JournalEntry): void {
    if (this.byStep?.get(entry.step) === entry) this.byStep.delete(entry.step)
  }

  entry(number: number): JournalEntry | undefined {
    return this.entries.find(({ n }) => n === number)
  }

  /** Beginnings of steps, in order. */
  steps(): JournalEntry[] {
    return this.entries.filter(isStep)
  }

  /** The end of a step, where it is before it. */
  endOf(n: number): JournalEntry | undefined {
    for (const entry of this.endsLeft()) if (entry.of === n) return entry
    return undefined
  }

  /** Ends that are before it, in order. */
  *endsLeft(): Generator<JournalEntry> {
    for (let index = this.at; index < this.entries.length; index++) {
      const entry = this.entries[index]!
      if (entry.of !== null && !this.told?.has(entry)) yield entry
    }
  }

  /** An end is told out of turn. */
  tell(end: JournalEntry): void {
    this.told = (this.told ?? new Set()).add(end)
  }
}
