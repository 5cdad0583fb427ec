// A journal while a function runs anew: a cursor over its entries. Entries behind it were replayed, the rest is ahead.
//
//   ahead ──next()──→ behind
//   ahead ──delivered before its turn──→ passed over by next()
import { isStep, type JournalEntry } from '../../model/flow.ts'
import { Repeats } from './repeats.ts'

export class Replay {
  private entries: readonly JournalEntry[] = []
  private byName: Map<string, JournalEntry> | undefined
  private at = 0
  /** No entry between the cursor and this one begins anything. */
  private nextBegin = 0
  private stepsAhead = 0
  private cancelsAhead = 0
  /** Ends ahead that were delivered. */
  private delivered: Set<JournalEntry> | undefined
  readonly repeats = new Repeats()

  /** Takes the journal of a flow, and the first entry of a step that is to be done again. */
  load(journal: readonly JournalEntry[], repeated: number | undefined): void {
    if (journal.length === 0) return
    const entries = this.repeats.load(journal, repeated)
    this.entries = entries
    this.byName = new Map()
    for (const entry of entries) {
      if (entry.of !== null) continue
      this.byName.set(entry.step, entry)
      if (isStep(entry)) this.stepsAhead++
      if (entry.kind === 'cancel') this.cancelsAhead++
    }
  }

  get isDone(): boolean {
    return this.at >= this.entries.length
  }

  /** True where beginnings of steps are ahead. */
  get hasSteps(): boolean {
    return this.stepsAhead > 0
  }

  /** The cancellation that is ahead, where only ends of steps come before it. */
  cancelAhead(): JournalEntry | undefined {
    if (this.cancelsAhead === 0) return undefined
    this.nextBegin = Math.max(this.nextBegin, this.at)
    while (this.entries[this.nextBegin]?.of != null) this.nextBegin++
    const next = this.entries[this.nextBegin]
    return next?.kind === 'cancel' ? next : undefined
  }

  /** Takes the next entry that was not delivered. */
  next(): JournalEntry | undefined {
    while (this.at < this.entries.length && this.delivered?.has(this.entries[this.at]!)) this.at++
    const entry = this.entries[this.at++]
    if (entry !== undefined && isStep(entry)) this.stepsAhead--
    if (entry?.kind === 'cancel') this.cancelsAhead--
    return entry
  }

  /** The beginning of a step, by its name. */
  step(name: string): JournalEntry | undefined {
    return this.byName?.get(name)
  }

  /** Forgets a step: another of its name begins anew. */
  drop(entry: JournalEntry): void {
    if (this.byName?.get(entry.step) === entry) this.byName.delete(entry.step)
  }

  entry(number: number): JournalEntry | undefined {
    return this.entries.find(({ n }) => n === number)
  }

  /** Beginnings of steps, in order. */
  steps(): JournalEntry[] {
    return this.entries.filter(isStep)
  }

  /** The end of a step, where it is ahead. */
  endOf(n: number): JournalEntry | undefined {
    for (const entry of this.endsAhead()) if (entry.of === n) return entry
    return undefined
  }

  /** Ends that are ahead, in order. */
  *endsAhead(): Generator<JournalEntry> {
    for (let index = this.at; index < this.entries.length; index++) {
      const entry = this.entries[index]!
      if (entry.of !== null && !this.delivered?.has(entry)) yield entry
    }
  }

  /** An end is delivered before its turn. */
  deliver(end: JournalEntry): void {
    this.delivered = (this.delivered ?? new Set()).add(end)
  }
}
