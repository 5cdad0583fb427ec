// `app.flows`: the flows of mediators, and what people do about them.
import type { Actor, FlowCount, FlowFilter, FlowReads, FlowRow, JournalEntry, Outcome, Question } from '../index.ts'
import { checkActor, checkText } from '../model/desk.ts'
import { commandIdOf, flowEnds, flowsUnderWay, isUndo } from '../model/flow.ts'
import { checkOptions } from '../model/options.ts'

export { flowEnds, flowsUnderWay }

/** A step of a flow, as it is shown. */
export interface FlowStep {
  readonly name: string
  readonly kind: JournalEntry['kind']
  /** The type of the message, the mediator or the title, where there is one. */
  readonly what: string
  /** `running`: its end is still to come. */
  readonly state: 'running' | 'done' | 'failed'
  /** Undefined while it is under way, and where it ends as it begins. */
  readonly outcome: Outcome | undefined
  /** Whether it takes something back. */
  readonly undo: boolean
  /** How often it was done. */
  readonly attempts: number
  /** Of a call, its command: that of the last attempt. */
  readonly command: { readonly id: string; readonly context: string | null } | null
  /** Of a flow that it waits for, its number. */
  readonly flow: number | null
  /** When it ends by itself, or is given up, milliseconds since 1970; null where it has no such time, or has ended. */
  readonly dueAt: number | null
  /** Milliseconds since 1970. */
  readonly beganAt: number
  readonly endedAt: number | null
}

export interface FlowItem extends FlowRow {
  /** In the order in which they began. */
  readonly steps: readonly FlowStep[]
}

export interface FlowDesk {
  /** Those that fit, the oldest first, at most `limit` (default 100) at once. */
  list(filter?: FlowFilter): Promise<FlowRow[]>
  /** How many there are, by mediator and state. */
  counts(): Promise<FlowCount[]>
  /** One with its steps; undefined when there is none such. */
  show(id: number): Promise<FlowItem | undefined>
  /** What flows ask people, the oldest first. */
  questions(filter?: { readonly mediator?: string; readonly to?: string; readonly limit?: number }): Promise<Question[]>
  /**
   * Answers what a flow asks under a name.
   *
   * @throws `millrace/unknown-flow`, `millrace/flow-ended`, `millrace/flow-busy`, `millrace/not-asked`,
   *   `millrace/bad-data` where it does not fit the schema of the question
   */
  answer(id: number, step: string, value: unknown, actor?: Actor): Promise<void>
  /**
   * Ends a flow under way: its function is not told anything any more, what it did is undone.
   *
   * @throws `millrace/unknown-flow`, `millrace/flow-ended`, `millrace/past-no-return`, `millrace/unknown-part` where its
   *   mediator is not running
   */
  cancel(id: number, actor?: Actor): Promise<void>
  /** Ends a flow as it is, whatever it is at: nothing is undone. Errors: `millrace/unknown-flow`, `millrace/flow-ended`. */
  stop(id: number, actor: Actor & { readonly reason: string }): Promise<void>
  /**
   * Lets a running flow go on with nothing until it is resumed; what comes for it waits. Done twice it changes nothing.
   *
   * @throws `millrace/unknown-flow`, `millrace/flow-ended`, `millrace/flow-busy`
   */
  pause(id: number, actor?: Actor): Promise<void>
  /**
   * Goes on with a flow: one that is paused, with the code of today; one that is stuck at an undo, which is tried
   * again; one that is stuck after its point of no return, whose failed step is done again.
   *
   * @throws `millrace/unknown-flow`, `millrace/flow-ended`, `millrace/unknown-part` where its mediator is not running
   */
  resume(id: number, actor?: Actor): Promise<void>
  /**
   * Runs a flow that has ended again as a new one. With `from`, the steps before that one are taken over with their
   * results, and it goes on there. Gives the number of the new flow.
   *
   * @throws `millrace/unknown-flow`, `millrace/flow-busy` while it has not ended, `millrace/unknown-step`
   */
  runAgain(id: number, options?: Partial<Actor> & { readonly from?: string }): Promise<number>
}

