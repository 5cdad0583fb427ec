// Flows are put into a state from outside: by people, or by the flow that has started them.
//
//   its run in memory is dropped, when what it has left is written ──→ the new state is written ──→ made anew, or ended
//
// One change of a flow at a time: of two who end it at once the second finds what the first did.
import type { ErrorRecord } from '../../model/errors.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { FlowChange } from '../../seam/flows.ts'
import type { Job } from '../commit/writes.ts'
import type { Memory } from './memory.ts'
import type { FlowRun } from './run.ts'
import { toParent } from './writing.ts'

/** The state into which a flow is put. */
export interface NewState {
  readonly state: 'running' | 'paused' | 'stopped' | 'failed'
  readonly error: ErrorRecord | null
  /** Written with it. */
  readonly changes: readonly DeskChange[]
  /** Asked when the run of the flow is dropped: entries that come before the new state. */
  readonly entries?: (() => Promise<readonly FlowChange[]>) | undefined
}

/** What changes of states need of the flows. */
export interface StatesHost {
  readonly memory: Pick<Memory<FlowRun>, 'loaded' | 'find' | 'drop' | 'change'>
  now(): number
  /** The row of a flow. Errors: `millrace/unknown-flow`, `millrace/flow-ended`. */
  underWay(id: number): Promise<FlowRow>
  write(job: Pick<Job, 'flows' | 'ends' | 'changes'>): Promise<void>
  /** The end of a flow is durable. */
  ended(row: FlowRow): void
}

/** Puts a flow into a state. Returns false where a queued flow was to fail and has begun: it has to undo what it did. */
export function become(row: FlowRow, to: NewState, host: StatesHost): Promise<boolean> {
  const { id } = row
  const { state, error, changes, entries } = to
  return host.memory.change(id, async () => {
    await dismiss(id, host)
    const now = await host.underWay(id)
    if (state === 'failed' && now.state !== 'queued') return false
    const at = host.now()
    const ends = state === 'stopped' || state === 'failed'
    const changed: FlowRow = { ...row, state, error, endedAt: ends ? at : null }
    const change: FlowChange = { do: 'state', flow: id, state, error, endedAt: changed.endedAt }
    const before = entries === undefined ? [] : await entries()
    await host.write({ flows: [...before, change], ends: ends ? toParent(changed, at) : [], changes })
    if (ends) host.ended(changed)
    return true
  })
}

/** Drops the run of a flow from memory. */
async function dismiss(id: number, { memory, write }: StatesHost): Promise<void> {
  await memory.loaded(id)
  const run = memory.find(id)
  if (run === undefined) return
  // What it does now may take commands back: that has to be in its journal.
  await run.inbox.rests
  run.status.dismiss()
  while (run.journal.unwritten > 0 || run.journal.ahead !== undefined) await write({})
  memory.drop(id)
}
