// What ends an open step from outside: its time, its withdrawal, an event, an answer of a person.
//
// A step that has ended is left alone, so nothing here ends one twice. Once the function has ended, events and answers
// reach only steps of undos.
import { asJson } from '../../model/codec.ts'
import { fault, isMillraceError } from '../../model/errors.ts'
import { isUndo, type JournalEntry, type Outcome } from '../../model/flow.ts'
import type { Message } from '../../model/message.ts'
import { misfitsOf } from '../../model/misfits.ts'
import { type AnySchema, check } from '../../model/schema.ts'
import type { Step } from './host.ts'

/** What it needs of its flow. */
export interface OutsideFlow {
  readonly id: number
  readonly steps: { readonly open: Iterable<Step>; get(n: number): Step | undefined }
  readonly inbox: { mailHad(type: string): number }
  readonly delivery: { conclude(step: Step, outcome: Outcome): void }
  /** Closed: the function has ended, or counts no more. Dismissed: so does the flow. */
  readonly status: { readonly isClosed: boolean; readonly isDismissed: boolean }
}

export class Outside {
  private readonly flow: OutsideFlow

  constructor(flow: OutsideFlow) {
    this.flow = flow
  }

  /** The time of a step has come. Returns the step where it is to be withdrawn first: a call, or a subflow. */
  timeUp(n: number): Step | undefined {
    const { steps, delivery } = this.flow
    const step = steps.get(n)
    if (step === undefined || step.outcome !== undefined) return undefined
    const { kind, step: name } = step.entry
    if (kind === 'call' || kind === 'flow') return step
    const late = { ok: false, code: 'millrace/step-timed-out', message: `"${name}" took too long` } as const
    delivery.conclude(step, kind === 'sleep' ? { ok: true, value: null } : late)
    return undefined
  }

  /** A step was withdrawn. */
  withdrawn({ entry }: Step, effects: 'never' | 'unknown', why: 'took too long' | 'lost a race'): void {
    const { steps, delivery } = this.flow
    const step = steps.get(entry.n)
    if (step === undefined || step.outcome !== undefined) return
    const code = why === 'took too long' ? 'millrace/step-timed-out' : 'millrace/step-cancelled'
    delivery.conclude(step, { ok: false, code, message: `"${entry.step}" ${why} and was withdrawn`, effects })
  }

  /** The types of the events that the flow awaits now. */
  get awaited(): ReadonlySet<string> {
    const waits = [...this.flow.steps.open].filter((step) => this.isOpen(step, 'wait'))
    return new Set(waits.map(({ entry }) => entry.what))
  }

  /** Gives the flow an event that it may await; returns whether a step ended by it. */
  mail(n: number, message: Message): boolean {
    const { inbox, steps, delivery } = this.flow
    if (n <= inbox.mailHad(message.type)) return false
    for (const step of steps.open) {
      if (step.entry.what !== message.type || !this.isOpen(step, 'wait')) continue
      delivery.conclude(step, { ok: true, value: { ...message, context: message.context ?? null, mail: n } })
      return true
    }
    return false
  }

  /** Gives the answer of a person. Errors: `millrace/not-asked`, `millrace/bad-data`, `millrace/not-json`. */
  answer(name: string, value: unknown): void {
    const step = this.asked(name)
    const answer = checked(`answer to "${name}"`, step.plan.schema!, value) ?? null
    this.flow.delivery.conclude(step, {
      ok: true,
      value: asJson(`answer to "${name}"`, answer, Number.POSITIVE_INFINITY),
    })
  }

  /** The schema of the answer to an open question. Errors: `millrace/not-asked`. */
  schemaOf(name: string): AnySchema {
    return this.asked(name).plan.schema!
  }

  /** The step of an open question. */
  private asked(name: string): Step {
    const asked = [...this.flow.steps.open].filter((step) => this.isOpen(step, 'ask'))
    const step = asked.find(({ entry }) => entry.step === name)
    if (step !== undefined) return step
    const names = asked.map(({ entry }) => `"${entry.step}"`)
    const open = names.length === 0 ? 'it asks nothing now' : `it asks ${names.join(', ')}`
    throw fault('millrace/not-asked', `flow ${this.flow.id} does not ask "${name}": ${open}`)
  }

  /** True where an open step is of a kind, and gets what comes for it. */
  private isOpen({ entry: { kind, step } }: Step, of: JournalEntry['kind']): boolean {
    const { isClosed, isDismissed } = this.flow.status
    return kind === of && !isDismissed && (!isClosed || isUndo(step))
  }
}

/** Checks an answer. The error has the places that do not fit, where the schema says them. */
function checked(what: string, schema: AnySchema, value: unknown): unknown {
  try {
    return check(what, schema, value)
  } catch (error) {
    const misfits = isMillraceError(error) ? misfitsOf({ type: { schema }, data: value }, '') : []
    if (!isMillraceError(error) || misfits.length === 0) throw error
    throw fault(error.code, error.message, { cause: error, data: { ...(error.data as object), misfits } })
  }
}
