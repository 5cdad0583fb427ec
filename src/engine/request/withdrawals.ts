// Commands that are never to be handled: their flows have gone on without them, or a person has taken them back.
//
//   asked ──withdrawn──→ marked, in memory at once, then on disk ──its processor comes to it──→ passed over, mark forgotten
//     │                    └─ a request ends with its mark on disk, or as it is passed over: whatever is written first
//     ├─ an attempt is under way ──→ fenced
//     └─ an attempt has ended well ──→ it commits: the withdrawal comes too late
//
// A crash between the end of a command and its mark can leave a mark that no processor comes to. `sweep` forgets it once
// the processor has passed all messages that were there.
import type { Stored } from '../../model/codec.ts'
import { fault } from '../../model/errors.ts'
import { type OpenCall, stepOfCommand } from '../../model/flow.ts'
import { inBrief } from '../../model/people.ts'
import type { FlowTakeUp } from '../../seam/flow-take-up.ts'
import type { FlowRows } from '../../seam/flows.ts'
import type { Store } from '../../seam/store.ts'
import type { World } from '../../seam/world.ts'
import type { AskedChange } from '../commit/asked.ts'
import type { Job } from '../commit/writes.ts'

/** Whether an attempt at a command may have had effects. */
type Effects = 'never' | 'unknown'

/** How many marks are looked at, or forgotten, at once. */
const slicedIds = 256

/** How far a processor of a channel is, also one that does not run. */
export interface ChannelState {
  readonly stream: number
  readonly low: number
  /** The last position of the channel; infinite where the app no longer has it. */
  readonly head: number
}

/** The processor that serves commands of a type. */
export interface Serving {
  /** Fences the attempt under way at a command. Returns whether there was one. */
  fenceMessage(id: string, why: Error): boolean
  /** Takes a command off the desk; `unknown` where an attempt at it may have had effects. */
  withdraw(id: string): Promise<Effects>
}

/** What withdrawals need of the engine. */
export interface WithdrawalsHost {
  readonly world: Pick<World, 'now' | 'log'>
  readonly store: {
    readonly requests: Pick<Store['requests'], 'row'>
    readonly desk: Pick<Store['desk'], 'askedEntry'>
    readonly flows: {
      readonly takeUp: Pick<FlowTakeUp, 'withdrawn'>
      readonly rows: Pick<FlowRows, 'hasEnd'>
    }
  }
  readonly committer: {
    written(job: Job): Promise<void>
    alone(work: () => Promise<void>): Promise<void>
    /** Whether the commit of an attempt that has ended well is to come. */
    holds(id: string): boolean
  }
  serving(type: string): Serving | undefined
  maybeIdle(): void
}

export class Withdrawals {
  private readonly host: WithdrawalsHost
  /** Each with whether an attempt at it may have had effects. */
  private readonly marked = new Map<string, Effects>()
  /** Those that are being passed over, which is not written yet. */
  private readonly passing = new Set<string>()
  /** Those that earlier runs have left, until they are carried out. */
  private left: string[] = []
  /** The marks that there were at the last sweep, and the last positions of the channels then, by stream. */
  private before: { readonly ids: readonly string[]; readonly heads: ReadonlyMap<number, number> } | undefined
  /** How many withdrawals that a commit has brought are being carried out. */
  private carried = 0

  constructor(host: WithdrawalsHost) {
    this.host = host
  }

  /** Reads the marks. Called before anything is handled. */
  async takeUp(): Promise<void> {
    for (let last = ''; ; ) {
      const slice = await this.host.store.flows.takeUp.withdrawn(last, slicedIds)
      if (slice.length === 0) return
      for (const id of slice) this.marked.set(id, 'unknown')
      this.left.push(...slice)
      last = slice.at(-1)!
    }
  }

  /**
   * Takes commands that earlier runs have marked off the desk, and ends requests that these had no time to end. Those
   * that this run marks are not its concern: an end that it writes for them would come without their mark.
   */
  async release(): Promise<void> {
    const { left } = this
    this.left = []
    for (const id of left) {
      const request = await this.host.store.requests.row(id)
      if (request?.endedAt === null) await this.host.committer.written({ requests: [this.endOf(id, 'unknown')] })
      const entry = await this.host.store.desk.askedEntry(id)
      if (entry !== undefined) await this.host.serving(entry.message.type)?.withdraw(id)
    }
  }

  has(id: string): boolean {
    return this.marked.size > 0 && this.marked.has(id)
  }

