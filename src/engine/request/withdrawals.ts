// Commands that are never to be handled any more: of flows that have gone on, of people who have thought better of it.
//
//   asked ──withdrawn──→ marked, in memory at once and then on disk ──met by its processor──→ passed over, mark forgotten
//     └─ an attempt under way is fenced; one that had ended well commits all the same, and then it was too late
//
// A crash between what was done with a command and its mark can leave a mark that nobody meets: once its processor has
// come past all that was there, it is forgotten.
import { fault } from '../../model/errors.ts'
import { type OpenCall, stepOfCommand } from '../../model/flow.ts'
import { inBrief } from '../../model/people.ts'
import type { Store } from '../../seam/store.ts'
import type { World } from '../../seam/world.ts'
import type { AskedChange } from '../commit/asked.ts'
import type { Committer } from '../commit/committer.ts'
import type { Consumer } from '../consumer/consumer.ts'

/** How many marks are looked at, or forgotten, at once. */
const slicedIds = 256

/** How far a processor of a channel is, also one that does not run. */
export interface ChannelState {
  readonly stream: number
  readonly low: number
  /** The last position of the channel; infinite where the app has it no more. */
  readonly head: number
}

export class Withdrawals {
  private readonly world: World
  private readonly store: Store
  private readonly committer: Committer
  /** The processor that serves commands of a type. */
  private readonly serving: (type: string) => Consumer | undefined
  private readonly maybeIdle: () => void
  private readonly marked = new Set<string>()
  /** Those that are being passed over, which is not written yet. */
  private readonly passing = new Set<string>()
  /** The marks that there were at the last sweep, and the last positions of the channels then, by stream. */
  private before: { readonly ids: readonly string[]; readonly heads: ReadonlyMap<number, number> } | undefined

  /** How many that a commit has taken back are being carried out. */
  private carried = 0

  constructor(
    world: World,
    store: Store,
    committer: Committer,
    serving: (type: string) => Consumer | undefined,
    maybeIdle: () => void,
  ) {
    this.maybeIdle = maybeIdle
    this.world = world
    this.store = store
    this.committer = committer
    this.serving = serving
  }

  /** Before anything is handled. */
  async takeUp(): Promise<void> {
    for (let last = ''; ; ) {
      const slice = await this.store.flows.takeUp.withdrawn(last, slicedIds)
      if (slice.length === 0) return
      for (const id of slice) this.marked.add(id)
      last = slice.at(-1)!
    }
  }

  /** Those that were held when the last run ended leave the desk; requests that it had no time to end end now. */
  async release(): Promise<void> {
    for (const id of [...this.marked]) {
      const request = await this.store.requests.row(id)
      if (request?.endedAt === null) await this.committer.written({ requests: [this.endOf(id, 'unknown')] })
      const entry = await this.store.desk.askedEntry(id)
      if (entry !== undefined) await this.serving(entry.message.type)?.withdraw(id)
    }
  }

  has(id: string): boolean {
    return this.marked.size > 0 && this.marked.has(id)
  }

  /** It is passed over with what is written next; gives what is to be called then. */
  pass(id: string): () => void {
    this.passing.add(id)
    return () => {
      this.passing.delete(id)
      this.marked.delete(id)
    }
  }

  /** Forgets marks of commands that were done before they were written. Gives how many. */
  async sweep(channels: readonly ChannelState[]): Promise<number> {
    const { before } = this
    this.before = undefined
    let gone = 0
    if (before !== undefined && channels.every(({ stream, low }) => low >= (before.heads.get(stream) ?? Infinity))) {
      for (let from = 0; from < before.ids.length; from += slicedIds) {
        gone += await this.forget(before.ids.slice(from, from + slicedIds))
      }
    }
    const heads = new Map(channels.map(({ stream, head }) => [stream, head]))
    if (this.marked.size > 0) this.before = { ids: [...this.marked], heads }
    return gone
  }

  private async forget(ids: readonly string[]): Promise<number> {
    const passed: string[] = []
    for (const id of ids) {
      if (this.marked.has(id) && (await this.store.desk.askedEntry(id)) === undefined) passed.push(id)
    }
    if (passed.length === 0) return 0
    await this.committer.written({ flows: passed.map((id) => ({ do: 'passed', id })) })
    for (const id of passed) this.marked.delete(id)
    return passed.length
  }

  /** Never lets a command of a flow be handled that has not been; where it has been, its end is told as ever. */
  async ofFlow({ id, type }: OpenCall): Promise<'never' | 'unknown'> {
    const serving = this.serving(type)
    const effects = await this.mark(id, serving)
    const { flow, n } = stepOfCommand(id)
    if (await this.store.flows.rows.hasEnd(flow, n)) {
      this.marked.delete(id)
      return effects
    }
    await this.write(id)
    return (await serving?.withdraw(id)) === 'unknown' ? 'unknown' : effects
  }

  /** Takes a request back. False: it had ended, or there is none such. */
  async ofRequest(type: string, id: string): Promise<boolean> {
    const row = await this.store.requests.row(id)
    if (row === undefined || row.endedAt !== null || row.type !== type) return false
    const serving = this.serving(type)
    const effects = await this.mark(id, serving)
    const now = await this.store.requests.row(id)
    if (now?.endedAt !== null) {
      // Another withdrawal, which has been quicker, needs the mark.
      if (now?.state !== 'withdrawn') this.marked.delete(id)
      return false
    }
    await this.write(id, [this.endOf(id, effects)])
    await serving?.withdraw(id)
    return true
  }

  /** Carries out what a commit has marked: the request ends, unless its command had ended well before. */
  carryOut({ id, type }: OpenCall): void {
    this.carried++
    // At once, so that it does not begin just now.
    this.marked.add(id)
    const run = async () => {
      if (await this.ofRequest(type, id)) return
      if ((await this.store.requests.row(id))?.state === 'withdrawn') return
      this.marked.delete(id)
      await this.committer.written({ flows: [{ do: 'passed', id }] })
    }
    // What a run has no time for, or cannot write, the next one does: the mark is on disk.
    const why = (error: unknown) =>
      this.world.log('warn', `request "${id}" is withdrawn at the next start`, { error: inBrief(error) })
    run()
      .catch(why)
      .finally(() => {
        this.carried--
        this.maybeIdle()
      })
  }

  get idle(): boolean {
    return this.carried === 0
  }

  private endOf(id: string, effects: 'never' | 'unknown'): AskedChange {
    const outcome = { message: 'withdrawn by its caller', data: { effects } }
    return { do: 'end', asker: 'app', id, state: 'withdrawn', outcome, at: this.world.now() }
  }

  private async mark(id: string, serving: Consumer | undefined): Promise<'never' | 'unknown'> {
    this.marked.add(id)
    const why = fault('millrace/withdrawn', `command "${id}" was withdrawn: its caller no longer waits for it`)
    const effects = serving?.fenceMessage(id, why) === true ? 'unknown' : 'never'
    // What had ended well before is handled: its end comes by itself.
    while (this.committer.holds(id)) await this.committer.alone(async () => {})
    return effects
  }

  private async write(id: string, requests: readonly AskedChange[] = []): Promise<void> {
    // Where it was passed over meanwhile, or is just now, nobody comes by any more who would take the mark away.
    const marks = this.marked.has(id) && !this.passing.has(id)
    await this.committer.written({ flows: marks ? [{ do: 'withdraw', id }] : [], requests })
  }
}
