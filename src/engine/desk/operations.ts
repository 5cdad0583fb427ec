// Operations on many held messages: a frozen selection, dealt with slice by slice, across restarts.
//
//   running ──all dealt with──→ done
//      └ one first ──→ trying ──it was handled──→ running
//                        └ it was held again, or was not possible ──→ failed: the others stay as they are
//   running, trying ──a person──→ aborted
import type { Decision } from '../../model/desk.ts'
import type { NewOperation, Operation, Selection } from '../../model/desk-views.ts'
import { isMillraceError } from '../../model/errors.ts'
import { inBrief } from '../../model/people.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { Consumer } from '../consumer/consumer.ts'
import { Fifo } from '../kit/fifo.ts'
import type { Surroundings } from '../surroundings.ts'

const sliceItems = 256

export class Operations {
  private readonly around: Pick<Surroundings, 'world' | 'store' | 'committer' | 'maybeIdle'>
  private readonly consumerOf: (processor: string) => Consumer | undefined
  /** The first message of operations that wait for it. */
  private readonly firsts = new Map<number, Operation>()
  /** Those that are to end, or have been ended, as they were when that broke them off. */
  private readonly aborted = new Map<number, Operation | undefined>()
  /** Those that were made by this run: it has not to take them up. */
  private readonly ours = new Set<number>()
  private aborting: Promise<unknown> = Promise.resolve()
  /** What is being done of an operation now. */
  private underWay: Promise<unknown> = Promise.resolve()
  private readonly queue = new Fifo<Operation>()
  private running = false
  private open = true

  constructor(around: Operations['around'], consumerOf: (processor: string) => Consumer | undefined) {
    this.around = around
    this.consumerOf = consumerOf
  }

  /** Goes on with what a run before has not finished. */
  async takeUp(): Promise<void> {
    const { committer, store } = this.around
    for (let last = 0; ; ) {
      const after = last
      // In turn with selections, so that one that is just being made is known to be ours.
      const slice = await committer.alone(() => store.deskReads.openOperations(after, sliceItems))
      if (slice.length === 0) return
      for (const operation of slice) {
        if (this.ours.has(operation.id)) continue
        if (operation.state === 'running') this.enqueue(operation)
        else await this.watch(operation)
      }
      last = slice.at(-1)!.id
    }
  }

  async start(operation: NewOperation, what: Selection): Promise<Operation> {
    const { committer, store } = this.around
    const made = await committer.alone(async () => {
      const begun = await store.select(operation, what)
      this.ours.add(begun.id)
      return begun
    })
    this.enqueue(made)
    return made
  }

  /** Ends an operation: what is under way of it is done before `write` says that it has ended, and nothing after. */
  abort(id: number, write: () => Promise<void>): Promise<void> {
    const done = this.aborting.then(() => this.breakOff(id, write))
    this.aborting = done.catch(() => {})
    return done
  }

  private async breakOff(id: number, write: () => Promise<void>): Promise<void> {
    if (this.aborted.has(id)) return write()
    this.aborted.set(id, undefined)
    try {
      await this.underWay.catch(() => {})
      await write()
      for (const [item, operation] of this.firsts) if (operation.id === id) this.firsts.delete(item)
    } catch (error) {
      const operation = this.aborted.get(id)
      this.aborted.delete(id)
      if (operation !== undefined) this.enqueue(operation)
      throw error
    }
  }

  /** A message that had been released has come to an end, or is held again. */
  ended(item: number, handled: boolean): void {
    const operation = this.firsts.get(item)
    if (operation === undefined) return
    this.firsts.delete(item)
    this.enqueue({ ...operation, state: handled ? 'running' : 'failed', oneFirst: false })
  }

  end(): void {
    this.open = false
  }

  get idle(): boolean {
    return !this.running && this.queue.isEmpty
  }

  private enqueue(operation: Operation): void {
    this.queue.push(operation)
    this.pump()
  }

  /** One operation after the other; one that fails keeps none of the others from their turn. */
  private pump(): void {
    const next = this.running || !this.open || this.queue.isEmpty ? undefined : this.queue.shift()
    if (next === undefined) {
      this.around.maybeIdle()
      return
    }
    this.running = true
    this.run(next)
      .catch((error) => {
        if (!this.open) return
        this.around.world.log('error', `operation "${next.name}" at the desk failed`, { error: inBrief(error) })
      })
      .finally(() => {
        this.running = false
        this.pump()
      })
  }

  private async run(operation: Operation): Promise<void> {
    const { id, state } = operation
    const firstOnly = operation.oneFirst && operation.done === 0
    if (!firstOnly) await this.write(operation, state)
    if (state === 'failed') return
    while (this.open && !this.aborted.has(id)) {
      const items = await this.around.store.selected(id, firstOnly ? 1 : sliceItems)
      if (items.length === 0) {
        await this.write(operation, 'done')
        return
      }
      const done = firstOnly ? this.tryFirst(operation, items[0]!) : this.dealWithAll(operation, items)
      this.underWay = done
      await done
      if (firstOnly) return
    }
    if (this.aborted.has(id)) this.aborted.set(id, operation)
  }

  private async dealWithAll(operation: Operation, items: readonly number[]): Promise<void> {
    await Promise.all(items.map((item) => this.dealWith(operation, item)))
  }

  private async tryFirst(operation: Operation, first: number): Promise<void> {
    this.firsts.set(first, operation)
    await this.write(operation, 'trying')
    if (!(await this.dealWith(operation, first))) this.ended(first, false)
  }

  /** Gives whether it was possible. */
  private async dealWith({ id, action, by, reason, name }: Operation, item: number): Promise<boolean> {
    const { store, committer } = this.around
    const actor = { by, reason: `${name}${reason === null ? '' : `: ${reason}`}` }
    const decision: Decision = action === 'release' ? { do: 'retry' } : { do: 'discard', reason: actor.reason }
    const dealt = (error: string | null): DeskChange => ({ do: 'selected', operation: id, item, error })
    const entry = await store.deskEntry(item)
    const consumer = entry === undefined ? undefined : this.consumerOf(entry.processor)
    const refuse = (why: string) =>
      new Promise<boolean>((resolve, reject) => {
        committer.write({ changes: [dealt(why)], written: () => resolve(false), dropped: reject })
      })
    if (consumer === undefined) return refuse('its processor is not running, or it is at the desk no more')
    try {
      // What it counts as is written with what is done, so that a crash leaves both or neither.
      await consumer.decisions.decide(item, decision, actor, { changes: [dealt(null)] })
      return true
    } catch (error) {
      if (!isMillraceError(error) || !this.open) throw error
      return refuse(error.message)
    }
  }

  /** After a restart: the first message may have come to its end meanwhile. */
  private async watch(operation: Operation): Promise<void> {
    const { store } = this.around
    const item = await store.firstSelected(operation.id)
    const entry = item === undefined ? undefined : await store.deskEntry(item)
    if (entry === undefined || entry.state === 'handled') {
      this.enqueue({ ...operation, state: 'running', oneFirst: false })
    } else if (entry.state === 'trying' || entry.state === 'deciding' || entry.state === 'line') {
      this.firsts.set(entry.id, operation)
    } else if (operation.done === 0) this.enqueue({ ...operation, state: 'running' })
    else this.enqueue({ ...operation, state: 'failed' })
  }

  private write(operation: Operation, state: Operation['state']): Promise<void> {
    const endedAt = state === 'done' || state === 'failed' ? this.around.world.now() : null
    return this.around.committer.written({
      changes: [{ do: 'operation', operation: { ...operation, state, endedAt } }],
    })
  }
}
