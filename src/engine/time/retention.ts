import { failures } from '../../model/failures.ts'
import type { Destination } from '../../model/message.ts'
import { inBrief } from '../../model/people.ts'
import type { Store } from '../../seam/store.ts'
import type { Timer, World } from '../../seam/world.ts'
import type { Committer } from '../commit/committer.ts'
import type { EngineLimits } from '../spec.ts'

/** Who takes a discard back in its last moment still finds it: it is forgotten so much later, milliseconds. */
const spareMs = 60_000

/** Looks that find nothing come rarer, down to one in so many. */
const idleTimesMax = 32

/** Looks now and then for messages that need not be kept, and removes them in slices between other work. */
export class Retention {
  private readonly destinations: readonly Destination[]
  private readonly limits: EngineLimits
  private readonly world: World
  private readonly store: Store
  private readonly committer: Committer
  /** Forgets commands that were taken back and done. */
  private readonly withdrawn: () => Promise<number>
  private readonly streamIds: ReadonlyMap<string, number>
  private timer: Timer | undefined
  /** Until the next look: longer while nothing is found. */
  private waitMs: number
  private found = false
  private ended = false

  constructor(
    { destinations, limits }: { readonly destinations: readonly Destination[]; readonly limits: EngineLimits },
    world: World,
    store: Store,
    committer: Committer,
    streamIds: ReadonlyMap<string, number>,
    withdrawn: () => Promise<number>,
  ) {
    this.destinations = destinations
    this.limits = limits
    this.world = world
    this.store = store
    this.committer = committer
    this.streamIds = streamIds
    this.withdrawn = withdrawn
    this.waitMs = limits.retainEveryMs
  }

  begin(): void {
    if (this.ended || this.timer !== undefined) return
    this.timer = this.world.after(this.waitMs, () => {
      this.found = false
      this.sweep()
        .catch((error) => {
          if (!this.ended) this.world.log('error', 'old messages could not be removed', { error: inBrief(error) })
        })
        .finally(() => {
          this.timer = undefined
          const { retainEveryMs } = this.limits
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
    // What failed is told as long as it may be seen at the desk.
    if (destination === failures) return { ageMs: this.limits.deskRetainMs }
    return destination.retain ?? (destination.kind === 'channel' ? { ageMs: this.limits.channelRetainMs } : undefined)
  }

  private async sweep(): Promise<void> {
    await this.inSlices(() => this.store.forgetResolved(this.world.now() - this.limits.deskRetainMs - spareMs))
    await this.inSlices(() => this.store.forgetRequests(this.world.now() - this.limits.requestRetainMs))
    await this.inSlices(() => this.store.forgetFlows(this.world.now() - this.limits.flowRetainMs))
    await this.forgetMails()
    if ((await this.withdrawn()) > 0) this.found = true
    const needed = await this.neededFrom()
    for (const destination of this.destinations) {
      const rule = this.rule(destination)
      const stream = this.streamIds.get(destination.name)
      if (rule === undefined || stream === undefined) continue
      const { ageMs, bytes } = rule
      const retain = { bytes, beforeMs: ageMs === undefined ? undefined : this.world.now() - ageMs }
      await this.inSlices(() => this.store.trim(stream, needed.get(stream) ?? Number.MAX_SAFE_INTEGER, retain))
    }
  }

  private async inSlices(remove: () => Promise<number>): Promise<void> {
    let gone: number
    do {
      gone = await this.committer.alone(remove)
      this.found ||= gone > 0
    } while (gone > 0 && !this.ended)
  }

  private async forgetMails(): Promise<void> {
    for (let last: number | undefined = 0; last !== undefined && !this.ended; ) {
      const after: number = last
      const beforeMs = this.world.now() - this.limits.mailboxMs
      const slice = await this.committer.alone(() => this.store.forgetMails(after, beforeMs))
      this.found ||= slice.gone > 0
      last = slice.last
    }
  }

  /**
   * By stream, up to where everything is done by every processor, gone ones included until they are retired. It only
   * grows while the sweep goes on.
   */
  private async neededFrom(): Promise<ReadonlyMap<number, number>> {
    const needed = new Map<number, number>()
    for (const { stream, low } of await this.store.progress()) {
      needed.set(stream, Math.min(low, needed.get(stream) ?? low))
    }
    return needed
  }
}
