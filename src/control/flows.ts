// `app.flows`: the flows of mediators, and what people do about them.
import type { Actor, FlowFilter, FlowReads, FlowRow, JournalEntry, Outcome } from '../index.ts'
import { checkActor } from '../model/desk.ts'
import { checkOptions } from '../model/options.ts'

/** A step of a flow, as it is shown. */
export interface FlowStep {
  readonly name: string
  readonly kind: JournalEntry['kind']
  /** The type of the message, where there is one. */
  readonly what: string
  /** Undefined while it is under way. */
  readonly outcome: Outcome | undefined
  /** Whether it takes something back. */
  readonly undo: boolean
}

export interface FlowItem extends FlowRow {
  /** In the order in which they began. */
  readonly steps: readonly FlowStep[]
}

export interface FlowDesk {
  /** Those that fit, the oldest first, at most 100 at once. */
  list(filter?: FlowFilter): Promise<FlowRow[]>
  /** One with its steps; undefined when there is none such. */
  show(id: number): Promise<FlowItem | undefined>
  /**
   * Ends a flow under way: its function is not told anything any more, what it did is undone.
   *
   * @throws `millrace/unknown-flow`, `millrace/flow-ended`
   */
  cancel(id: number, actor?: Actor): Promise<void>
  /**
   * Goes on with a flow that is stuck at an undo, which is tried again, or paused because its code did not fit.
   *
   * @throws `millrace/unknown-flow`, `millrace/flow-ended`
   */
  resume(id: number): Promise<void>
}

export interface FlowBackend {
  lookAtFlows<T>(read: (flows: FlowReads) => T): Promise<T>
  readonly flows: { cancel(id: number, actor: Actor): Promise<void>; resume(id: number): Promise<void> }
}

export function flowsOn(backend: () => FlowBackend, itself: string): FlowDesk {
  const look: FlowBackend['lookAtFlows'] = async (read) => backend().lookAtFlows(read)
  return {
    list: async (filter = {}) => {
      checkOptions('flows.list', filter, ['mediator', 'states', 'context', 'after', 'limit'])
      return look((flows) => flows.list(filter))
    },
    show: (id) =>
      look((flows) => {
        const row = flows.row(id)
        return row === undefined ? undefined : { ...row, steps: stepsOf(flows.journal(id)) }
      }),
    cancel: async (id, actor = { by: itself }) => backend().flows.cancel(id, checkActor('cancel', actor)),
    resume: async (id) => backend().flows.resume(id),
  }
}

function stepsOf(journal: readonly JournalEntry[]): FlowStep[] {
  const ends = new Map(journal.flatMap(({ of, data }) => (of === null ? [] : [[of, data as Outcome] as const])))
  return journal
    .filter(({ of, step }) => of === null && step !== '')
    .map(({ n, step: name, kind, what }) => ({
      name,
      kind,
      what,
      outcome: ends.get(n),
      undo: name.startsWith('undo '),
    }))
}
