// Removes what need not be kept, in slices between other work.
//
//   new ──begin──→ waiting ──a time has passed──→ removing ──all is removed──→ waiting, longer when nothing was found
//    └────────────────┴─────────end──────────────────┴──→ ended
import { failures } from '../../model/failures.ts'
import type { Destination } from '../../model/message.ts'
import { inBrief } from '../../model/people.ts'
import type { Store } from '../../seam/store.ts'
import type { Timer, World } from '../../seam/world.ts'
import type { Committer } from '../commit/committer.ts'
import type { Service } from '../service.ts'
import type { EngineLimits } from '../spec.ts'

/** Time for which a discard is kept after it can be taken back: the last moment still finds it. Milliseconds. */
const spareMs = 60_000

/** Looks that find nothing come more rarely: the wait grows up to so many times. */
const idleTimesMax = 32

/** The engine, as retention needs it. */
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

type State = 'new' | 'waiting' | 'removing' | 'ended'

const transitions: Readonly<Record<State, readonly State[]>> = {
  new: ['waiting', 'ended'],
  waiting: ['removing', 'ended'],
  removing: ['waiting', 'ended'],
  ended: ['ended'],
}

export class Retention implements Service {
  private readonly host: RetentionHost
  /** Nobody waits for it. */
  readonly idle = true
  private timer: Timer | undefined
  /** The wait before the next look: longer while nothing is found. */
  private waitMs: number
  /** True when the present look has found something. */
  private found = false
  private state: State = 'new'

  constructor(host: RetentionHost) {
    this.host = host
    this.waitMs = host.limits.retainEveryMs
  }

  begin(): void {
    this.become('waiting')
    this.timer = this.host.world.after(this.waitMs, () => {
      this.become('removing')
      this.found = false
      this.removeAll()
        .catch((error) => {
          if (this.state !== 'ended')
            this.host.world.log('error', 'old messages could not be removed', { error: inBrief(error) })
        })
        .finally(() => {
          if (this.state === 'ended') return
          const { retainEveryMs } = this.host.limits
          this.waitMs = this.found ? retainEveryMs : Math.min(2 * this.waitMs, idleTimesMax * retainEveryMs)
          this.begin()
        })
    })
  }

  end(): void {
    this.become('ended')
    this.timer?.cancel()
  }

  private rule(destination: Destination): { ageMs?: number; bytes?: number } | undefined {
    // Events about failures are kept as long as the failed messages stay at the desk.
    if (destination === failures) return { ageMs: this.host.limits.deskRetainMs }
    return (
      destination.retain ?? (destination.kind === 'channel' ? { ageMs: this.host.limits.channelRetainMs } : undefined)
    )
  }

  private async removeAll(): Promise<void> {
    const { store, limits, destinations, streamIds } = this.host
    await this.inSlices(() => store.desk.forgetResolved(this.ago(limits.deskRetainMs + spareMs)))
    await this.inSlices(() => store.requests.forget(this.ago(limits.requestRetainMs)))
    await this.inSlices(() => store.flows.rows.forget(this.ago(limits.flowRetainMs)))
    await this.forgetMails()
    if ((await this.host.forgetWithdrawn()) > 0) this.found = true
    for (const destination of destinations) {
      const rule = this.rule(destination)
      const stream = streamIds.get(destination.name)
      if (rule === undefined || stream === undefined) continue
      const { ageMs, bytes } = rule
      const retain = { bytes, beforeMs: ageMs === undefined ? undefined : this.ago(ageMs) }
      // Asked for each slice: a processor may have been reset since the one before.
      await this.inSlices(async () => store.log.trim(stream, await this.neededFrom(stream), retain))
    }
  }

  private ago(ms: number): number {
    return this.host.world.now() - ms
  }

  private async inSlices(remove: () => Promise<number>): Promise<void> {
    let gone: number
    do {
      gone = await this.host.committer.alone(remove)
      this.found ||= gone > 0
    } while (gone > 0 && this.state !== 'ended')
  }

  private async forgetMails(): Promise<void> {
    for (let last: number | undefined = 0; last !== undefined && this.state !== 'ended'; ) {
      const after: number = last
      const beforeMs = this.ago(this.host.limits.mailboxMs)
      const slice = await this.host.committer.alone(() => this.host.store.flows.mail.forget(after, beforeMs))
      this.found ||= slice.gone > 0
      last = slice.last
    }
  }

  /** The position of a stream up to which every processor is done, those that are gone included until they are retired. */
  private async neededFrom(stream: number): Promise<number> {
    const rows = await this.host.store.progress.rows()
    return rows.reduce((to, row) => (row.stream === stream ? Math.min(to, row.low) : to), Number.MAX_SAFE_INTEGER)
  }

  private become(state: State): void {
    if (!transitions[this.state].includes(state)) throw new Error(`retention goes from ${this.state} to ${state}`)
    this.state = state
  }
}
