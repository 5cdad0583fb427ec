// `app.flows`: the flows of mediators, and what people do about them.
import { setImmediate as turn } from 'node:timers/promises'
import type {
  Actor,
  FlowCount,
  FlowFilter,
  FlowReads,
  FlowRow,
  FlowSlice,
  JournalEntry,
  Outcome,
  Question,
  QuestionFilter,
} from '../index.ts'
import { checkActor, checkText } from '../model/desk.ts'
import { fault } from '../model/errors.ts'
import { commandIdOf, flowEnds, flowsUnderWay, isToUndo, isUndo, undoneBy } from '../model/flow.ts'
import { FlowTally } from '../model/flow-tally.ts'
import { defaults, type Optional } from '../model/options.ts'
import { checked } from './calls.ts'
import { shownValue } from './fields.ts'

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
  /**
   * What becomes of what it did once its flow has failed or was cancelled: its undo waits for those of later steps, runs,
   * is done, or has failed and the flow is stuck at it. Null where it has no undo, or nothing to be undone.
   */
  readonly undone: 'pending' | 'running' | 'done' | 'failed' | null
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

/** The flows of an app. What its functions are given is checked and its lists give pages as those of {@link Desk} do. */
export interface FlowDesk {
  /**
   * Those that fit, the oldest first, at most `limit` (default 100) at once.
   *
   * @throws `millrace/unknown-option`, `millrace/bad-option`: a state that there is not, a limit below 1
   */
  list(filter?: FlowFilter): Promise<FlowRow[]>
  /** How many there are, by mediator and state. */
  counts(): Promise<FlowCount[]>
  /** One with its steps; undefined when there is none such. */
  show(id: number): Promise<FlowItem | undefined>
  /** What flows ask people, the oldest first, at most `limit` (default 100) at once. Errors as of `list`. */
  questions(filter?: QuestionFilter): Promise<Question[]>
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
   * @throws `millrace/unknown-flow`, `millrace/flow-ended`, `millrace/past-no-return`; `millrace/flow-busy` when it is
   *   stuck or undoes already; `millrace/flow-mismatch` where its code does not fit; `millrace/unknown-part` where its
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
   * @throws `millrace/unknown-flow`, `millrace/flow-ended`, `millrace/flow-busy` while another does something with it,
   *   `millrace/unknown-part` where its mediator is not running
   */
  resume(id: number, actor?: Actor): Promise<void>
  /**
   * Runs a flow that has ended again as a new one. With `from`, the steps before that one are taken over with their
   * results, and it goes on there. Gives the number of the new flow.
   *
   * @throws `millrace/unknown-flow`, `millrace/flow-busy` while it has not ended, `millrace/unknown-step`,
   *   `millrace/step-undone` where a step before that one was undone, `millrace/unknown-part` where its mediator is not
   *   running
   */
  runAgain(id: number, options?: Optional<Actor> & { readonly from?: string | undefined }): Promise<number>
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

const listedMax = 100
const countedAtOnce = 5_000

export function flowsOn(backend: () => FlowBackend, itself: string): FlowDesk {
  const look: FlowBackend['lookAtFlows'] = async (read) => backend().lookAtFlows(read)
  const own = { by: itself }
  return checked<FlowDesk>('flows', {
    list: (filter = {}) => listed(look, filter),
    counts: () => counted(look),
    show: (id) => look((flows) => (Number.isSafeInteger(id) ? shown(flows, id) : undefined)),
    questions: (filter = {}) => look((flows) => flows.questions(filter)),
    answer: async (id, step, value, actor = own) =>
      backend().flowActions.answer(numberOf(id), step, value, checkActor('answer', actor)),
    cancel: async (id, actor = own) => backend().flowActions.cancel(numberOf(id), checkActor('cancel', actor)),
    stop: async (id, actor) => {
      checkText('stop', 'reason', actor.reason)
      return backend().flowActions.stop(numberOf(id), checkActor('stop', actor))
    },
    pause: async (id, actor = own) => backend().flowActions.pause(numberOf(id), checkActor('pause', actor)),
    resume: async (id, actor = own) => backend().flowActions.resume(numberOf(id), checkActor('resume', actor)),
    runAgain: async (id, { from, ...actor } = {}) =>
      backend().flowActions.runAgain(numberOf(id), from, checkActor('runAgain', { ...own, ...actor })),
  })
}

/** @throws `millrace/unknown-flow` */
function numberOf(id: unknown): number {
  if (Number.isSafeInteger(id)) return id as number
  throw fault('millrace/unknown-flow', `there is no flow ${shownValue(id)}`)
}

/** A page of those that fit, slice by slice. */
async function listed(look: FlowBackend['lookAtFlows'], filter: FlowFilter): Promise<FlowRow[]> {
  const { limit = listedMax } = filter
  const found: FlowRow[] = []
  let bytes: number = defaults.pageBytes.default
  for (let after: number | undefined = filter.after ?? 0; after !== undefined; ) {
    const rest: FlowFilter = { ...filter, after, limit: limit - found.length }
    const slice: FlowSlice = await look((flows) => flows.list(rest, bytes))
    found.push(...slice.rows)
    bytes -= slice.bytes
    if (slice.isFull || bytes <= 0) break
    after = slice.last
    if (after !== undefined) await turn()
  }
  return found
}

/** How many there are by mediator and state, slice by slice. */
async function counted(look: FlowBackend['lookAtFlows']): Promise<FlowCount[]> {
  const tally = new FlowTally()
  for (let after = 0; ; ) {
    const from = after
    const slice = await look((flows) => flows.states(from, countedAtOnce))
    tally.add(slice)
    if (slice.length < countedAtOnce) return tally.counts
    after = slice.at(-1)!.id
    await turn()
  }
}

/** A flow with its steps, as it is shown. */
export function shown(flows: FlowReads, id: number): FlowItem | undefined {
  const row = flows.row(id)
  return row === undefined ? undefined : { ...row, steps: stepsOf(row, flows.journal(id), flows.times(id)) }
}

const single: ReadonlySet<string> = new Set(['send', 'publish', 'value', 'version', 'no return', 'continue'])

function stepsOf(
  { id, state: flowState, endedAt }: FlowRow,
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
  const began = journal.filter(({ of, step, kind }) => of === null && step !== '' && kind !== 'again')
  const undone = undosOf(flowState, began, (n) => ends.get(n)?.data as Outcome | undefined)
  return began.map(({ n, step: name, kind, what, data, at }) => {
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
      undone: undone.get(n) ?? null,
      attempts: times.get(n) ?? 1,
      command: kind === 'call' ? { id: commandOf, context: context ?? null } : null,
      flow: kind === 'flow' ? (flow ?? null) : null,
      dueAt: dueAt.get(n) ?? null,
      beganAt: at,
      endedAt: end?.at ?? (single.has(kind) ? at : null),
    }
  })
}

/** How far a flow is with undoing, by the entry with which a step began: the last step first, one after the other. */
function undosOf(
  state: FlowRow['state'],
  began: readonly JournalEntry[],
  outcomeOf: (n: number) => Outcome | undefined,
): Map<number, FlowStep['undone']> {
  const states = new Map<number, FlowStep['undone']>()
  const undoes = state === 'compensating' || state === 'compensated' || state === 'stuck'
  if (!undoes || began.some(({ kind }) => kind === 'no return')) return states
  const undoable = began.filter(({ data, n }) => isToUndo(data, outcomeOf(n)))
  // The undo under way is the one whose steps began last; one that has none yet follows those that have.
  const last = began.findLast(({ step }) => isUndo(step))?.step
  const names = undoable.map(({ step }) => step)
  const at = last === undefined ? -1 : names.lastIndexOf(undoneBy(last, names) ?? '')
  const now = at === -1 ? undoable.length - 1 : at
  undoable.forEach(({ n }, index) => {
    const under = state === 'stuck' ? 'failed' : 'running'
    if (state === 'compensated' || index > now) states.set(n, 'done')
    else states.set(n, index === now ? under : 'pending')
  })
  return states
}
