// The owner between its commits: it beats, finds what others have published, and gives the lease back.
//
//   idle: a poll each 250 ms ⇄ busy: each 20 ms, for a second after one that found something
//   either ──the lease is another's, the server is another one──→ lost

import { fault, isMillraceError, type MillraceError } from '../../model/errors.ts'
import { inBrief } from '../../model/people.ts'
import type { Timer, World } from '../../seam/world.ts'
import { storeLost, storeTrouble } from './errors.ts'
import type { Owner } from './owner.ts'
import { beat } from './processes.ts'
import type { Opened } from './server.ts'

const idlePollMs = 250
const busyPollMs = 20
const busyMs = 1_000
/** Beats in the time of a lease. */
const beatsPerLease = 5

export interface LifeNeeds {
  readonly where: string
  readonly world: World
  readonly leaseMs: number
  readonly owner: Owner
  readonly server: Opened
  /** Told once, when it is lost. */
  readonly told: (why: MillraceError) => void
}

const backText = `update millrace.leases set owner = null, clean = $3 where unit = 0 and epoch = $1 and owner = $2`

export class Life {
  /** Why it writes nothing more. */
  lost: MillraceError | undefined
  private readonly needs: LifeNeeds
  private polling: Timer | undefined
  private beating: Timer | undefined
  private away: string | undefined
  private foundAt = Number.NEGATIVE_INFINITY
  private ended = false

  constructor(needs: LifeNeeds) {
    this.needs = needs
  }

  begin(): void {
    this.pollIn(0)
    this.beatIn()
  }

  health(): readonly string[] {
    const { lost, away } = this
    if (lost !== undefined) return [lost.message]
    return away === undefined ? [] : [away]
  }

  /** Gives the lease back. Another process takes it at once. */
  async end(how: 'clean' | 'left'): Promise<void> {
    this.ended = true
    this.polling?.cancel()
    this.beating?.cancel()
    const { world, where, owner, server } = this.needs
    const { epoch, owner: id } = owner.lease
    // Where another process has it, nothing is changed.
    const clean = how === 'clean' && this.lost === undefined
    const back = server.takeOver((db) => db.run(backText, [epoch, id, clean]))
    await back.catch((error: unknown) => {
      if (this.lost !== undefined) return
      world.log('warn', `the lease of ${where} was not given back`, { error: inBrief(error) })
    })
  }

  /** What is in memory cannot be right: the store is to be taken up anew. */
  lose(error: unknown): void {
    const { where, told } = this.needs
    if (this.ended || this.lost !== undefined) return
    this.lost = storeLost(where, error) ?? storeTrouble(where, error) ?? failed(where, error)
    told(this.lost)
  }

  private pollIn(ms: number): void {
    const { world, owner } = this.needs
    this.polling = world.after(ms, () => {
      owner.poll().then(
        (found) => this.polled(found ? 'some' : 'none'),
        (error: unknown) => this.failed(error),
      )
    })
  }

  private polled(found: 'some' | 'none'): void {
    const { world } = this.needs
    this.away = undefined
    if (found === 'some') this.foundAt = world.elapsed()
    if (!this.ended) this.pollIn(world.elapsed() - this.foundAt < busyMs ? busyPollMs : idlePollMs)
  }

  private failed(error: unknown): void {
    const { where, world } = this.needs
    if (this.ended) return
    const lost = storeLost(where, error)
    if (lost !== undefined) {
      this.lose(lost)
      return
    }
    if (this.away === undefined) world.log('error', `${where} is not reached; trying again`, { error: inBrief(error) })
    this.away = isMillraceError(error) ? error.message : `${where} is not reached: ${inBrief(error)}`
    this.pollIn(idlePollMs)
  }

  private beatIn(): void {
    const { world, leaseMs, server } = this.needs
    this.beating = world.after(leaseMs / beatsPerLease, () => {
      const again = () => {
        if (!this.ended && this.lost === undefined) this.beatIn()
      }
      server.side.transact((db) => beat(db, server.process.id)).then(again, again)
    })
  }
}

const failed = (where: string, cause: unknown) =>
  fault('millrace/sync-failed', `${where} could not be read: ${inBrief(cause)}`, { cause })
