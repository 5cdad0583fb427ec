// The messages that operations have released and whose ends matter to them: the one that the others wait for, and all of
// an operation that stops after so many failures.
//
//   released ──handled──→ (gone)          released ──held again, or discarded──→ (gone), a failure
//
// Invariants: several operations may wait for the same first message; each other message is awaited for the one operation
// that has released it. Its end is counted once: on disk it is under way until then, so that a restart finds it and looks
// how it has ended.
import type { Operation } from '../../model/desk-views.ts'
import type { Store } from '../../seam/store.ts'
import type { Committer } from '../commit/committer.ts'
import { Groups } from '../kit/groups.ts'
import { type Outcome, Ramp } from './ramp.ts'

const sliceItems = 256

/** Operations, as their released messages need them. */
export interface ReleasedHost {
  readonly store: Pick<Store, 'desk' | 'operations'>
  readonly committer: Pick<Committer, 'write'>
  /** The message that the others wait for has ended. */
  afterFirst(operation: Operation, outcome: Outcome): void
  /** A message of an operation has ended: another may begin. */
  room(operation: number): void
}

/** `first`: the others wait for it; `other`: it counts where it fails. */
type Which = 'first' | 'other'

interface Awaited {
  readonly item: number
  readonly operation: Operation
  readonly which: Which
}

export class Released {
  private readonly host: ReleasedHost
  private readonly awaited = new Groups<Awaited>()
  /** The ramps of operations under way, and of those that have stopped in this run. */
  private readonly ramps = new Map<number, Ramp>()

  constructor(host: ReleasedHost) {
    this.host = host
  }

  rampOf(operation: Operation): Ramp {
    const known = this.ramps.get(operation.id)
    if (known !== undefined) return known
    const ramp = new Ramp(operation)
    this.ramps.set(operation.id, ramp)
    return ramp
  }

  /** An operation has released a message. It ends in a later commit than the one that has released it. */
  await(operation: Operation, item: number, which: Which): Awaited {
    const { follows, underWay } = this.rampOf(operation)
    if (follows) underWay.add(item)
    const awaited = { item, operation, which }
    if (follows || which === 'first') this.awaited.add(String(item), awaited)
    return awaited
  }

  ended(item: number, outcome: Outcome): void {
    for (const awaited of [...this.awaited.of(String(item))]) this.settle(awaited, outcome)
  }

  /** Counts the end of a message that is awaited, and tells of it; once. */
  private settle(awaited: Awaited, outcome: Outcome): void {
    if (!this.isAwaited(awaited)) return
    this.awaited.delete(String(awaited.item), awaited)
    const { item, operation, which } = awaited
    const { id } = operation
    if (this.ramps.get(id)?.ended(item, outcome) === true) {
      const failed = outcome === 'not handled'
      this.host.committer.write({ changes: [{ do: 'tried', operation: id, item, failed }] })
      this.host.room(id)
    }
    if (which === 'first') this.host.afterFirst(operation, outcome)
  }

  private isAwaited(awaited: Awaited): boolean {
    return this.awaited.of(String(awaited.item)).has(awaited)
  }

  /** Takes up an operation that runs from now on, with the messages that it has released and that have not ended. */
  async adopt(operation: Operation): Promise<void> {
    const { id } = operation
    const known = this.ramps.get(id)
    const ramp = new Ramp(operation, known?.underWay)
    this.ramps.set(id, ramp)
    if (known !== undefined) return
    const { store } = this.host
    for (let last = 0; ; ) {
      const slice = await store.operations.underWay(id, last, sliceItems)
      if (slice.length === 0) return
      for (const item of slice) {
        // First, so that an end that is told while the message is read is not missed.
        const awaited = this.await(operation, item, 'other')
        const outcome = await this.outcomeOf(item)
        if (outcome !== undefined) this.settle(awaited, outcome)
      }
      last = slice.at(-1)!
    }
  }

  /** After a restart: the first message may have come to its end before the crash, come to it now, or not have begun. */
  async watch(operation: Operation): Promise<'not begun' | 'begun'> {
    const item = await this.host.store.operations.firstSelected(operation.id)
    if (item === undefined) {
      this.host.afterFirst(operation, 'handled')
      return 'begun'
    }
    const awaited = this.await(operation, item, 'first')
    const outcome = await this.outcomeOf(item)
    if (outcome === undefined || !this.isAwaited(awaited)) return 'begun'
    if (outcome === 'handled' || operation.done > 0) {
      this.settle(awaited, outcome)
      return 'begun'
    }
    this.awaited.delete(String(item), awaited)
    this.rampOf(operation).underWay.delete(item)
    return 'not begun'
  }

  forget(id: number): void {
    this.ramps.delete(id)
    for (const one of this.awaited.all()) if (one.operation.id === id) this.awaited.delete(String(one.item), one)
  }

  /** The outcome of a released message; undefined while it is tried. */
  private async outcomeOf(item: number): Promise<Outcome | undefined> {
    const state = (await this.host.store.desk.entry(item))?.state
    if (state === undefined || state === 'handled') return 'handled'
    return state === 'trying' || state === 'deciding' || state === 'line' ? undefined : 'not handled'
  }
}
