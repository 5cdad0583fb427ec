// The functions given to `app.tail`: they look at what is accepted, and what they throw hurts nobody.
import { observer } from '../engine/kit/observer.ts'
import type { Stored } from '../model/codec.ts'
import { fault } from '../model/errors.ts'
import type { World } from '../seam/world.ts'

/** A function that `app.tail` calls with each accepted message. */
export type Accepting = (message: Stored) => void

export class Tails {
  private readonly app: string
  private readonly world: World
  private readonly functions = new Set<Accepting>()

  constructor(app: string, world: World) {
    this.app = app
    this.world = world
  }

  /**
   * Adds one; returns the function that removes it.
   *
   * @throws `millrace/bad-option`
   */
  add(accepting: Accepting): () => void {
    if (typeof accepting !== 'function') throw fault('millrace/bad-option', `app "${this.app}": tail takes a function`)
    const guarded = observer(this.world, `a function given to tail of app "${this.app}"`, accepting)
    this.functions.add(guarded)
    return () => void this.functions.delete(guarded)
  }

  readonly tell: Accepting = (message) => {
    // Called with every message, and mostly there is none.
    if (this.functions.size > 0) for (const accepting of this.functions) accepting(message)
  }
}
