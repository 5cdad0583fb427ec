// Commands that are never to be handled any more: of flows that have gone on, of people who have thought better of it.
//
//   asked ──withdrawn──→ marked, in memory at once and then on disk ──met by its processor──→ passed over, mark forgotten
//     └─ an attempt under way is fenced; one that had ended well commits all the same, and then it was too late
import { fault } from '../model/errors.ts'
import type { RequestChange, Store } from '../seam/store.ts'
import type { World } from '../seam/world.ts'
import type { Committer } from './committer.ts'
import type { Consumer } from './consumer.ts'

/** A command that is to be taken back. */
export interface OpenCall {
  readonly id: string
  readonly type: string
  readonly context: string | null
}

export class Withdrawals {
  private readonly world: World
  private readonly store: Store
  private readonly committer: Committer
  /** The processor that serves commands of a type. */
  private readonly serving: (type: string) => Consumer | undefined
  private readonly marked = new Set<string>()

  constructor(world: World, store: Store, committer: Committer, serving: (type: string) => Consumer | undefined) {
    this.world = world
    this.store = store
    this.committer = committer
    this.serving = serving
  }

  /** Before anything is handled. */
  takeUp(): void {
    for (const id of this.store.flows.withdrawn()) this.marked.add(id)
  }

  has(id: string): boolean {
    return this.marked.size > 0 && this.marked.has(id)
  }

  /** It was passed over, durably. */
  passed(id: string): void {
    this.marked.delete(id)
  }

  /** Never lets a command of a flow be handled that has not been; where it has been, its end is told as ever. */
  async ofFlow({ id, type, context }: OpenCall): Promise<'never' | 'unknown'> {
    const serving = this.serving(type)
    const effects = await this.mark(id, serving)
    await this.write({ flows: [{ do: 'withdraw', id }] })
    return (await serving?.withdraw(id, context)) === 'unknown' ? 'unknown' : effects
  }

  /** Takes a request back. False: it had ended, or there is none such. */
  async ofRequest(type: string, id: string): Promise<boolean> {
    const row = await this.store.request(id)
    if (row === undefined || row.endedAt !== null || row.type !== type) return false
    const serving = this.serving(type)
    const effects = await this.mark(id, serving)
    if ((await this.store.request(id))?.endedAt !== null) {
      this.marked.delete(id)
      return false
    }
    const outcome = { message: 'withdrawn by who had asked for it', data: { effects } }
    const end: RequestChange = {
      do: 'end',
      asker: 'app',
      id,
      state: 'withdrawn',
      outcome,
      at: this.world.now(),
      n: 0,
    }
    await this.write({ flows: [{ do: 'withdraw', id }], requests: [end] })
    const entry = row.item === null ? undefined : await this.store.deskEntry(row.item)
    await serving?.withdraw(id, entry?.message.context ?? null)
    return true
  }

  private async mark(id: string, serving: Consumer | undefined): Promise<'never' | 'unknown'> {
    this.marked.add(id)
    const why = fault('millrace/withdrawn', `command "${id}" was withdrawn: who asked for it has gone on`)
    const effects = serving?.fenceMessage(id, why) === true ? 'unknown' : 'never'
    // What had ended well before is handled: its end comes by itself.
    while (this.committer.holds(id)) await this.committer.alone(async () => {})
    return effects
  }

  private write(job: Pick<Parameters<Committer['write']>[0], 'flows' | 'requests'>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.committer.write({ ...job, written: resolve, dropped: reject })
    })
  }
}
