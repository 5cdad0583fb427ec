// Operations on many held messages. The selection is fixed when an operation begins; it is carried out slice by slice,
// across restarts, one operation after the other.
//
//   running ──all done──→ done
//      └ one first ──→ trying ──it is handled──→ running
//                        └ it is held again, or was not possible ──→ failed: the others stay as they are
//   running, trying ──a person──→ aborted
//
// All of them:   resting ──one is there──→ working ──it is done──→ resting
//                   └────end──→ ended ←── ending ←──end──┘
import type { Change, Decision, DeskEntry } from '../../model/desk.ts'
import type { NewOperation, Operation, Selection } from '../../model/desk-views.ts'
import { isMillraceError } from '../../model/errors.ts'
import { inBrief } from '../../model/people.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { Store } from '../../seam/store.ts'
import type { World } from '../../seam/world.ts'
import type { Committer } from '../commit/committer.ts'
import type { Decisions } from '../consumer/decisions.ts'
import { Fifo } from '../kit/fifo.ts'
import { Groups } from '../kit/groups.ts'

const sliceItems = 256

/** The engine, as operations need it. */
export interface OperationsHost {
  readonly world: Pick<World, 'now' | 'log'>
  readonly store: Pick<Store, 'desk' | 'operations'>
  readonly committer: Pick<Committer, 'alone' | 'write' | 'written'>
  /** Carries decisions out for a processor; undefined where it does not run. */
  decisionsOf(processor: string): Pick<Decisions, 'decide'> | undefined
  /** Called when all may be done. */
  maybeIdle(): void
}

/** The states of a message that may still be handled. */
const underWay: readonly DeskEntry['state'][] = ['trying', 'deciding', 'line']

/** An operation that waits for its first message. */
interface First {
  readonly item: number
  readonly operation: Operation
}

type State = 'resting' | 'working' | 'ending' | 'ended'

const transitions: Readonly<Record<State, readonly State[]>> = {
  resting: ['working', 'ended'],
  working: ['resting', 'ending'],
  ending: ['ended'],
  ended: [],
}

export class Operations {
  private readonly host: OperationsHost
  /** By message: several operations may have the same first one. */
  private readonly firsts = new Groups<First>()
  /** Aborted operations by id, as they were when the abort broke them off; undefined where none was under way. */
  private readonly aborted = new Map<number, Operation | undefined>()
  /** Operations that this run has made: `takeUp` passes over them. */
  private readonly ours = new Set<number>()
  private aborting: Promise<unknown> = Promise.resolve()
  /** The slice that is read and carried out now. */
  private underWay: Promise<unknown> = Promise.resolve()
  private readonly queue = new Fifo<Operation>()
  private state: State = 'resting'

  constructor(host: OperationsHost) {
    this.host = host
  }

