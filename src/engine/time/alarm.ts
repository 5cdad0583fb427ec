import type { Timer, World } from '../../seam/world.ts'

/** The longest sleep, milliseconds, after which a clock that was set, or a machine that slept, is noticed. */
const sleepMsMax = 60_000

/** Rings at a time of the wall clock, or a minute after it was set: its owner looks at the clock when it rings. */
export class Alarm {
  private readonly world: Pick<World, 'now' | 'after'>
  private readonly ring: () => void
  private timer: Timer | undefined

  constructor(world: Alarm['world'], ring: () => void) {
    this.world = world
    this.ring = ring
  }

  /** Rings once, at this time instead of the one set before. */
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
