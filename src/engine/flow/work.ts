// What is done with flows now, counted: the run of the app is idle when nothing is left.
//
//   open ──end──→ ended: work that is under way fails quietly, since its store may be closed
import { inBrief } from '../../model/people.ts'
import type { World } from '../../seam/world.ts'

export class Work {
  private readonly world: Pick<World, 'log'>
  private readonly maybeIdle: () => void
  private count = 0
  private state: 'open' | 'ended' = 'open'

  constructor(world: Pick<World, 'log'>, maybeIdle: () => void) {
    this.world = world
    this.maybeIdle = maybeIdle
  }

  get isOpen(): boolean {
    return this.state === 'open'
  }

  get isIdle(): boolean {
    return this.count === 0
  }

  end(): void {
    this.state = 'ended'
  }

  /** Does something that nobody waits for the errors of: they are logged. */
  async during<T>(work: () => Promise<T>): Promise<T | undefined> {
    this.count++
    try {
      return await work()
    } catch (error) {
      if (this.isOpen) this.world.log('error', 'a flow cannot continue', { error: inBrief(error) })
      return undefined
    } finally {
      this.count--
      this.maybeIdle()
    }
  }

  /** Does something whose errors are those of the caller. */
  async counted<T>(work: () => Promise<T>): Promise<T> {
    this.count++
    try {
      return await work()
    } finally {
      this.count--
      this.maybeIdle()
    }
  }
}
