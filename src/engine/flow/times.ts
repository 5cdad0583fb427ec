// When the next time of a flow comes. That is all that is in memory: the times are in the store.
//
//   new ──begin──→ none ⇄ sleeping ──it comes──→ telling ──all are told──→ none | sleeping | telling
//   every state ──end──→ ended
//
// Invariants: one round of telling at a time. `next` is the answer of the last commit that has changed a time, at first
// that of the take-over; so no time in the store comes before it, but for those of a commit that has not answered yet.
import type { World } from '../../seam/world.ts'
import { Alarm } from '../time/alarm.ts'

/** What times need of the flows. */
export interface TimesHost {
  /** Tells flows the times that have come, and writes what follows. Does not reject. */
  tellDue(): Promise<unknown>
  /** Called when all times that had come are told. */
  told(): void
}

type State = 'new' | 'none' | 'sleeping' | 'telling' | 'ended'

export class Times {
  private readonly world: World
  private readonly host: TimesHost
  private readonly alarm: Alarm
  private state: State = 'new'
  private next: number | null = null

  constructor(world: World, host: TimesHost) {
    this.world = world
    this.host = host
    this.alarm = new Alarm(world, () => this.look())
  }

  /** Takes the answer of the take-over, or of a commit: null where no time is left. */
  changed(next: number | null): void {
    this.next = next
    if (this.state === 'none' || this.state === 'sleeping') this.look()
  }

  /** From now on times come. */
  begin(): void {
    if (this.state === 'ended') return
    this.become('none', ['new'])
    this.look()
  }

  end(): void {
    this.state = 'ended'
    this.alarm.cancel()
  }

  /** Whether no time has come that is not told. */
  get idle(): boolean {
    if (this.state === 'new' || this.state === 'ended') return true
    return this.state !== 'telling' && (this.next === null || this.next > this.world.now())
  }

  private look(): void {
    if (this.state === 'ended') return
    this.alarm.cancel()
    if (this.next === null) {
      this.become('none', ['none', 'sleeping', 'telling'])
      return
    }
    if (this.next > this.world.now()) {
      this.become('sleeping', ['none', 'sleeping', 'telling'])
      this.alarm.set(this.next)
      return
    }
    this.become('telling', ['none', 'sleeping', 'telling'])
    void this.host.tellDue().then(() => {
      this.look()
      if (this.state !== 'telling') this.host.told()
    })
  }

  private become(state: State, from: readonly State[]): void {
    if (!from.includes(this.state)) throw new Error(`times of flows are ${this.state} and cannot be ${state}`)
    this.state = state
  }
}
