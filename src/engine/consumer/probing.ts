// Where all attempts of a processor fail, whatever the lane, a dependency is down. Then the processor does not send one
// message after the other to the desk; it tries one message at a time until one succeeds.
//
//   well ──probeAfter failures in a row, of more than one lane──→ probing ──a success──→ well
//                                                       └ for longer than probeMaxMs: probes use up attempts again
//
// A failure of another system (model/away.ts) begins it at once where it uses up no attempt, or where that system asks
// for a wait.
import type { Away } from '../../model/away.ts'
import type { World } from '../../seam/world.ts'

export interface ProbeLimits {
  /** Failed attempts in a row, of more than one lane, that begin it; refusals do not count, default 20. */
  readonly probeAfter: number
  /** The wait after the first failed probe, milliseconds, default 1,000; doubles from then on. */
  readonly probeFirstMs: number
  /** The longest wait between probes, milliseconds, default 30,000. */
  readonly probeEveryMs: number
  /** Time after which probes use up attempts again, so that their messages come to the desk, default 15 minutes. */
  readonly probeMaxMs: number
}

export class Probing {
  private readonly limits: ProbeLimits
  private failures = 0
  /** Failures before attempts that returned and whose commits are not known yet. */
  private doubtful = 0
  private lane: string | undefined
  private severalLanes = false
  /** The time at which probing began, on the clock of durations; undefined while it is well. */
  private since: number | undefined
  private waitMs = 0
  /** The time until which another system asks to be left alone. */
  private askedUntil = 0
  /** No probe starts before; an attempt that fails until then began before the probing. */
  private nextAt = 0

  constructor(limits: ProbeLimits) {
    this.limits = limits
  }

  get active(): boolean {
    return this.since !== undefined
  }

  /** The time before which no probe starts, on the clock of durations; undefined while it is well. */
  get next(): number | undefined {
    return this.since === undefined ? undefined : this.nextAt
  }

  /** The wall time since which all attempts have failed; 0 where none of this run has succeeded. */
  private failingSince: number | undefined = 0

  /** Whether a failure uses up an attempt now. */
  counts(now: number): boolean {
    return this.since === undefined || now - this.since >= this.limits.probeMaxMs
  }

  /** The same for a failure that may be one of another system; `tries` are those of the message so far. */
  uses(
    world: Pick<World, 'elapsed' | 'now'>,
    away: Away | undefined,
    tries: readonly { readonly at: number }[],
  ): boolean {
    const now = world.elapsed()
    if (away === undefined) return this.counts(now)
    const triedAt = tries.at(-1)?.at
    const tookOthers = triedAt === undefined || this.failingSince === undefined || triedAt < this.failingSince
    this.failingSince ??= world.now()
    return this.since === undefined ? !away.unread && tookOthers : this.counts(now)
  }

  /** Whether a probe may start now. */
  due(now: number): boolean {
    return now >= this.nextAt
  }

  /** An attempt failed, perhaps by a common fault. Returns the wait before the next probe, where one follows. */
  failed(lane: string, now: number): number | undefined {
    this.failures++
    this.severalLanes ||= this.lane !== undefined && this.lane !== lane
    this.lane = lane
    const { probeAfter, probeFirstMs, probeEveryMs } = this.limits
    if (this.since === undefined) {
      if (this.failures < probeAfter || !this.severalLanes) return undefined
      this.since = now
      return this.wait(Math.min(probeFirstMs, probeEveryMs), now)
    }
    return this.due(now) ? this.wait(Math.min(probeEveryMs, this.waitMs * 2), now) : undefined
  }

  /** Another system is away. Returns the wait before the next probe, where one follows. */
  away({ retryAfterMs }: Away, now: number): number | undefined {
    const { probeFirstMs, probeEveryMs } = this.limits
    this.failures++
    const begins = this.since === undefined
    this.since ??= now
    if (!begins && !this.due(now) && retryAfterMs === undefined) return undefined
    const waitMs = begins ? Math.min(probeFirstMs, probeEveryMs) : Math.min(probeEveryMs, this.waitMs * 2)
    return this.wait(waitMs, now, retryAfterMs)
  }

  private wait(waitMs: number, now: number, askedMs = 0): number {
    this.waitMs = waitMs
    if (askedMs > 0) this.askedUntil = Math.max(this.askedUntil, now + askedMs)
    this.nextAt = Math.max(now + waitMs, this.askedUntil)
    return this.nextAt - now
  }

  /** An attempt has returned. Until its commit is known, no failures count as in a row. */
  returned(): void {
    this.doubtful += this.failures
    this.failures = 0
  }

  /** The commit of an attempt that returned has failed: the failures before it count again. */
  takeBack(): void {
    this.failures += this.doubtful
    this.doubtful = 0
  }

  /** An attempt is committed. Returns whether this ended the probing. */
  succeeded(world: Pick<World, 'elapsed'>): boolean {
    const recovered = this.since !== undefined && (this.askedUntil === 0 || world.elapsed() >= this.askedUntil)
    this.failures = 0
    this.doubtful = 0
    this.lane = undefined
    this.severalLanes = false
    this.failingSince = undefined
    if (!recovered) return false
    this.since = undefined
    this.askedUntil = 0
    return true
  }
}
