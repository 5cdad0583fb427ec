// Takes steps back that their flow no longer awaits: they took too long, or lost a race.
//
//   a call ──withdrawn──→ the flow is told, with what is known of its effects
//   a subflow ──cancelled──→ it ends by itself, and the flow is told when it has undone what it did
import type { OpenCall, ParentFlow } from '../../model/flow.ts'
import { inBrief } from '../../model/people.ts'
import type { FlowRows } from '../../seam/flows.ts'
import type { World } from '../../seam/world.ts'
import type { Step } from './host.ts'
import type { FlowRun } from './run.ts'
import { openCallOf } from './steps.ts'

/** How often a subflow is cancelled that cannot be cancelled just now. */
const triesMax = 100

/** What taking back needs of the flows. */
export interface TakingBackHost {
  readonly world: Pick<World, 'log'>
  readonly rows: Pick<FlowRows, 'startedBy' | 'stateOf'>
  withdraw(command: OpenCall): Promise<'never' | 'unknown'>
  /** Tells a flow something and writes what follows. Undefined where it is not under way. */
  tell(flow: number, apply: (run: FlowRun) => void): Promise<FlowRun | undefined>
  cancel(flow: number, by: string, reason: string): Promise<void>
  /** Resolves when all that is left to be written now is durable. */
  settled(): Promise<void>
}

export class TakingBack {
  private readonly host: TakingBackHost

  constructor(host: TakingBackHost) {
    this.host = host
  }

  /** Takes a step back. Returns whether its flow was told, or needs not to be. */
  async step(run: FlowRun, step: Step, why: 'took too long' | 'lost a race'): Promise<boolean> {
    const { host } = this
    if (step.entry.kind === 'flow') {
      const reason = `flow ${run.id}, which started it, ${why === 'lost a race' ? 'continues without it' : 'waited too long'}`
      await this.subflow({ flow: run.id, n: step.attempt }, reason)
      if (run.branches.awaits(step)) await host.tell(run.id, (there) => there.branches.release(step))
      return true
    }
    if (step.outcome !== undefined) return true
    const effects = await host.withdraw(openCallOf(run.id, step))
    return (await host.tell(run.id, (there) => there.outside.withdrawn(step, effects, why))) !== undefined
  }

  /** Cancels the flow that a step has started, or the flow that continues in its place. */
  private async subflow(parent: ParentFlow, reason: string): Promise<void> {
    const { rows, world, cancel, settled } = this.host
    for (let tries = 1; ; tries++) {
      const flow = await rows.startedBy(parent)
      if (flow === undefined) return
      try {
        await cancel(flow, `flow ${parent.flow}`, reason)
        return
      } catch (error) {
        const state = (await rows.stateOf(flow))?.state
        if (state === 'compensating') return
        if (state === 'stuck' || tries >= triesMax) {
          world.log('warn', `flow ${flow} cannot be cancelled`, { error: inBrief(error) })
          return
        }
        // It ends just now, or another continues in its place: that is known when it is written.
        await settled()
      }
    }
  }
}
