// How fast an operation goes on, and when it stops: so many lanes in each second, until so many messages have failed.
//
// Invariants: between two turns that begin a lane at least `pauseMs` pass, so that no second has more than `perSecond`
// of them; no message begins where those that failed and those under way are `stopAfter`. So at most `stopAfter` fail.
import type { Operation, SelectedItem } from '../../model/desk-views.ts'

export type Outcome = 'handled' | 'not handled'

/**
 * What an operation may do now: `act` on so many messages, in so many lanes that have not begun; where that is none, for
 * `restMs`. `wait`: until one of its messages ends.
 */
export type Turn =
  | { readonly do: 'act'; readonly lanes: number; readonly messages: number; readonly restMs: number }
  | { readonly do: 'wait' }
  | { readonly do: 'stop' }

/** Most turns in a second: a rate above it begins several lanes in one. */
const turnsPerSecond = 20
/** Most messages in a turn. */
const turnMessages = 256

export type Paced = Pick<Operation, 'action' | 'perSecond' | 'stopAfter' | 'failures' | 'nextAt'>

export class Ramp {
  /** Least time between two turns that begin lanes, milliseconds; 0 without `perSecond`. */
  readonly pauseMs: number
  /** Whether the ends of its messages count: a discarded one has ended already. */
  readonly follows: boolean
  /** Messages that were released, and whose end is not known. */
  readonly underWay: Set<number>
  private readonly lanes: number
  private readonly stopAfter: number | null
  private failures: number
  private nextAt: number

  constructor({ action, perSecond, stopAfter, failures, nextAt }: Paced, underWay: ReadonlySet<number> = new Set()) {
    this.lanes = perSecond === null ? Number.POSITIVE_INFINITY : Math.ceil(perSecond / turnsPerSecond)
    this.pauseMs = perSecond === null ? 0 : Math.ceil(1_000 / Math.floor(perSecond / this.lanes))
    this.stopAfter = stopAfter
    this.follows = stopAfter !== null && action !== 'discard'
    this.failures = failures
    this.nextAt = nextAt ?? 0
    this.underWay = new Set(underWay)
  }

  turn(now: number): Turn {
    const { stopAfter, failures, underWay, nextAt, pauseMs } = this
    if (stopAfter !== null && failures >= stopAfter) return { do: 'stop' }
    const room = stopAfter === null ? turnMessages : stopAfter - failures - underWay.size
    if (room <= 0) return { do: 'wait' }
    // A clock that was set back makes nothing wait longer than a pause.
    const restMs = Math.max(0, Math.min(nextAt - now, pauseMs))
    return { do: 'act', lanes: restMs > 0 ? 0 : this.lanes, messages: Math.min(room, turnMessages), restMs }
  }

  /** Lanes begin at this time; returns the time of the next ones, undefined where there is no rate. */
  paced(now: number): number | undefined {
    if (this.pauseMs === 0) return undefined
    this.nextAt = now + this.pauseMs
    return this.nextAt
  }

  /** A message could not be acted on. */
  refused(): void {
    this.failures++
  }

  /** A message under way has ended; returns false for one that is not under way. */
  ended(item: number, outcome: Outcome): boolean {
    if (!this.underWay.delete(item)) return false
    if (outcome === 'not handled') this.failures++
    return true
  }
}

/** The messages of so many lanes that have not begun, and of those that have. */
export function inLanes(found: readonly SelectedItem[], most: number): readonly SelectedItem[] {
  const lanes = new Set<number>()
  return found.filter(({ lane, begun }) => {
    if (begun || lanes.has(lane)) return true
    if (lanes.size >= most) return false
    lanes.add(lane)
    return true
  })
}
