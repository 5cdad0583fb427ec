// What is done with times that have come: each is told to its flow.
//
//   in the store ──comes──→ told: the flow has it ──→ gone
//                              └ the flow is paused, or no app has its mediator ──→ asleep, until it is woken
//                              └ the flow is being put into another state ──→ comes again, so often ──→ asleep
import { type FlowState, flowEnds } from '../../model/flow.ts'
import type { DueTime, FlowTimes } from '../../seam/flow-times.ts'
import type { FlowChange } from '../../seam/flows.ts'
import type { World } from '../../seam/world.ts'

const timesAtOnce = 1_000
/** How often a flow is told of a time that it cannot be told. */
const triesMax = 100

/** What times that have come need of the flows. */
export interface DueTimesHost {
  readonly world: Pick<World, 'now' | 'log'>
  readonly times: Pick<FlowTimes, 'due'>
  stateOf(flow: number): Promise<{ readonly mediator: string; readonly state: FlowState } | undefined>
  /** Whether the app runs a mediator. */
  runs(mediator: string): boolean
  /** Tells a flow that the time of a step has come. Returns whether that reached it. */
  tell(time: DueTime): Promise<boolean>
  write(changes: readonly FlowChange[]): Promise<void>
}

export class DueTimes {
  private readonly host: DueTimesHost
  /** Times that did not reach their flows, and how often. */
  private readonly untold = new Map<string, number>()

  constructor(host: DueTimesHost) {
    this.host = host
  }

  /** Tells all that have come, and writes what becomes of them. */
  async tell(): Promise<void> {
    const { host } = this
    const due = await host.times.due(host.world.now(), timesAtOnce)
    await Promise.all(due.map((time) => this.tellOne(time)))
    // A commit has taken it away: its answer comes before that of this one.
    if (due.length === 0) await host.write([])
  }

  private async tellOne(time: DueTime): Promise<void> {
    const reached = await this.host.tell(time)
    await this.host.write(reached ? this.over(time) : await this.unreached(time))
  }

  private over({ flow, n }: DueTime): readonly FlowChange[] {
    this.untold.delete(`${flow}/${n}`)
    return [{ do: 'untimer', flow, n }]
  }

  private async unreached(time: DueTime): Promise<readonly FlowChange[]> {
    const { flow, n } = time
    const there = await this.host.stateOf(flow)
    if (there === undefined || flowEnds.includes(there.state)) return this.over(time)
    const key = `${flow}/${n}`
    const tries = (this.untold.get(key) ?? 0) + 1
    this.untold.delete(key)
    if (there.state === 'paused' || !this.host.runs(there.mediator)) return [{ do: 'asleep', flow, n }]
    if (tries < triesMax) {
      this.untold.set(key, tries)
      return []
    }
    this.host.world.log('error', `flow ${flow} did not learn that a time has come; it does at the next start`)
    return [{ do: 'asleep', flow, n }]
  }
}
