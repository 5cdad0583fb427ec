// The steps of a flow that its function has come to in this run.
//
//   begun ──its end is delivered──→ closed
//   noted, where it ends as it begins
import { commandIdOf, type JournalEntry, type OpenCall, type Outcome } from '../../model/flow.ts'
import type { Step, StepPlan } from './host.ts'

export class Steps {
  /** By the number of the entry with which they began, in order. */
  private readonly all = new Map<number, Step>()
  private readonly opened = new Set<Step>()
  private noted: Set<number> | undefined

  /** Begins a step; `attempt` is the entry that its command is named after. */
  begin(entry: JournalEntry, attempt: number, plan: StepPlan): Step {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    // A branch that lost, or a call that is not awaited, may fail.
    promise.catch(() => {})
    const step: Step = { entry, attempt, promise, resolve, reject, plan, outcome: undefined, thrown: undefined }
    this.all.set(entry.n, step)
    this.opened.add(step)
    return step
  }

  /** A step ends as it begins. */
  note({ n }: JournalEntry): void {
    this.noted = (this.noted ?? new Set()).add(n)
  }

  /** True where the function has come to the step that an entry began. */
  has(n: number): boolean {
    return this.all.has(n) || this.noted?.has(n) === true
  }

  get(n: number): Step | undefined {
    return this.all.get(n)
  }

  close(step: Step, outcome: Outcome): void {
    step.outcome = outcome
    this.opened.delete(step)
  }

  /** The steps without an end, in the order in which they began. */
  get open(): ReadonlySet<Step> {
    return this.opened
  }

  get last(): Step | undefined {
    return [...this.all.values()].at(-1)
  }

  /** The step whose failure the function was given as this error. */
  failedWith(error: unknown): Step | undefined {
    for (const step of this.all.values()) if (step.thrown !== undefined && step.thrown === error) return step
    return undefined
  }
}

/** The command of a step, by which it is withdrawn. */
export const openCallOf = (flow: number, { entry, attempt }: Step): OpenCall => ({
  id: commandIdOf(flow, attempt),
  type: entry.what,
})

/** A step in words. */
export function nameOf({ kind, step, what }: Pick<JournalEntry, 'kind' | 'step' | 'what'>): string {
  return `${kind} "${step}"${what === '' || what === step ? '' : ` (${what})`}`
}
