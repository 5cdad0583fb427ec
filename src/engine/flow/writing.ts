// What flows leave, on its way to the disk.
//
//   left in the journal ──taken, with the next group or ahead of the disk──→ being written ──durable──→ its consequences
//
// Invariant: what a flow leaves is written in the order in which it left it.
import { outcomeOfFlow } from '../../model/flow.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { StepEnd } from '../commit/asked.ts'
import type { Job } from '../commit/writes.ts'
import type { Outbox } from './host.ts'
import type { FlowRun } from './run.ts'

/** What writing needs of the flows. */
export interface WritingHost {
  now(): number
  write(job: Job): void
  /** What a flow has left is durable: what follows from it begins. */
  written(run: FlowRun, outbox: Outbox): void
}

export class Writing {
  private readonly host: WritingHost

  constructor(host: WritingHost) {
    this.host = host
  }

  /** Writes what a flow leaves when it rests. */
  async flushAtRest(run: FlowRun): Promise<void> {
    await run.inbox.rests
    await this.flush(run)
  }

  /** Writes what a flow leaves, with changes of the desk. Resolves when that is durable. */
  async flush(run: FlowRun, changes: readonly DeskChange[] = []): Promise<void> {
    // What goes ahead of the disk is written first.
    while (run.journal.ahead !== undefined) await run.journal.ahead
    const job = this.leftBy(run, changes)
    if (job === undefined) return
    await new Promise<void>((resolve, dropped) => {
      const written = (heads: readonly number[]) => {
        job.written?.(heads)
        resolve()
      }
      this.host.write({ ...job, written, dropped })
    })
  }

  /** Takes what a flow leaves. */
  leftBy(run: FlowRun, changes: readonly DeskChange[] = []): Job | undefined {
    if (run.status.isDismissed) return undefined
    const outbox = run.journal.take()
    const { outgoing, changes: flows } = outbox
    if (flows.length === 0 && outgoing.length === 0 && changes.length === 0) {
      // A flow that was made from its journal may have losers that were not taken back.
      if (outbox.lost.length > 0) this.host.written(run, outbox)
      return undefined
    }
    run.journal.unwritten++
    const written = () => {
      run.journal.unwritten--
      this.host.written(run, outbox)
    }
    return { flows, ends: this.endsOf(run, outbox), outgoing, changes, written }
  }

  /** The flow that waits for this one waits for the flow that continues in its place. */
  private endsOf(run: FlowRun, outbox: Outbox): StepEnd[] | undefined {
    if (run.row.parent === null || run.isContinued || !hasEnded(outbox)) return undefined
    const { status, ending, row } = run
    return toParent({ ...row, state: status.state, error: ending.error, result: ending.result }, this.host.now())
  }
}

/** Whether a flow has ended with what it left. */
export const hasEnded = ({ changes }: Outbox): boolean =>
  changes.some((change) => change.do === 'state' && change.endedAt !== null)

/** The end of a flow is the end of a step of the flow that has started it. */
export function toParent(row: FlowRow, at: number): StepEnd[] {
  const { parent } = row
  if (parent === null) return []
  return [{ flow: parent.flow, of: parent.n, kind: 'flow', data: outcomeOfFlow(row), at, trace: null }]
}
