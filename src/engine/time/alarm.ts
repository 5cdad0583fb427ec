import type { Timer, World } from '../../seam/world.ts'

/** How long it sleeps at most, milliseconds: then a clock that was set, or a machine that slept, is noticed. */
const sleepMsMax = 60_000

/** Rings at a time of the wall clock, and at the latest after a minute: who set it looks at the clock each time. */
export class Alarm {
  private readonly world: World
  private readonly ring: () => void
  private timer: Timer | undefined

  constructor(world: World, ring: () => void) {
    this.world = world
    this.ring = ring
  }

  /** Rings once, in place of what was set before. */
  set(at: number): void {
    this.cancel()
    const sleepMs = Math.min(sleepMsMax, Math.max(0, at - this.world.now()))
    this.timer = this.world.after(sleepMs, () => {
      this.timer = undefined
      this.ring()
    })
  }

  cancel(): void {
    this.timer?.cancel()
    this.timer = undefined
  }
}
