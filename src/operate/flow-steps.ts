// A flow with its steps, as people see it: made from its row and its journal.
import { commandIdOf, isToUndo, isUndo, type JournalEntry, type Outcome, undoneBy } from '../model/flow.ts'
import type { FlowRow } from '../model/flow-views.ts'
import type { WholeFlow } from '../seam/flow-reads.ts'
import type { FlowItem, FlowStep } from './flows.ts'

/** A flow with its steps, as it is shown. */
export function shown(flow: WholeFlow | undefined): FlowItem | undefined {
  return flow && { ...flow.row, steps: stepsOf(flow.row, flow.journal, flow.times) }
}

const single: ReadonlySet<string> = new Set(['send', 'publish', 'value', 'version', 'no return', 'continue'])

function stepsOf(
  { id, state: flowState, endedAt }: FlowRow,
  journal: readonly JournalEntry[],
  due: WholeFlow['times'],
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

/** The states of undos, by the entry with which a step began: the last step is undone first, one after the other. */
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
