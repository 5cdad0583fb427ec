// What the calls of a function do: each begins a step of the flow, or finds it in the journal.
//
//   called ─┬─ the journal has the step ──→ the same step, unless kind or type differ: mismatch
//           ├─ the step is to be done again ──→ a new attempt at it
//           ├─ the journal has other steps ahead ──→ mismatch
//           └─ new ──→ an entry, with what leaves with it
//
// A call of code that counts no more (its flow has ended or differs from its journal, its branch has lost) begins nothing
// and never returns. A call while the flow rests is unprompted: its code awaited something that is no step.
import { commandIdOf, type JournalEntry, type StepKind } from '../../model/flow.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import type { Branches } from './branches.ts'
import type { CallsHost, FlowCalls } from './context.ts'
import type { Differences } from './differences.ts'
import type { Step, StepPlan } from './host.ts'
import type { Journal } from './journal.ts'
import type { StepNames } from './names.ts'
import type { Replay } from './replay.ts'
import { nameOf, type Steps } from './steps.ts'

/** What the calls need of their flow. */
export interface CallsFlow {
  readonly id: number
  readonly host: CallsHost
  readonly journal: Journal
  readonly replay: Replay
  readonly steps: Steps
  readonly branches: Branches
  readonly undo: { add(step: Step): void }
  readonly inbox: { readonly isResting: boolean }
  /** Closed: the function has ended, or counts no more. */
  readonly status: { readonly isClosed: boolean; passNoReturn(): void }
  readonly differences: Differences
  /** A branch of a race lost while a step of it was open. */
  lose(step: Step): void
}

export class Calls implements FlowCalls {
  readonly id: number
  readonly host: CallsHost
  private readonly flow: CallsFlow
  private readonly names: StepNames
  /** The flow that continues in place of this one when the function returns. */
  successor: FlowRow | undefined

  constructor(flow: CallsFlow, names: StepNames) {
    this.id = flow.id
    this.host = flow.host
    this.flow = flow
    this.names = names
  }

  step(kind: StepKind, name: string, what: string, plan: StepPlan): Promise<unknown> {
    const entry = this.begin(kind, name, what, plan)
    if (entry === undefined) return never()
    plan.begun?.(entry)
    const { steps, replay, undo, branches } = this.flow
    const step = steps.begin(entry, replay.repeats.lastOf(entry.n), plan)
    undo.add(step)
    branches.join(step)
    return step.promise
  }

  note(kind: StepKind, name: string, what: string, plan: StepPlan): unknown {
    const entry = this.begin(kind, name, what, plan)
    if (entry === undefined) return undefined
    this.flow.steps.note(entry)
    return entry.data
  }

  /** A flow that passed this place before the change existed finds 0. */
  version(change: string, latest: number): number {
    const { replay } = this.flow
    const passed = replay.hasSteps && replay.step(this.names.next(change)) === undefined
    if (passed) {
      this.names.take(change)
      return 0
    }
    return (this.note('version', change, '', { data: () => latest }) as number | undefined) ?? latest
  }

  continueAs(data: unknown): void {
    const { spec } = this.host
    let next: FlowRow | undefined
    const make = (n: number) => {
      next = this.host.newFlow(spec, data, commandIdOf(this.id, n))
      return null
    }
    const entry = this.begin('continue', 'continue', spec.name, { data: make })
    if (entry === undefined) return
    this.flow.steps.note(entry)
    if (next === undefined) make(entry.n)
    this.successor = next
  }

  noReturn(): void {
    const entry = this.begin('no return', 'no return', '', {})
    if (entry === undefined) return
    this.flow.steps.note(entry)
    this.flow.status.passNoReturn()
  }

  race(branches: readonly (() => unknown)[]): Promise<unknown> {
    return this.flow.branches.race(branches, (step) => this.flow.lose(step))
  }

  private get leadsNowhere(): boolean {
    const { status, branches, differences } = this.flow
    return (status.isClosed && !this.names.inUndo) || branches.isLost || differences.mismatch !== undefined
  }

  private begin(kind: StepKind, name: string, what: string, plan: StepPlan): JournalEntry | undefined {
    const { flow } = this
    if (this.leadsNowhere) return undefined
    if (flow.inbox.isResting) {
      flow.differences.beganUnprompted(nameOf({ kind, step: name, what }))
      return undefined
    }
    const step = this.names.take(name)
    const known = flow.replay.step(step)
    if (known !== undefined) {
      if (known.kind === kind && known.what === what) {
        return flow.replay.repeats.isRepeated(known) ? this.repeat(known, plan) : known
      }
      const today = `${kind} "${step}"${what === '' ? '' : ` (${what})`}`
      flow.differences.differs(`today's code does ${today} where the journal has ${nameOf(known)}`, known, today)
      return undefined
    }
    const n = flow.journal.newNumber()
    const leaving = flow.journal.makeLeaving(plan, n)
    if (flow.replay.hasSteps) {
      const next = flow.replay
        .steps()
        .find((other) => !flow.replay.repeats.mayBeVoid(other) && !flow.steps.has(other.n))
      if (next !== undefined) {
        const today = `${kind} "${step}"${what === '' ? '' : ` (${what})`}`
        flow.differences.differs(`today's code does ${today}, the journal goes on with ${nameOf(next)}`, next, today)
        return undefined
      }
    }
    const entry: JournalEntry = { n, of: null, kind, step, what, data: plan.data?.(n) ?? null, at: flow.journal.now }
    flow.journal.enter(entry)
    flow.journal.leave(entry, plan, leaving)
    return entry
  }

  /** Does a step again that had failed, as a new attempt. */
  private repeat(entry: JournalEntry, plan: StepPlan): JournalEntry {
    const { journal, replay } = this.flow
    const n = journal.newNumber()
    const leaving = journal.makeLeaving(plan, n)
    const data = plan.data?.(n) ?? {}
    const again = replay.repeats.begin(entry, n, data)
    journal.enter({ n, of: null, kind: 'again', step: entry.step, what: entry.what, data: again, at: journal.now })
    const anew = { ...entry, data, at: journal.now }
    journal.leave(anew, plan, leaving)
    return anew
  }
}

const never = () => new Promise<never>(() => {})