  /** Continues operations that an earlier run has not finished. */
  async takeUp(): Promise<void> {
    const { committer, store } = this.host
    for (let last = 0; ; ) {
      const after = last
      // Between two selections, so that `ours` has each operation that this run has made.
      const slice = await committer.alone(() => store.operations.open(after, sliceItems))
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
    const { committer, store } = this.host
    const made = await committer.alone(async () => {
      const begun = await store.operations.select(operation, what)
      this.ours.add(begun.id)
      return begun
    })
    this.enqueue(made)
    return made
  }

  /** Ends an operation. Its slice under way is done before `write` records the end; no other slice begins. */
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
      for (const first of this.firsts.all()) if (first.operation.id === id) this.forget(first)
    } catch (error) {
      const operation = this.aborted.get(id)
      this.aborted.delete(id)
      if (operation !== undefined) this.enqueue(operation)
      throw error
    }
  }

  /** A released message has come to an end, or is held again. */
  ended(item: number, outcome: 'handled' | 'not handled'): void {
    for (const first of [...this.firsts.of(String(item))]) this.firstEnded(first, outcome)
  }

  private firstEnded(first: First, outcome: 'handled' | 'not handled'): void {
    if (!this.isWaiting(first)) return
    this.forget(first)
    this.enqueue({ ...first.operation, state: outcome === 'handled' ? 'running' : 'failed', oneFirst: false })
  }

  private wait(item: number, operation: Operation): First {
    const first = { item, operation }
    this.firsts.add(String(item), first)
    return first
  }

  private isWaiting(first: First): boolean {
    return this.firsts.of(String(first.item)).has(first)
  }

  private forget(first: First): void {
    this.firsts.delete(String(first.item), first)
  }

  end(): void {
    if (this.isOpen) this.become(this.state === 'working' ? 'ending' : 'ended')
  }

  get idle(): boolean {
    return this.state !== 'working' && this.state !== 'ending' && this.queue.isEmpty
  }

  private get isOpen(): boolean {
    return this.state === 'resting' || this.state === 'working'
  }

  private enqueue(operation: Operation): void {
    this.queue.push(operation)
    this.pump()
  }

  /** Runs one operation after the other. One that fails does not stop the others. */
  private pump(): void {
    if (this.state !== 'resting' || this.queue.isEmpty) {
      this.host.maybeIdle()
      return
    }
    const next = this.queue.shift()
    this.become('working')
    this.run(next)
      .catch((error) => {
        if (!this.isOpen) return
        this.host.world.log('error', `operation "${next.name}" at the desk failed`, { error: inBrief(error) })
      })
      .finally(() => {
        this.become(this.isOpen ? 'resting' : 'ended')
        this.pump()
      })
  }

  private async run(operation: Operation): Promise<void> {
    const { id, state } = operation
    const firstOnly = operation.oneFirst && operation.done === 0
    if (!firstOnly) await this.write(operation, state)
    if (state === 'failed') return
    while (this.isOpen && !this.aborted.has(id)) {
      const slice = this.slice(operation, firstOnly ? 1 : sliceItems)
      this.underWay = slice
      if ((await slice) === 0 || firstOnly) return
    }
    if (this.aborted.has(id)) this.aborted.set(id, operation)
  }

  /** Carries out the next messages of an operation, the first alone where only one is asked for; returns how many. */
  private async slice(operation: Operation, limit: number): Promise<number> {
    const items = await this.host.store.operations.selected(operation.id, limit)
    if (items.length === 0) await this.write(operation, 'done')
    else if (limit === 1) await this.tryFirst(operation, items[0]!)
    else await Promise.all(items.map((item) => this.carryOut(operation, item)))
    return items.length
  }

  private async tryFirst(operation: Operation, item: number): Promise<void> {
    const first = this.wait(item, operation)
    await this.write(operation, 'trying')
    if (!(await this.carryOut(operation, item))) this.firstEnded(first, 'not handled')
  }

  /** Returns whether it was possible. */
  private async carryOut(operation: Operation, item: number): Promise<boolean> {
    const { id, by, reason, name } = operation
    const { store, committer } = this.host
    const actor = { by, reason: `${name}${reason === null ? '' : `: ${reason}`}` }
    const counted = (error: string | null): DeskChange => ({ do: 'selected', operation: id, item, error })
    const entry = await store.desk.entry(item)
    const decisions = entry === undefined ? undefined : this.host.decisionsOf(entry.processor)
    const refuse = (why: string) =>
      new Promise<boolean>((resolve, reject) => {
        committer.write({ changes: [counted(why)], written: () => resolve(false), dropped: reject })
      })
    if (decisions === undefined) return refuse('its processor is not running, or the message is no longer at the desk')
    try {
      // The count is in the commit of the decision: a crash leaves both or neither.
      await decisions.decide(item, decisionOf(operation, actor.reason), actor, { changes: [counted(null)] })
      return true
    } catch (error) {
      if (!isMillraceError(error) || !this.isOpen) throw error
      return refuse(error.message)
    }
  }

  /** After a restart: the first message may have come to its end before the crash, and may come to it now. */
  private async watch(operation: Operation): Promise<void> {
    const { store } = this.host
    const running = { ...operation, state: 'running' } as const
    const item = await store.operations.firstSelected(operation.id)
    if (item === undefined) {
      this.enqueue({ ...running, oneFirst: false })
      return
    }
    // Before it is looked at: what is read of it may be older than its end.
    const first = this.wait(item, operation)
    const entry = await store.desk.entry(item)
    if (entry !== undefined && underWay.includes(entry.state)) return
    if (entry === undefined || entry.state === 'handled') this.firstEnded(first, 'handled')
    else if (operation.done > 0) this.firstEnded(first, 'not handled')
    else if (this.isWaiting(first)) {
      this.forget(first)
      this.enqueue(running)
    }
  }

  private write(operation: Operation, state: Operation['state']): Promise<void> {
    const endedAt = state === 'done' || state === 'failed' ? this.host.world.now() : null
    return this.host.committer.written({
      changes: [{ do: 'operation', operation: { ...operation, state, endedAt } }],
    })
  }

  private become(state: State): void {
    if (!transitions[this.state].includes(state)) throw new Error(`operations go from ${this.state} to ${state}`)
    this.state = state
  }
}

function decisionOf({ action, change }: Operation, reason: string): Decision | Change {
  if (action === 'release') return { do: 'retry' }
  return action === 'discard' ? { do: 'discard', reason } : { do: 'change', change: change!, note: reason }
}
