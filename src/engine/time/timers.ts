// Delayed messages: when the next one is due is all that is in memory; the messages are in the store.
//
//   none ──one is set──→ sleeping ──it is due──→ firing ──written──→ sleeping | firing again | none
//
// Invariants: one firing at a time; nothing that is pending in the store is due before `next`.
import type { Fired, Firing } from '../../seam/timers.ts'
import type { World } from '../../seam/world.ts'
import type { Committer } from '../commit/committer.ts'
import { Alarm } from './alarm.ts'

/** How many delayed messages go to their logs in one transaction. */
const firedMax = 1_000

export class Timers {
  private readonly world: World
  private readonly committer: Committer
  private readonly bytesMax: number
  private readonly alarm: Alarm
  /** When the next one is due; undefined when there is none. */
  private next: number | undefined
  private state: 'new' | 'sleeping' | 'firing' | 'ended' = 'new'

  constructor(world: World, committer: Committer, bytesMax: number, next: number | undefined) {
    this.world = world
    this.committer = committer
    this.bytesMax = bytesMax
    this.next = next
    this.alarm = new Alarm(world, () => this.look())
  }

  begin(): void {
    this.state = 'sleeping'
    this.look()
  }

  /** One that is due then is in the store. */
  isSet(due: number): void {
    if (this.next !== undefined && this.next <= due) return
    this.next = due
    if (this.state === 'sleeping') this.look()
  }

  /** Whether none is due now. */
  get idle(): boolean {
    return this.state !== 'firing' && (this.next === undefined || this.next > this.world.now())
  }

  end(): void {
    this.state = 'ended'
    this.alarm.cancel()
  }

  private look(): void {
    if (this.next === undefined) return
    if (this.next > this.world.now()) {
      this.alarm.set(this.next)
      return
    }
    this.state = 'firing'
    this.alarm.cancel()
    const change: Firing = { do: 'fire', limit: firedMax, bytesMax: this.bytesMax }
    const written = ({ nextDue }: Fired) => {
      this.next = nextDue
      if (this.state !== 'firing') return
      this.state = 'sleeping'
      this.look()
    }
    this.committer.writeTimed<'fire'>({ change, written, dropped: () => {}, patient: true })
  }
}
