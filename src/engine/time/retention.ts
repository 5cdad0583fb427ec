import { failures } from '../../model/failures.ts'
import type { Destination } from '../../model/message.ts'
import { inBrief } from '../../model/people.ts'
import type { Store } from '../../seam/store.ts'
import type { Timer, World } from '../../seam/world.ts'
import type { Committer } from '../commit/committer.ts'
import type { EngineLimits } from '../spec.ts'

/** How much longer a discard is kept than it can be taken back, so that the last moment still finds it, milliseconds. */
const spareMs = 60_000

/** Looks that find nothing come more rarely: the wait grows up to so many times. */
const idleTimesMax = 32

/** What retention needs of the engine. */
export interface RetentionHost {
  readonly world: Pick<World, 'now' | 'after' | 'log'>
  readonly store: Pick<Store, 'desk' | 'requests' | 'flows' | 'log' | 'progress'>
  readonly committer: Pick<Committer, 'alone'>
  readonly destinations: readonly Destination[]
  readonly limits: RetentionLimits
  /** The stream of a topic or channel, by name. */
  readonly streamIds: ReadonlyMap<string, number>
  /** Forgets withdrawn commands that are done. Returns how many. */
  forgetWithdrawn(): Promise<number>
}

type RetentionLimits = Pick<
  EngineLimits,
  'retainEveryMs' | 'deskRetainMs' | 'requestRetainMs' | 'flowRetainMs' | 'mailboxMs' | 'channelRetainMs'
>

/** Looks now and then for what need not be kept, and removes it in slices between other work. */
export class Retention {
  private readonly host: RetentionHost
  /** Nobody waits for it. */
  readonly idle = true
  private timer: Timer | undefined
  /** The wait before the next look: longer while nothing is found. */
  private waitMs: number
  private found = false
  private ended = false

  constructor(host: RetentionHost) {
    this.host = host
    this.waitMs = host.limits.retainEveryMs
  }

  begin(): void {
    if (this.ended || this.timer !== undefined) return
    this.timer = this.host.world.after(this.waitMs, () => {
      this.found = false
      this.sweep()
        .catch((error) => {
          if (!this.ended) this.host.world.log('error', 'old messages could not be removed', { error: inBrief(error) })
        })
        .finally(() => {
          this.timer = undefined
          const { retainEveryMs } = this.host.limits
          this.waitMs = this.found ? retainEveryMs : Math.min(2 * this.waitMs, idleTimesMax * retainEveryMs)
          this.begin()
        })
    })
  }

  end(): void {
    this.ended = true
    this.timer?.cancel()
  }

  private rule(destination: Destination): { ageMs?: number; bytes?: number } | undefined {
    // Events about failures are kept as long as the failed messages stay at the desk.
    if (destination === failures) return { ageMs: this.host.limits.deskRetainMs }
    return (
      destination.retain ?? (destination.kind === 'channel' ? { ageMs: this.host.limits.channelRetainMs } : undefined)
    )
  }

  private async sweep(): Promise<void> {
    await this.inSlices(() =>
      this.host.store.desk.forgetResolved(this.host.world.now() - this.host.limits.deskRetainMs - spareMs),
    )
    await this.inSlices(() => this.host.store.requests.forget(this.host.world.now() - this.host.limits.requestRetainMs))
    await this.inSlices(() => this.host.store.flows.rows.forget(this.host.world.now() - this.host.limits.flowRetainMs))
    await this.forgetMails()
    if ((await this.host.forgetWithdrawn()) > 0) this.found = true
    const needed = await this.neededFrom()
    for (const destination of this.host.destinations) {
      const rule = this.rule(destination)
      const stream = this.host.streamIds.get(destination.name)
      if (rule === undefined || stream === undefined) continue
      const { ageMs, bytes } = rule
      const retain = { bytes, beforeMs: ageMs === undefined ? undefined : this.host.world.now() - ageMs }
      await this.inSlices(() => this.host.store.log.trim(stream, needed.get(stream) ?? Number.MAX_SAFE_INTEGER, retain))
    }
  }

  private async inSlices(remove: () => Promise<number>): Promise<void> {
    let gone: number
    do {
      gone = await this.host.committer.alone(remove)
      this.found ||= gone > 0
    } while (gone > 0 && !this.ended)
  }

  private async forgetMails(): Promise<void> {
    for (let last: number | undefined = 0; last !== undefined && !this.ended; ) {
      const after: number = last
      const beforeMs = this.host.world.now() - this.host.limits.mailboxMs
      const slice = await this.host.committer.alone(() => this.host.store.flows.mail.forget(after, beforeMs))
      this.found ||= slice.gone > 0
      last = slice.last
    }
  }

  /**
   * The position of each stream up to which every processor is done, those that are gone included until they are retired.
   * Positions only grow during a sweep.
   */
  private async neededFrom(): Promise<ReadonlyMap<number, number>> {
    const needed = new Map<number, number>()
    for (const { stream, low } of await this.host.store.progress.rows()) {
      needed.set(stream, Math.min(low, needed.get(stream) ?? low))
    }
    return needed
  }
}
