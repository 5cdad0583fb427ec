// What a start does with flows under way: it makes those that were told something before the last run ended, begins the
// queued ones whose turn it is, and wakes times. A slice at a time; others have their turn between two.
import type { FlowTakeUp, UnderWay, WaitingFlow } from '../../seam/flow-take-up.ts'
import type { FlowTimes, SleepingTime } from '../../seam/flow-times.ts'
import type { FlowChange, FlowRows } from '../../seam/flows.ts'

const sliceFlows = 256

/** What a start needs of the flows. */
export interface TakeUpHost {
  readonly rows: Pick<FlowRows, 'next'>
  readonly times: Pick<FlowTimes, 'asleep'>
  readonly takeUp: FlowTakeUp
  /** Whether the run has not ended. */
  isOpen(): boolean
  /** Whether the app runs a mediator. */
  runs(mediator: string): boolean
  /** Makes a flow where it is not in memory. Does not reject. */
  load(id: number): Promise<unknown>
  write(changes: readonly FlowChange[]): Promise<void>
  /** Resolves when all that is ready now has had its turn. */
  turn(): Promise<void>
}

/** Makes the flows of a mediator that were told something, and whose consequences may be missing. */
export async function takeUpUnfinished(mediator: string, host: TakeUpHost): Promise<void> {
  for (let last: UnderWay | undefined; host.isOpen(); ) {
    const slice = await host.takeUp.underWay(mediator, last, sliceFlows)
    if (slice.length === 0) return
    const unfinishedOnes = slice.filter(({ unfinished }) => unfinished)
    await loadAll(unfinishedOnes, host)
    last = slice.at(-1)
  }
}

/** Begins the queued flows of a mediator whose turn it is. */
export async function takeUpWaiting(mediator: string, host: TakeUpHost): Promise<void> {
  for (let last = ''; host.isOpen(); ) {
    const slice = await host.takeUp.waiting(mediator, last, sliceFlows)
    if (slice.length === 0) return
    const first: WaitingFlow[] = []
    for (const waiting of slice) {
      if ((await host.rows.next(mediator, waiting.context)) === waiting.id) first.push(waiting)
    }
    await loadAll(first, host)
    last = slice.at(-1)!.context
  }
}

/** Times that slept because no app had their mediator come again. Of a flow that is paused since, the commit leaves them. */
export async function wakeTimes(host: TakeUpHost): Promise<void> {
  for (let last: SleepingTime | undefined; host.isOpen(); ) {
    const slice = await host.times.asleep(last, sliceFlows)
    if (slice.length === 0) return
    const awake = slice.filter(({ mediator, state }) => state !== 'paused' && host.runs(mediator))
    if (awake.length > 0) await host.write(awake.map(({ flow, n }) => ({ do: 'awake', flow, n })))
    else await host.turn()
    last = slice.at(-1)
  }
}

async function loadAll(flows: readonly { readonly id: number }[], host: TakeUpHost): Promise<void> {
  await Promise.all(flows.map(({ id }) => host.load(id)))
  // Others have their turn, however few there were to load.
  await host.turn()
}
