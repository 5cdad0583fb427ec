// Ends of steps that are being written in transactions of others: of commands, of flows that a flow has started.
//
//   written by a transaction, with a number ──told──→ gone
//     ├──its flow is told something else before──→ with a number behind that ──told──→ gone
//     ├──its transaction is made again──→ with a new number, behind all others
//     └──its flow is made from a journal that has it──→ gone: the replay tells it, at its place there
//
// Invariant: a flow is told its ends in the order of their numbers, since a replay tells them so. An end gets its number
// when its transaction is made and is told when that is committed; what the flow is told between has a higher number.
// So the end gets one that is higher still, and so does each one behind it, in their order. An end that the flow was told
// keeps its number.
import type { JournalEntry } from '../../model/flow.ts'
import type { FlowChange } from '../../seam/flows.ts'

/** An end that is being written. Made by a constructor: there is one for each call of each flow. */
class UnderWay {
  readonly of: number
  n: number
  next: UnderWay | undefined

  constructor(of: number, n: number) {
    this.of = of
    this.n = n
    this.next = undefined
  }
}

const none: readonly FlowChange[] = []

export class StepEndsUnderWay {
  private readonly newEntry: () => number
  /** By flow, the first of its ends; each refers to the one that has the next number. */
  private readonly first = new Map<number, UnderWay>()

  constructor(newEntry: () => number) {
    this.newEntry = newEntry
  }

  /** Gives the number with which the end of a step is written. */
  begin(flow: number, of: number): number {
    const n = this.newEntry()
    this.take(flow, of)
    const end = new UnderWay(of, n)
    let last = this.first.get(flow)
    while (last?.next !== undefined) last = last.next
    if (last === undefined) this.first.set(flow, end)
    else last.next = end
    return n
  }

  /** The flow is told something else: gives the changes that put these ends behind it. */
  putBehind(flow: number): readonly FlowChange[] {
    const first = this.first.get(flow)
    if (first === undefined) return none
    const changes: FlowChange[] = []
    for (let one: UnderWay | undefined = first; one !== undefined; one = one.next) {
      const { n: from } = one
      one.n = this.newEntry()
      changes.push({ do: 'renumber', flow, from, n: one.n })
    }
    return changes
  }

  /** An end is written: gives its entry as the journal has it, or will have. */
  written(flow: number, entry: JournalEntry): JournalEntry {
    const end = this.take(flow, entry.of!)
    return end === undefined || end.n === entry.n ? entry : { ...entry, n: end.n }
  }

  /** A flow is made from its journal: it is told the ends that are there. */
  inJournal(flow: number, journal: readonly JournalEntry[]): void {
    if (!this.first.has(flow)) return
    for (const { of } of journal) if (of !== null) this.take(flow, of)
  }

  /** A flow has ended: nothing is told to it. */
  forget(flow: number): void {
    this.first.delete(flow)
  }

  /** Takes an end out. */
  private take(flow: number, of: number): UnderWay | undefined {
    let before: UnderWay | undefined
    for (let one = this.first.get(flow); one !== undefined; one = one.next) {
      if (one.of === of) {
        if (before !== undefined) before.next = one.next
        else if (one.next !== undefined) this.first.set(flow, one.next)
        else this.first.delete(flow)
        return one
      }
      before = one
    }
    return undefined
  }
}
