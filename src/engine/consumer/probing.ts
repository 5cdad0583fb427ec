// Where all attempts of a processor fail, whatever the lane, a dependency is down. Then the processor does not send one
// message after the other to the desk; it tries one message at a time until one succeeds.
//
//   well ──probeAfter failures in a row, of more than one lane──→ probing ──a success──→ well
//                                                       └ for longer than probeMaxMs: probes use up attempts again
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
  /** No probe starts before; an attempt that fails until then began before the probing. */
  private nextAt = 0

  constructor(limits: ProbeLimits) {
    this.limits = limits
  }

  get active(): boolean {
    return this.since !== undefined
  }

  /** Whether a failure uses up an attempt now. */
  counts(now: number): boolean {
    return this.since === undefined || now - this.since >= this.limits.probeMaxMs
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

  private wait(waitMs: number, now: number): number {
    this.waitMs = waitMs
    this.nextAt = now + waitMs
    return waitMs
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
  succeeded(): boolean {
    const recovered = this.since !== undefined
    this.failures = 0
    this.doubtful = 0
    this.lane = undefined
    this.severalLanes = false
    this.since = undefined
    return recovered
  }
}
