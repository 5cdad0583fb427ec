// What a flow has received and its function has not: ends of steps, in the order of the journal, and inputs.
//
//   resting ──its function begins──→ replaying ──the journal is at its end──→ resting
//   resting ──an input──→ working ──nothing is left──→ resting
//
//   end of a step:  received ──delivered──→ forgotten
import type { JournalEntry } from '../../model/flow.ts'
import { assertArrow } from '../kit/arrows.ts'

/** What is done with the flow. */
type Activity = 'resting' | 'replaying' | 'working'

const arrows: Readonly<Record<Activity, readonly Activity[]>> = {
  resting: ['replaying', 'working'],
  replaying: ['resting'],
  working: ['resting'],
}

export class Inbox {
  private activity: Activity = 'resting'
  /** Resolves when the flow rests. */
  rests = Promise.resolve()
  private inputs: (() => void)[] = []
  /** By the number of the entry with which their step began. */
  private ends = new Map<number, JournalEntry>()
  private lastEnd = 0
  /** The number of the last mail that the flow got, by type; the oldest after it is the next. */
  private mailAfter: Map<string, number> | undefined

  constructor(mailAfter: Readonly<Record<string, number>> | null) {
    if (mailAfter !== null) this.mailAfter = new Map(Object.entries(mailAfter))
  }

  get works(): boolean {
    return this.activity === 'working'
  }

  /** True where nothing is done with the flow: its code has nothing to run for. */
  get isResting(): boolean {
    return this.activity === 'resting'
  }

  become(activity: Activity): void {
    assertArrow('the inbox of a flow', arrows, this.activity, activity)
    this.activity = activity
  }

  // ── inputs ─────────────────────────────────────────────────────────────────────────────────────────────────────

  put(input: () => void): void {
    this.inputs.push(input)
  }

  nextInput(): (() => void) | undefined {
    return this.inputs.shift()
  }

  dropInputs(): void {
    this.inputs = []
  }

  // ── ends of steps ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes out all ends that are not delivered, in order. */
  takeEnds(): JournalEntry[] {
    const ends = [...this.ends.values()]
    this.ends.clear()
    return ends
  }

  /** Takes an end that is in the journal. */
  receive(end: JournalEntry): void {
    const { lastEnd } = this
    this.ends.set(end.of!, end)
    this.lastEnd = Math.max(lastEnd, end.n)
    if (end.n < lastEnd) this.ends = new Map([...this.ends].sort(([, one], [, other]) => one.n - other.n))
  }

  hasEndOf(step: number): boolean {
    return this.ends.has(step)
  }

  get hasEnds(): boolean {
    return this.ends.size > 0
  }

  /** The first end that is not delivered. */
  firstEnd(): JournalEntry | undefined {
    for (const end of this.ends.values()) return end
    return undefined
  }

  delivered({ of }: JournalEntry): void {
    this.ends.delete(of!)
  }

  // ── mail ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The number of the last mail of a type that the flow got. */
  mailHad(type: string): number {
    return this.mailAfter?.get(type) ?? 0
  }

  mailRead(type: string, n: number): void {
    this.mailAfter ??= new Map()
    this.mailAfter.set(type, n)
  }

  /** The same of all types, for the flow that continues in place of this one. */
  get mailOfAll(): Readonly<Record<string, number>> | null {
    return this.mailAfter === undefined ? null : Object.fromEntries(this.mailAfter)
  }
}
