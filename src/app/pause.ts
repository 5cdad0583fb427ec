import type { World } from '../seam/world.ts'

/** A wait between two tries, which can be cut short. */
export class Pause {
  private readonly world: World
  /** Ends the wait that is under way; does nothing where none is. */
  end: () => void = () => {}

  constructor(world: World) {
    this.world = world
  }

  /** Resolves after a time, or when it is ended. */
  for(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.world.after(ms, resolve)
      this.end = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}
