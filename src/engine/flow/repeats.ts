// A step that failed after the point of no return is done again: as a new attempt, with an entry and a number of its own.
//
//   failed ──a person resumes the flow──→ repeated, when the function comes to it ──ends──→ its end is that of the step
//
// Steps that the function began because of the failure count no more, unless it comes to them again.
import { type Again, type JournalEntry, withoutVoided } from '../../model/flow.ts'

export class Repeats {
  /** The first entry of the step that is to be done again; undefined once it is. */
  private repeated: number | undefined
  /** The number of the end that counts no more. */
  private failedAt = Number.POSITIVE_INFINITY
  /** The first entry of a step, by the entry with which it was done again. */
  private first: Map<number, number> | undefined
  /** Steps that began because of a failure. */
  private voided: Set<number> | undefined
  /** Those of them that this repetition voids: its entry names them. */
  private voidedNow: number[] | undefined

  /** Takes a journal, and the step that is to be done again; returns the entries that count. */
  load(journal: readonly JournalEntry[], repeated: number | undefined): readonly JournalEntry[] {
    const { entries, again, gone } = withoutVoided(journal)
    if (again.size > 0) this.first = new Map(again)
    if (gone.size > 0) this.voided = new Set(gone)
    if (repeated === undefined) return entries
    this.repeated = repeated
    this.failedAt = entries.findLast(({ of }) => of === repeated)?.n ?? this.failedAt
    return entries.filter(({ of }) => of !== repeated)
  }

  isRepeated({ n }: JournalEntry): boolean {
    return n === this.repeated
  }

  /** True where an entry came after the failure, so the function may come to it no more. */
  mayBeVoid({ n }: JournalEntry): boolean {
    return n > this.failedAt
  }

  void({ n }: JournalEntry): void {
    this.voided = (this.voided ?? new Set()).add(n)
    this.voidedNow ??= []
    this.voidedNow.push(n)
  }

  isVoid(n: number): boolean {
    return this.voided?.has(n) === true
  }

  /** The step is done again by an entry; returns the data of that. */
  begin(step: JournalEntry, n: number, data: object): Again {
    this.repeated = undefined
    this.first ??= new Map()
    this.first.set(n, step.n)
    // The list is complete when the journal is replayed, and that is before the entry is written.
    this.voidedNow ??= []
    return { ...data, of: step.n, gone: this.voidedNow }
  }

  /** The first entry of the step that an entry began. */
  firstOf(n: number): number {
    return this.first?.get(n) ?? n
  }

  /** The last entry with which a step was done again; its first where it was not. */
  lastOf(n: number): number {
    let last = n
    if (this.first !== undefined) {
      for (const [later, first] of this.first) if (first === n && later > last) last = later
    }
    return last
  }
}
