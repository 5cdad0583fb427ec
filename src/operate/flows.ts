// `app.flows`: the flows of mediators, and what people do about them.
import type { Actor } from '../model/desk.ts'
import { flowEnds, flowsUnderWay, type JournalEntry, type Outcome } from '../model/flow.ts'
import type { FlowCount, FlowFilter, FlowRow, Question, QuestionFilter } from '../model/flow-views.ts'
import type { JsonSchema } from '../model/json-schema.ts'
import type { Optional } from '../model/options.ts'

export { flowEnds, flowsUnderWay }

/** A step of a flow, as `flows.show` gives it. */
export interface FlowStep {
  readonly name: string
  readonly kind: JournalEntry['kind']
  /** The type of its message, its mediator or the title of its question; empty where it has none. */
  readonly what: string
  /** `running`: it has not ended. */
  readonly state: 'running' | 'done' | 'failed'
  /** The result or error; undefined while it runs, and for a step that ends as it begins. */
  readonly outcome: Outcome | undefined
  /** True for a step of an undo. */
  readonly undo: boolean
  /**
   * The state of its undo once the flow has failed or was cancelled: `pending` (waits for the undos of later steps),
   * `running`, `done`, or `failed` (the flow is stuck at it). Null where it has no undo, or nothing to be undone.
   */
  readonly undone: 'pending' | 'running' | 'done' | 'failed' | null
  /** The number of times that it was done. */
  readonly attempts: number
  /** The command of a call: that of its last attempt. */
  readonly command: { readonly id: string; readonly context: string | null } | null
  /** The number of the subflow that it waits for; null for other steps. */
  readonly flow: number | null
  /** When its time is up, milliseconds since 1970; null where it has no limit, or has ended. */
  readonly dueAt: number | null
  /** When it began, milliseconds since 1970. */
  readonly beganAt: number
  /** When it ended, milliseconds since 1970; null before. */
  readonly endedAt: number | null
}

/** A flow with its steps. */
export interface FlowItem extends FlowRow {
  /** Its steps, in the order in which they began. */
  readonly steps: readonly FlowStep[]
}

/** The shape of the answer to a question of a flow, for a form. */
export interface AnswerForm {
  readonly flow: number
  /** The name under which the flow asks. */
  readonly step: string
  /** The JSON Schema (2020-12) of the answer; null where there is none. */
  readonly schema: JsonSchema | null
  /** The reason for which there is none; null where there is one. */
  readonly why: string | null
}

/**
 * The flows of an app, and what people do about them. Arguments are checked and lists are pages as with {@link Desk}.
 * Each action resolves when it is on disk and is in the audit log (`desk.audit`) from then on.
 */
