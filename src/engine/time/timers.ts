// Delayed messages. The store has them; only the time of the next one is in memory.
//
//   new ──begin──→ sleeping ──one is due──→ firing ──written──→ sleeping
//    └────────────────┴──────────end───────────┴──→ ended
//
// Invariants: one firing at a time; no message in the store is due before `next`.
import type { Fired, Firing } from '../../seam/timers.ts'
import type { World } from '../../seam/world.ts'
import type { Committer } from '../commit/committer.ts'
import type { Service } from '../service.ts'
import { Alarm } from './alarm.ts'

/** Delayed messages that go to their logs in one transaction, at most. */
const firedMax = 1_000

type State = 'new' | 'sleeping' | 'firing' | 'ended'

const transitions: Readonly<Record<State, readonly State[]>> = {
  new: ['sleeping', 'ended'],
  sleeping: ['firing', 'ended'],
  firing: ['sleeping', 'ended'],
  ended: ['ended'],
}

export class Timers implements Service {
  private readonly world: World
  private readonly committer: Pick<Committer, 'writeTimed'>
  private readonly bytesMax: number
  private readonly alarm: Alarm
  /** The time at which the next message is due; undefined when there is none. */
  private next: number | undefined
  private state: State = 'new'

  constructor(world: World, committer: Timers['committer'], bytesMax: number, next: number | undefined) {
    this.world = world
    this.committer = committer
    this.bytesMax = bytesMax
    this.next = next
    this.alarm = new Alarm(world, () => this.look())
  }

  begin(): void {
    this.become('sleeping')
    this.look()
  }

  /** The store has a message that is due at a time. */
  isSet(due: number): void {
    if (this.next !== undefined && this.next <= due) return
    this.next = due
    if (this.state === 'sleeping') this.look()
  }

  /** True when no message is due. */
  get idle(): boolean {
    return this.state !== 'firing' && (this.next === undefined || this.next > this.world.now())
  }

  end(): void {
    this.become('ended')
    this.alarm.cancel()
  }

  private look(): void {
    if (this.next === undefined) return
    if (this.next > this.world.now()) {
      this.alarm.set(this.next)
      return
    }
    this.become('firing')
    this.alarm.cancel()
    const change: Firing = { do: 'fire', limit: firedMax, bytesMax: this.bytesMax }
    const written = ({ nextDue }: Fired) => {
      this.next = nextDue
      if (this.state !== 'firing') return
      this.become('sleeping')
      this.look()
    }
    this.committer.writeTimed<'fire'>({ change, written, dropped: () => {}, patient: true })
  }

  private become(state: State): void {
    if (!transitions[this.state].includes(state)) throw new Error(`timers go from ${this.state} to ${state}`)
    this.state = state
  }
}
