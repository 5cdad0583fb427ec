// A processor whose attempts all fail, across lanes, does not send its messages to the desk one after the other: what
// it depends on is down. It tries one message at a time until one succeeds.
//
//   well ──so many failures in a row, of more than one lane──→ probing ──a success──→ well
//                                                     └ for longer than probeMaxMs: probes use up attempts again
export interface ProbeLimits {
  /** So many failed attempts in a row, of more than one lane, but not refusals, default 20. */
  readonly probeAfter: number
  /** The wait after the first failed probe, milliseconds, default 1,000; doubles from then on. */
  readonly probeFirstMs: number
  /** The longest wait between probes, milliseconds, default 30,000. */
  readonly probeEveryMs: number
  /** Time after which probes use up attempts again, so that what stays broken comes to the desk, default 15 minutes. */
  readonly probeMaxMs: number
}

export class Probing {
  private readonly limits: ProbeLimits
  private failures = 0
  /** Failures before attempts that ended well and whose commits are not known yet. */
  private doubtful = 0
  private lane: string | undefined
  private severalLanes = false
  /** Since when it probes, on the clock of durations; undefined while it is well. */
  private since: number | undefined
  private waitMs = 0
  /** No probe starts before: what fails until then had begun before it probed. */
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

  /** An attempt failed by something that may be the fault of all. Gives the wait before the next probe, where one follows. */
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

  /** An attempt has ended well. Whether that holds is known with its commit: meanwhile nothing failed in a row. */
  ended(): void {
    this.doubtful += this.failures
    this.failures = 0
  }

  /** The commit of an attempt that had ended well has failed: what failed before it counts again. */
  takeBack(): void {
    this.failures += this.doubtful
    this.doubtful = 0
  }

  /** Gives whether it has recovered by this. */
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