export interface FlowBackend {
  lookAtFlows<T>(read: (flows: FlowReads) => T): Promise<T>
  readonly flowActions: {
    answer(id: number, step: string, value: unknown, actor: Actor): Promise<void>
    cancel(id: number, actor: Actor): Promise<void>
    stop(id: number, actor: Actor): Promise<void>
    pause(id: number, actor: Actor): Promise<void>
    resume(id: number, actor: Actor): Promise<void>
    runAgain(id: number, from: string | undefined, actor: Actor): Promise<number>
  }
}

const filters = ['mediator', 'states', 'context', 'step', 'startedBefore', 'after', 'limit']

export function flowsOn(backend: () => FlowBackend, itself: string): FlowDesk {
  const look: FlowBackend['lookAtFlows'] = async (read) => backend().lookAtFlows(read)
  const own = { by: itself }
  return {
    list: async (filter = {}) => {
      checkOptions('flows.list', filter, filters)
      return look((flows) => flows.list(filter))
    },
    counts: () => look((flows) => flows.counts()),
    show: (id) => look((flows) => shown(flows, id)),
    questions: async (filter = {}) => {
      checkOptions('flows.questions', filter, ['mediator', 'to', 'limit'])
      return look((flows) => flows.questions(filter))
    },
    answer: async (id, step, value, actor = own) =>
      backend().flowActions.answer(id, step, value, checkActor('answer', actor)),
    cancel: async (id, actor = own) => backend().flowActions.cancel(id, checkActor('cancel', actor)),
    stop: async (id, actor) => {
      checkText('stop', 'reason', actor?.reason)
      return backend().flowActions.stop(id, checkActor('stop', actor))
    },
    pause: async (id, actor = own) => backend().flowActions.pause(id, checkActor('pause', actor)),
    resume: async (id, actor = own) => backend().flowActions.resume(id, checkActor('resume', actor)),
    runAgain: async (id, { from, ...actor } = {}) =>
      backend().flowActions.runAgain(id, from, checkActor('runAgain', { ...own, ...actor })),
  }
}

/** A flow with its steps, as it is shown. */
export function shown(flows: FlowReads, id: number): FlowItem | undefined {
  const row = flows.row(id)
  return row === undefined ? undefined : { ...row, steps: stepsOf(row, flows.journal(id), flows.times(id)) }
}

const single: ReadonlySet<string> = new Set(['send', 'publish', 'value', 'version', 'no return', 'continue'])

function stepsOf(
  { id, endedAt }: FlowRow,
  journal: readonly JournalEntry[],
  due: ReturnType<FlowReads['times']>,
): FlowStep[] {
  const dueAt = new Map(due.map((time) => [time.n, time.due]))
  const first = new Map<number, number>()
  const last = new Map<number, JournalEntry>()
  const times = new Map<number, number>()
  const ends = new Map<number, JournalEntry>()
  for (const entry of journal) {
    if (entry.kind === 'again') {
      const { of } = entry.data as { readonly of: number }
      first.set(entry.n, of)
      last.set(of, entry)
      times.set(of, (times.get(of) ?? 1) + 1)
      ends.delete(of)
    } else if (entry.of !== null) ends.set(first.get(entry.of) ?? entry.of, entry)
  }
  return journal
    .filter(({ of, step, kind }) => of === null && step !== '' && kind !== 'again')
    .map(({ n, step: name, kind, what, data, at }) => {
      const end = ends.get(n)
      const again = last.get(n)
      const begun = (again?.data ?? data ?? {}) as { context?: string; commandId?: string; flow?: number }
      const { context, commandId, flow } = begun
      const commandOf = commandId ?? commandIdOf(id, again?.n ?? n)
      const outcome = end?.data as Outcome | undefined
      const over = single.has(kind) || (outcome === undefined && endedAt !== null)
      return {
        name,
        kind,
        what,
        state: outcome === undefined ? (over ? 'done' : 'running') : outcome.ok ? 'done' : 'failed',
        outcome,
        undo: isUndo(name),
        attempts: times.get(n) ?? 1,
        command: kind === 'call' ? { id: commandOf, context: context ?? null } : null,
        flow: kind === 'flow' ? (flow ?? null) : null,
        dueAt: dueAt.get(n) ?? null,
        beganAt: at,
        endedAt: end?.at ?? (single.has(kind) ? at : null),
      }
    })
}
