// The changes of one transaction of a commit group, and the decisions of the store about them.
import type { Stored } from '../../model/codec.ts'
import type { Changes, Written } from '../../seam/commit.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { FlowChange, StepEnded } from '../../seam/flows.ts'
import type { ProgressRow } from '../../seam/progress.ts'
import type { RequestChange } from '../../seam/requests.ts'
import type { TimedChange, TimedResult } from '../../seam/timers.ts'
import { type AskedChange, type Journals, type StepEnd, stepEndOf } from './asked.ts'
import { setPositions } from './positions.ts'

const none: readonly Stored[] = []

/** A class, as all that lives as long as a commit group. */
export class TransactionChanges implements Changes {
  readonly append: Stored[] = []
  readonly claims: number[] = []
  readonly progress: ProgressRow[] = []
  readonly desk: DeskChange[] = []
  readonly requests: RequestChange[] = []
  readonly flows: FlowChange[] = []
  readonly ends: StepEnd[] = []
  /** The changes of `flows` that end steps. */
  private readonly ended: StepEnded[] = []
  readonly timed: TimedChange[] = []
  readonly marks: Changes['marks'][number][] = []
  /** The answer of the store. */
  written: Written | undefined = undefined
  /** The messages that have a position, in the order of positions. */
  appended: readonly Stored[] = none
  /** The messages that are kept until they are due. */
  delayed: readonly Stored[] = none

  /** Adds the messages of a function, or of a handler. Ids that it has given are claimed. */
  leave(outgoing: readonly Stored[]): void {
    for (const message of outgoing) {
      if (message.ownId) this.claims.push(this.append.length)
      this.append.push(message)
    }
  }

  /** Adds what becomes of a command. */
  asked(change: AskedChange): void {
    if (change.do !== 'end' || change.asker === 'app') this.requests.push(change)
    else this.ends.push(stepEndOf(change))
  }

  /** Adds the ends of steps: each is an entry of the journal of its flow, behind all that this journal has. */
  enter(journals: Journals): void {
    for (const { flow, of, kind, data, at, trace } of this.ends) {
      const bare = { n: journals.numberOf(flow, of), of, kind, step: '', what: '', data, at }
      const entry = trace === null ? bare : { ...bare, trace }
      const change = { do: 'ended', flow, entry } as const
      this.flows.push(change)
      this.ended.push(change)
    }
  }

  /** The ends of steps whose flows exist, in order. */
  get told(): readonly StepEnded[] {
    const { ended, written } = this
    return ended.length === 0 ? ended : ended.filter((_, index) => written!.flows.ended[index])
  }

  /** Takes the answer of the store. */
  decided(written: Written): void {
    this.written = written
    const { append, timed } = this
    if (setPositions(append, written.appended)) this.appended = append
    else {
      this.appended = append.filter(({ position }) => position > 0)
      this.delayed = append.filter((_, index) => written.appended[index] === 0)
    }
    if (timed.length > 0) this.appended = [...this.appended, ...timed.flatMap(this.ofTimed, this)]
  }

  /** Refers to nothing from now on. */
  clear(): void {
    for (const list of [this.append, this.claims, this.desk, this.requests, this.flows, this.ends, this.ended])
      list.length = 0
    this.appended = none
    this.delayed = none
  }

  private ofTimed(change: TimedChange, index: number): readonly Stored[] {
    const result = this.written!.timed[index] as TimedResult
    if (result.do === 'fire') return result.appended
    if (change.do !== 'slot' && change.do !== 'alert') return none
    if (result.do !== 'slot' && result.do !== 'alert') return none
    const messages = [change.message]
    return setPositions(messages, [result.appended]) ? messages : none
  }
}
