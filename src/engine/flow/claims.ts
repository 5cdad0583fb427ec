// Values of `oncePer` whose first flow is being written: another attempt with the same value waits for what becomes of it.
import type { FlowRows } from '../../seam/flows.ts'
import type { World } from '../../seam/world.ts'

/** What claims a value. */
export interface Claimer {
  /** `expired`: nothing of it counts. */
  readonly state: string
}

/** How often it is looked whether an attempt that has the same value has come to nothing, milliseconds. */
const claimMs = 20

export class Claims {
  private readonly world: Pick<World, 'after'>
  private readonly rows: Pick<FlowRows, 'hasOnce'>
  private readonly taken = new Map<string, { readonly attempt: Claimer; readonly free: Promise<void> }>()

  constructor(world: Pick<World, 'after'>, rows: Pick<FlowRows, 'hasOnce'>) {
    this.world = world
    this.rows = rows
  }

  /** Takes a value; gives what lets it go, undefined where a flow has it. */
  async take(mediator: string, once: string, attempt: Claimer): Promise<(() => void) | undefined> {
    const { world, taken } = this
    const key = `${mediator} ${once}`
    for (let other = taken.get(key); other !== undefined; other = taken.get(key)) {
      // A route that starts two flows of one value starts one.
      if (other.attempt === attempt) return undefined
      // An attempt that was fenced or has failed leaves nothing.
      if (other.attempt.state === 'expired') break
      await Promise.race([other.free, new Promise<void>((resolve) => void world.after(claimMs, resolve))])
    }
    const { promise: free, resolve } = Promise.withResolvers<void>()
    const mine = { attempt, free }
    const letGo = () => {
      if (taken.get(key) === mine) taken.delete(key)
      resolve()
    }
    // Taken before the store is asked, so that nobody takes it between the question and the answer.
    taken.set(key, mine)
    try {
      if (!(await this.rows.hasOnce(mediator, once))) return letGo
    } catch (error) {
      letGo()
      throw error
    }
    letGo()
    return undefined
  }
}
