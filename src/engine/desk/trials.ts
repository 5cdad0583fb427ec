// Trials of held messages, one at a time, behind what is ready to be written.
//
//   free ──a person tries a message──→ on record ──→ busy: the trial runs ──its handler has ended──→ free
//
// A trial that cannot be made leaves its line in the audit log and nothing else. A trial whose time is over keeps others
// waiting while its handler runs, at most `lingerMs`.
import { type Actor, type Change, checkState, type DeskEntry, type Resubmit } from '../../model/desk.ts'
import { fault } from '../../model/errors.ts'
import type { Store } from '../../seam/store.ts'
import type { World } from '../../seam/world.ts'
import type { Job } from '../commit/writes.ts'
import type { Decisions } from '../consumer/decisions.ts'
import { replaced } from '../consumer/line-changes.ts'
import { paused, Trial, type TrialEnd, type TrialHost, type Trier } from './trial.ts'

/** The processor of a held message. */
export interface TrialOwner extends Trier {
  readonly decisions: Pick<Decisions, 'corrected'>
  readonly progress: { readonly stream: number }
}

export interface TrialsHost {
  readonly world: Pick<World, 'now'> & TrialHost['world']
  readonly store: { readonly desk: Pick<Store['desk'], 'entry'> }
  readonly committer: TrialHost['committer'] & { written(job: Job): Promise<void> }
  readonly messageBytesMax: number
  /** The processor with a name; undefined where it does not run. */
  owner(processor: string): TrialOwner | undefined
}

/** A message that was tried, and how that ended. */
export interface Tried extends TrialEnd {
  /** With the data that were tried. */
  readonly entry: DeskEntry
  readonly owner: TrialOwner
}

export class Trials {
  private readonly host: TrialsHost
  private busy = false
  private current: Trial | undefined
  private ended = false

  constructor(host: TrialsHost) {
    this.host = host
  }

  /**
   * Tries a held message, with data as they are or corrected.
   *
   * @throws `millrace/unknown-item`, `millrace/unknown-processor`, `millrace/no-trial`, `millrace/not-held`,
   *   `millrace/trial-busy`; as a resubmit where the data do not fit; `millrace/stopping`
   */
  async try(item: number, edit: Resubmit | Change | undefined, actor: Actor): Promise<Tried> {
    const { host } = this
    if (this.ended) throw stopping()
    const found = await host.store.desk.entry(item)
    if (found === undefined) throw fault('millrace/unknown-item', `there is no message ${item} at the desk`)
    const owner = this.ownerOf(found)
    checkState(found, 'held')
    const entry = edit === undefined ? found : corrected(found, owner.decisions.corrected(found.message, edit))
    if (this.busy) throw fault('millrace/trial-busy', 'another message is being tried')
    this.busy = true
    const trial = new Trial(host, owner, entry)
    try {
      const about = { at: host.world.now(), by: actor.by, item, subject: found.processor, reason: actor.reason ?? null }
      const detail = edit === undefined ? undefined : replaced(found, entry)
      // Whatever is ready now is written before the trial.
      await host.committer.written({ changes: [{ do: 'record', audit: { ...about, action: 'tried', detail } }] })
    } catch (error) {
      this.busy = false
      throw error
    }
    this.current = trial
    try {
      return { ...(await trial.run()), entry, owner }
    } finally {
      this.release(trial, owner)
    }
  }

  /** The run ends. */
  end(): void {
    this.ended = true
    this.current?.end(stopping())
  }

  private ownerOf({ id, processor, message }: DeskEntry): TrialOwner {
    const owner = this.host.owner(processor)
    if (owner === undefined || owner.progress.stream !== message.stream) {
      throw fault('millrace/unknown-processor', `processor "${processor}" of message ${id} is not running`)
    }
    if (!owner.spec.trial)
      throw fault('millrace/no-trial', `processor "${processor}" does not say that it may be tried`)
    if (owner.isPaused) throw paused(processor)
    return owner
  }

  private release(trial: Trial, { spec }: TrialOwner): void {
    const free = () => {
      if (this.current !== trial) return
      this.current = undefined
      this.busy = false
    }
    trial.gone.then(free)
    this.host.world.after(spec.lingerMs, free)
  }
}

const stopping = () => fault('millrace/stopping', 'the app stops, and tries nothing')

const corrected = (entry: DeskEntry, message: DeskEntry['message']): DeskEntry => ({
  ...entry,
  message,
  corrections: entry.corrections + 1,
})