  /** A command is passed over. Returns the changes to write with that: a request that has not ended ends now. */
  pass({ id, asked }: Pick<Stored, 'id' | 'asked'>): Job {
    this.passing.add(id)
    return {
      flows: [{ do: 'passed', id }],
      requests: asked === 'app' ? [this.endOf(id, this.marked.get(id) ?? 'never')] : [],
      written: () => {
        this.passing.delete(id)
        this.marked.delete(id)
      },
    }
  }

  /** Forgets marks of commands that had ended before their marks were written. Returns their number. */
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
    if (this.marked.size > 0) this.before = { ids: [...this.marked.keys()], heads }
    return gone
  }

  private async forget(ids: readonly string[]): Promise<number> {
    const passed: string[] = []
    for (const id of ids) {
      if (this.marked.has(id) && (await this.host.store.desk.askedEntry(id)) === undefined) passed.push(id)
    }
    if (passed.length === 0) return 0
    await this.host.committer.written({ flows: passed.map((id) => ({ do: 'passed', id })) })
    for (const id of passed) this.marked.delete(id)
    return passed.length
  }

  /** Withdraws a command of a flow. Where it has ended by itself, its flow is told that end. */
  async ofFlow({ id, type }: OpenCall): Promise<Effects> {
    const serving = this.host.serving(type)
    const effects = await this.mark(id, serving)
    const { flow, n } = stepOfCommand(id)
    if (await this.host.store.flows.rows.hasEnd(flow, n)) {
      this.marked.delete(id)
      return effects
    }
    await this.write(id)
    return (await serving?.withdraw(id)) === 'unknown' ? 'unknown' : effects
  }

  /** Withdraws a request. Returns false where it has ended, or does not exist. */
  async ofRequest(type: string, id: string): Promise<boolean> {
    const row = await this.host.store.requests.row(id)
    if (row === undefined || row.endedAt !== null || row.type !== type) return false
    const serving = this.host.serving(type)
    const isFirst = !this.marked.has(id)
    const effects = await this.mark(id, serving)
    const now = await this.host.store.requests.row(id)
    if (now?.endedAt !== null) {
      // It was passed over because of this mark, or of that of another withdrawal, which needs it.
      if (now?.state === 'withdrawn') return isFirst
      this.marked.delete(id)
      return false
    }
    await this.write(id, [this.endOf(id, effects)])
    if ((await this.host.store.requests.row(id))?.state !== 'withdrawn') {
      // An end that was being written came first: a refusal, or a discard.
      await this.unmark(id)
      return false
    }
    await serving?.withdraw(id)
    return true
  }

  /** Carries out a withdrawal that a commit has written: the request ends, unless its command has ended well before. */
  carryOut({ id, type }: OpenCall): void {
    this.carried++
    // At once, so that its command does not begin.
    if (!this.marked.has(id)) this.marked.set(id, 'never')
    const run = async () => {
      if (await this.ofRequest(type, id)) return
      if ((await this.host.store.requests.row(id))?.state === 'withdrawn') return
      await this.unmark(id)
    }
    // The mark is on disk: what this run cannot do the next one does.
    const why = (error: unknown) =>
      this.host.world.log('warn', `request "${id}" is withdrawn at the next start`, { error: inBrief(error) })
    run()
      .catch(why)
      .finally(() => {
        this.carried--
        this.host.maybeIdle()
      })
  }

  get idle(): boolean {
    return this.carried === 0
  }

  private endOf(id: string, effects: Effects): AskedChange {
    const outcome = { message: 'withdrawn by its caller', data: { effects } }
    return { do: 'end', asker: 'app', id, state: 'withdrawn', outcome, at: this.host.world.now(), trace: null }
  }

  private async mark(id: string, serving: Serving | undefined): Promise<Effects> {
    const why = fault('millrace/withdrawn', `command "${id}" was withdrawn: its caller no longer waits for it`)
    const effects = serving?.fenceMessage(id, why) === true ? 'unknown' : 'never'
    if (effects === 'unknown' || !this.marked.has(id)) this.marked.set(id, effects)
    // The commit of an attempt that has ended well comes first.
    while (this.host.committer.holds(id)) await this.host.committer.alone(async () => {})
    return effects
  }

  private async unmark(id: string): Promise<void> {
    this.marked.delete(id)
    await this.host.committer.written({ flows: [{ do: 'passed', id }] })
  }

  private async write(id: string, requests: readonly AskedChange[] = []): Promise<void> {
    // No processor comes to a command that was passed over, so its mark would stay.
    const marks = this.marked.has(id) && !this.passing.has(id)
    await this.host.committer.written({ flows: marks ? [{ do: 'withdraw', id }] : [], requests })
  }
}
