// How the ends of steps reach the function: one by one, in the order of the journal.
//
//   in the journal ──received──→ in the inbox ──delivered──→ the step is closed, its promise settled
//   by the flow itself ──all that the journal has is delivered──→ written and delivered
//
// An end is delivered once, and a new one has the highest number: so what the inbox or a replay has ahead is delivered
// before it. After the function has ended only steps of undos are settled; undos read the outcome of the others.
import { fault, isErrorCode } from '../../model/errors.ts'
import { isUndo, type JournalEntry, type Outcome, type SubflowFailed } from '../../model/flow.ts'
import { Refused } from '../../model/refused.ts'
import type { FlowChange } from '../../seam/flows.ts'
import type { Owner } from '../../seam/world.ts'
import type { Step } from './host.ts'
import type { Inbox } from './inbox.ts'
import type { Journal } from './journal.ts'
import type { Replay } from './replay.ts'
import { nameOf, type Steps } from './steps.ts'

/** What delivery needs of its flow. */
export interface DeliveryFlow {
  readonly steps: Steps
  readonly inbox: Inbox
  readonly journal: Journal
  readonly replay: Replay
  readonly branches: { readonly root: Owner }
  readonly host: DeliveryHost
  /** Closed: the function has ended, or counts no more. */
  readonly status: { readonly isClosed: boolean }
  readonly differences: { differs(what: string, begun: JournalEntry): void }
}

/** What it needs of the engine. */
export interface DeliveryHost {
  blame(error: Error, owner: Owner): void
  prompted(trace: string | null): void
  /** Puts ends of steps that others are writing now behind all that the journal has: gives the changes. */
  endsBehind(): readonly FlowChange[]
}

export class EndDelivery {
  private readonly flow: DeliveryFlow

  constructor(flow: DeliveryFlow) {
    this.flow = flow
  }

  /** Takes the end of a step, which is in the journal already. An end of an attempt that was given up does not count. */
  receive(end: JournalEntry): void {
    const { steps, inbox, replay } = this.flow
    const of = replay.repeats.firstOf(end.of!)
    const step = steps.get(of)
    if (replay.repeats.isVoid(of) || inbox.hasEndOf(of) || step?.outcome !== undefined) return
    if (step !== undefined && step.attempt !== end.of) return
    inbox.receive(of === end.of ? end : { ...end, of })
  }

  /** The journal is loaded up to an entry: ends that were received before that and are in it come by it. */
  loaded(last: number): void {
    for (const end of this.flow.inbox.takeEnds()) if (end.n > last) this.receive(end)
  }

  /** The next end to be delivered. */
  next(): JournalEntry | undefined {
    return this.flow.inbox.firstEnd()
  }

  /** Delivers an end. */
  deliver(end: JournalEntry): void {
    const { steps, inbox, replay } = this.flow
    const step = steps.get(end.of!)
    inbox.delivered(end)
    if (step === undefined) {
      const begun = replay.entry(end.of!) ?? end
      this.flow.differences.differs(
        `the journal has the end of ${nameOf(begun)}, which today's code has not begun`,
        begun,
      )
      return
    }
    if (step.outcome !== undefined) return
    const outcome = end.data as Outcome
    if (end.trace !== undefined) this.flow.host.prompted(end.trace)
    steps.close(step, outcome)
    const { kind, what } = step.entry
    const mail = outcome.ok ? (outcome.value as { mail?: number } | null)?.mail : undefined
    if (mail !== undefined && kind === 'wait') inbox.mailRead(what, mail)
    if (!this.flow.status.isClosed || isUndo(step.entry.step)) this.settle(step, outcome)
  }

  private settle(step: Step, outcome: Outcome): void {
    const { command } = step.plan
    if (outcome.ok) step.resolve(command === undefined || command.reply !== undefined ? outcome.value : undefined)
    else {
      const error = errorOf(outcome)
      this.flow.host.blame(error, this.flow.branches.root)
      step.thrown = error
      step.reject(error)
    }
  }

  /** Ends a step by the flow itself, unless the journal has its end already. */
  conclude(step: Step, outcome: Outcome): void {
    const { journal, replay } = this.flow
    const { n, step: name, kind, what } = step.entry
    const before = replay.endOf(n)
    this.deliverUpTo(before)
    if (before !== undefined) return
    for (let end = this.next(); end !== undefined; end = this.next()) this.deliver(end)
    if (step.outcome !== undefined) return
    const end: JournalEntry = { n: journal.newNumber(), of: n, kind, step: name, what, data: outcome, at: journal.now }
    journal.end(end)
    journal.change(this.flow.host.endsBehind())
    this.deliver(end)
  }

  /** Delivers an end that is ahead in the journal, and those before it; all that are ahead where none is given. */
  private deliverUpTo(last: JournalEntry | undefined): void {
    const { replay, steps } = this.flow
    for (const end of replay.endsAhead()) {
      if (steps.get(end.of!) !== undefined) this.deliverAhead(end)
      if (end === last) return
    }
  }

  private deliverAhead(end: JournalEntry): void {
    this.flow.replay.deliver(end)
    this.deliver(end)
  }

  /** Delivers the end of a step where it is ahead in the journal; false where it is not. */
  deliverEndOf({ entry }: Step): boolean {
    const end = this.flow.replay.endOf(entry.n)
    if (end === undefined) return false
    this.deliverAhead(end)
    return true
  }

  /** True where no end of a step is known. */
  isOpen({ outcome, entry }: Step): boolean {
    const { replay, inbox } = this.flow
    return outcome === undefined && replay.endOf(entry.n) === undefined && !inbox.hasEndOf(entry.n)
  }
}

function errorOf(outcome: Outcome & { readonly ok: false }): Error {
  const { code, message, data } = outcome
  if (code === 'refused') return new Refused(message, data)
  const why = code === 'millrace/subflow-failed' ? (data as SubflowFailed | undefined)?.error : undefined
  const cause = why?.code === 'refused' ? new Refused(why.message, why.data) : undefined
  return fault(isErrorCode(code) ? code : 'millrace/step-timed-out', message, { data, cause })
}
