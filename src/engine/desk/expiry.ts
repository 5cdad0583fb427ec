// Ends operations that were prepared and not run in time. The store knows when; here is only a timer until the next.
import { inBrief } from '../../model/people.ts'
import type { Store } from '../../seam/store.ts'
import type { Timer, World } from '../../seam/world.ts'
import type { Committer } from '../commit/committer.ts'

/** The longest sleep, milliseconds: a clock that was set is noticed after it. */
const sleepMsMax = 60_000

export interface ExpiryHost {
  readonly world: Pick<World, 'now' | 'after' | 'log'>
  readonly store: Pick<Store, 'operations'>
  readonly committer: Pick<Committer, 'alone'>
}

export class Expiry {
  private readonly host: ExpiryHost
  private timer: Timer | undefined
  private hasEnded = false

  constructor(host: ExpiryHost) {
    this.host = host
  }

  /** Ends those whose time is over, and looks again when the time of the next is over, or after a failure. */
  async look(): Promise<void> {
    if (this.hasEnded) return
    try {
      await this.expire()
    } catch (error) {
      // The store may be locked by another program for a while: nobody waits for this.
      if (this.hasEnded) return
      this.host.world.log('error', 'prepared operations at the desk cannot expire', { error: inBrief(error) })
      this.sleep(sleepMsMax)
    }
  }

  private async expire(): Promise<void> {
    const { committer, store, world } = this.host
    const next = await committer.alone(() => store.operations.expire(world.now()))
    if (this.hasEnded) return
    this.timer?.cancel()
    if (next !== undefined) this.sleep(next - world.now())
  }

  private sleep(ms: number): void {
    this.timer?.cancel()
    this.timer = this.host.world.after(Math.min(sleepMsMax, Math.max(0, ms)), () => void this.look())
  }

  end(): void {
    this.hasEnded = true
    this.timer?.cancel()
  }
}