export interface FlowDesk {
  /**
   * Lists flows, the oldest first. Ended flows are kept for `flowRetainMs` (7 days).
   *
   * @param filter which; `limit`: rows of a page, default 100
   * @returns a page of flows
   * @throws `millrace/unknown-option`, `millrace/bad-option`
   *
   * @example
   * ```ts
   * for (const { id, mediator, context, state } of await shop.flows.list({ context: 'o-3' })) {
   *   console.log(`flow ${id} of ${mediator} for ${context} is ${state}`)
   * }
   * ```
   */
  list(filter?: FlowFilter): Promise<FlowRow[]>
  /**
   * Counts flows by mediator and state.
   *
   * @returns the counts
   *
   * @example
   * ```ts
   * for (const { mediator, state, flows } of await shop.flows.counts()) console.log(mediator, state, flows)
   * ```
   */
  counts(): Promise<FlowCount[]>
  /**
   * Shows one flow with its steps: what it has done, what it waits for, what is undone.
   *
   * @param id the number of the flow
   * @returns the flow; undefined when there is none of this number, or it is no longer kept
   *
   * @example
   * ```ts
   * const [asking] = await shop.flows.list({ step: 'approve' })
   * const flow = await shop.flows.show(asking!.id)
   * console.log(flow?.steps.map(({ name, state }) => `${name}: ${state}`))
   * ```
   */
  show(id: number): Promise<FlowItem | undefined>
  /**
   * Lists the open questions of flows, the oldest first.
   *
   * @param filter which; `limit`: rows of a page, default 100
   * @returns a page of questions
   * @throws as `list`
   *
   * @example
   * ```ts
   * for (const { flow, step, title } of await shop.flows.questions({ to: 'sales' })) console.log(flow, step, title)
   * ```
   */
  questions(filter?: QuestionFilter): Promise<Question[]>
  /**
   * Tells the shape of the answer to an open question, for a form: the JSON Schema that the library of its schema
   * gives, or the reason why there is none.
   *
   * @param id the number of the flow
   * @param step the name under which it asks
   * @returns the shape, of the question as the code has it now
   * @throws `millrace/unknown-flow`, `millrace/flow-ended`; `millrace/not-asked` when no such question is open;
   *   `millrace/flow-busy` while it is paused; `millrace/unknown-part` when its mediator does not run
   *
   * @example
   * ```ts
   * const [question] = await shop.flows.questions()
   * const { schema, why } = await shop.flows.form(question!.flow, question!.step)
   * console.log(schema ?? `no form: ${why}`)
   * ```
   */
  form(id: number, step: string): Promise<AnswerForm>
  /**
   * Answers a question of a flow; the flow continues with the answer. The first answer counts.
   *
   * @param id the number of the flow
   * @param step the name under which it asks
   * @param value the answer, checked against the schema of the question
   * @param actor who and why; default: the app itself
   * @throws `millrace/unknown-flow`, `millrace/flow-ended`; `millrace/not-asked` when no such question is open;
   *   `millrace/bad-data`, with the places that do not fit as `misfits` of its `data` where the schema says them;
   *   `millrace/not-json`; `millrace/flow-busy` while it is paused; `millrace/unknown-part` when
   *   its mediator does not run
   *
   * @example
   * ```ts
   * const [question] = await shop.flows.questions()
   * await shop.flows.answer(question!.flow, question!.step, { yes: true }, { by: 'ada' })
   * ```
   */
  answer(id: number, step: string, value: unknown, actor?: Actor): Promise<void>
  /**
   * Cancels a flow: its function is told nothing more, and its steps are undone, last first. It ends as compensated, or
   * as failed where nothing was to be undone.
   *
   * @param id the number of the flow
   * @param actor who and why; default: the app itself
   * @throws `millrace/unknown-flow`, `millrace/flow-ended`; `millrace/past-no-return` after its point of no return;
   *   `millrace/flow-busy` when it is stuck or undoes already; `millrace/flow-mismatch` when its code does not fit its
   *   journal; `millrace/unknown-part` when its mediator does not run
   *
   * @example
   * ```ts
   * const [asking] = await shop.flows.list({ step: 'approve' })
   * await shop.flows.cancel(asking!.id, { by: 'ada', reason: 'the customer has withdrawn' })
   * ```
   */
  cancel(id: number, actor?: Actor): Promise<void>
  /**
   * Stops a flow as it is: nothing is undone. It is the last resort for a flow that can neither continue nor be undone.
   *
   * @param id the number of the flow
   * @param actor who, and the reason, which is needed
   * @throws `millrace/unknown-flow`, `millrace/flow-ended`; `millrace/bad-option` without a reason
   *
   * @example
   * ```ts
   * const [asking] = await shop.flows.list({ step: 'approve' })
   * await shop.flows.stop(asking!.id, { by: 'ada', reason: 'settled by phone' })
   * ```
   */
  stop(id: number, actor: Actor & { readonly reason: string }): Promise<void>
  /**
   * Pauses a running flow until it is resumed; what comes for it waits. Pausing it again changes nothing.
   *
   * @param id the number of the flow
   * @param actor who and why; default: the app itself
   * @throws `millrace/unknown-flow`, `millrace/flow-ended`; `millrace/flow-busy` when it does not run
   *
   * @example
   * ```ts
   * const [asking] = await shop.flows.list({ step: 'approve' })
   * await shop.flows.pause(asking!.id, { by: 'ada', reason: 'sales is on holiday' })
   * ```
   */
  pause(id: number, actor?: Actor): Promise<void>
  /**
   * Resumes a flow: a paused one continues with today's code; one that is stuck at an undo tries that undo again; one
   * that is stuck after its point of no return does the failed step again. A flow that runs is left as it is.
   *
   * @param id the number of the flow
   * @param actor who and why; default: the app itself
   * @throws `millrace/unknown-flow`, `millrace/flow-ended`; `millrace/flow-busy` while something else is done with it;
   *   `millrace/unknown-part` when its mediator does not run
   *
   * @example
   * ```ts
   * const [asking] = await shop.flows.list({ step: 'approve' })
   * await shop.flows.pause(asking!.id)
   * await shop.flows.resume(asking!.id)
   * ```
   */
  resume(id: number, actor?: Actor): Promise<void>
  /**
   * Runs an ended flow again as a new one, from its beginning or from a step. With `from`, the steps before that one
   * are taken over with their results and are not done again. The new flow runs the version of the code that the old
   * one had; without `from` it runs the newest.
   *
   * @param id the number of the ended flow
   * @param options `from`: the name of the step to begin with; `by` and `reason`: who and why, default the app itself
   * @returns the number of the new flow
   * @throws `millrace/unknown-flow`; `millrace/flow-busy` while it has not ended; `millrace/unknown-step`;
   *   `millrace/step-undone` when a step before `from` was undone; `millrace/unknown-part` when its mediator does not
   *   run
   *
   * @example
   * ```ts
   * const [ended] = await shop.flows.list({ states: ['completed'] })
   * const again = await shop.flows.runAgain(ended!.id, { by: 'ada', reason: 'the card was charged too little' })
   * console.log(`flow ${again} runs it again`)
   * ```
   */
  runAgain(id: number, options?: Optional<Actor> & { readonly from?: string | undefined }): Promise<number>
}
