// Operations on many held messages, carried out slice by slice, across restarts, one slice after the other.
// model/operation-states.ts has the states of one operation, and what holds for all of them.
//
// One that is under way:   queued ──its turn──→ working ──more to do──→ working
//                            ↑                    ├─ its rate, or messages under way ──→ parked ──→ queued
//                            └──the first ended── ├─ one first ──→ trying ──→ queued
//                                                 └─ done, stopped, failed, aborted ──→ (gone)
//
// All of them:   resting ──one is there──→ working ──it is done──→ resting
//                   └────end──→ ended ←── ending ←──end──┘
import type { NewOperation, Operation, OperationRun, Selection } from '../../model/desk-views.ts'
import { isMillraceError } from '../../model/errors.ts'
import { inBrief } from '../../model/people.ts'
import type { Store } from '../../seam/store.ts'
import type { Timer, World } from '../../seam/world.ts'
import type { Committer } from '../commit/committer.ts'
import type { Decisions } from '../consumer/decisions.ts'
import { Fifo } from '../kit/fifo.ts'
import { type Counted, carryOut, refuse } from './carry-out.ts'
import { Expiry } from './expiry.ts'
import { inLanes, type Outcome, type Ramp, type Turn } from './ramp.ts'
import { Released } from './released.ts'

const sliceItems = 256

/** The engine, as operations need it. */
export interface OperationsHost {
  readonly world: Pick<World, 'now' | 'after' | 'log'>
  readonly store: Pick<Store, 'desk' | 'operations'>
  readonly committer: Pick<Committer, 'alone' | 'write' | 'written'>
  /** Carries decisions out for a processor; undefined where it does not run. */
  decisionsOf(processor: string): Pick<Decisions, 'decide'> | undefined
  /** Called when all may be done. */
  maybeIdle(): void
}

type State = 'resting' | 'working' | 'ending' | 'ended'

const transitions: Readonly<Record<State, readonly State[]>> = {
  resting: ['working', 'ended'],
  working: ['resting', 'ending'],
  ending: ['ended'],
  ended: [],
}

/** An operation that has its turn, and the state that it is in from then on where that is another. */
interface Work {
  readonly operation: Operation
  readonly becomes?: 'running' | 'failed' | undefined
}

/** An operation that waits: for a time, or for the end of a message. */
interface Parked {
  readonly work: Work
  readonly timer: Timer | undefined
}

export class Operations {
  private readonly host: OperationsHost
  private readonly released: Released
  private readonly expiry: Expiry
  private readonly parked = new Map<number, Parked>()
  /** Aborted operations by id, as they were when the abort broke them off; undefined where none was under way. */
  private readonly aborted = new Map<number, Work | undefined>()
  /** Operations that this run has begun: `takeUp` passes over them. */
  private readonly ours = new Set<number>()
  private aborting: Promise<unknown> = Promise.resolve()
  /** The slice that is read and carried out now. */
  private underWay: Promise<unknown> = Promise.resolve()
  private readonly queue = new Fifo<Work>()
  private state: State = 'resting'

  constructor(host: OperationsHost) {
    this.host = host
    const { store, committer } = host
    this.expiry = new Expiry(host)
    this.released = new Released({
      ...{ store, committer },
      afterFirst: (operation, outcome) => this.enqueue(afterFirst(operation, outcome)),
      room: (id) => this.wake(id, 'a message'),
    })
  }

  // ── what begins and ends operations ────────────────────────────────────────────────────────────────────────────

  /** Continues operations that an earlier run has not finished. */
  async takeUp(): Promise<void> {
    const { committer, store } = this.host
    for (let last = 0; ; ) {
      const after = last
      // Between two selections, so that `ours` has each operation that this run has begun.
      const slice = await committer.alone(() => store.operations.open(after, sliceItems))
      if (slice.length === 0) break
      for (const operation of slice) {
        if (this.ours.has(operation.id)) continue
        await this.released.adopt(operation)
        if (operation.state === 'running') this.enqueue({ operation })
        else if ((await this.released.watch(operation)) === 'not begun') this.enqueue({ operation })
      }
      last = slice.at(-1)!.id
    }
    await this.expiry.look()
  }

  async start(operation: NewOperation, what: Selection): Promise<Operation> {
    const { committer, store } = this.host
    const made = await committer.alone(async () => {
      const begun = await store.operations.select(operation, what)
      this.ours.add(begun.id)
      return begun
    })
    if (made.state === 'prepared') await this.expiry.look()
    else this.enqueue({ operation: made })
    return made
  }

  /** Lets an operation run that is prepared or stopped. */
  async resume(id: number, how: OperationRun): Promise<Operation> {
    const { committer, store, world } = this.host
    const made = await committer.alone(async () => {
      const begun = await store.operations.run(id, how, world.now())
      this.ours.add(id)
      return begun
    })
    await this.released.adopt(made)
    this.enqueue({ operation: made })
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
    this.aborted.set(id, this.unpark(id))
    try {
      await this.underWay.catch(() => {})
      await write()
      this.released.forget(id)
    } catch (error) {
      const work = this.aborted.get(id)
      this.aborted.delete(id)
      if (work !== undefined) this.enqueue(work)
      throw error
    }
  }

  /** A released message has come to an end, or is held again. */
  ended(item: number, outcome: Outcome): void {
    this.released.ended(item, outcome)
  }

  end(): void {
    if (!this.isOpen) return
    this.become(this.state === 'working' ? 'ending' : 'ended')
    this.expiry.end()
    for (const { timer } of this.parked.values()) timer?.cancel()
    this.parked.clear()
  }

  get idle(): boolean {
    if (this.state === 'working' || this.state === 'ending' || !this.queue.isEmpty) return false
    for (const { timer } of this.parked.values()) if (timer !== undefined) return false
    return true
  }

  private get isOpen(): boolean {
    return this.state === 'resting' || this.state === 'working'
  }

  // ── turns ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private enqueue(work: Work): void {
    this.queue.push(work)
    this.pump()
  }

  /** Gives one operation its turn after the other. One that fails does not stop the others. */
  private pump(): void {
    if (this.state !== 'resting' || this.queue.isEmpty) {
      this.host.maybeIdle()
      return
    }
    const next = this.queue.shift()
    this.become('working')
    this.work(next)
      .catch((error) => {
        if (!this.isOpen) return
        const what = `operation "${next.operation.name}" at the desk failed`
        this.host.world.log('error', what, { error: inBrief(error) })
      })
      .finally(() => {
        this.become(this.isOpen ? 'resting' : 'ended')
        this.pump()
      })
  }

  private async work(work: Work): Promise<void> {
    const { operation, becomes } = work
    const { id } = operation
    if (becomes !== undefined) await this.write(operation, becomes)
    if (becomes === 'failed') return this.released.forget(id)
    const ramp = this.released.rampOf(operation)
    while (this.isOpen && !this.aborted.has(id)) {
      const turn = ramp.turn(this.host.world.now())
      if (turn.do === 'wait') break
      const slice = this.slice(operation, ramp, turn)
      this.underWay = slice
      const after = await slice
      if (after === 'ended') return
      if (after === 'rests' && turn.do === 'act') return this.park({ operation }, turn.restMs)
    }
    this.park({ operation }, undefined)
  }

  /** Lets an operation wait: for a time, or until one of its messages ends. */
  private park(work: Work, ms: number | undefined): void {
    const { id } = work.operation
    if (!this.isOpen) return
    if (this.aborted.has(id)) return void this.aborted.set(id, work)
    const timer = ms === undefined ? undefined : this.host.world.after(ms, () => this.wake(id, 'the time'))
    this.parked.set(id, { work, timer })
  }

  private wake(id: number, why: 'the time' | 'a message'): void {
    const parked = this.parked.get(id)
    if (parked === undefined || (why === 'a message' && parked.timer !== undefined)) return
    this.unpark(id)
    this.enqueue(parked.work)
  }

  private unpark(id: number): Work | undefined {
    const parked = this.parked.get(id)
    parked?.timer?.cancel()
    this.parked.delete(id)
    return parked?.work
  }

  /** Carries out the next messages of an operation, the first alone where only one is asked for. */
  private async slice(operation: Operation, ramp: Ramp, turn: Turn): Promise<'continues' | 'rests' | 'ended'> {
    const { store, world } = this.host
    const firstOnly = operation.oneFirst && operation.done === 0
    const most = turn.do !== 'act' || firstOnly ? 1 : turn.messages
    const found = await store.operations.selected(operation.id, most)
    if (found.length === 0 || turn.do !== 'act') {
      await this.write(operation, found.length === 0 ? 'done' : 'stopped')
      if (found.length === 0) this.released.forget(operation.id)
      return 'ended'
    }
    const chosen = inLanes(found, turn.lanes)
    if (chosen.length === 0) return 'rests'
    const nextAt = chosen.some(({ begun }) => !begun) ? ramp.paced(world.now()) : undefined
    if (firstOnly) await this.write(operation, 'trying')
    const all = chosen.map(async ({ item, begun }) => {
      const more = { follow: ramp.follows, nextAt: begun ? undefined : nextAt }
      const done = await this.carryOut(operation, item, more)
      if (done) this.released.await(operation, item, firstOnly ? 'first' : 'other')
      else ramp.refused()
      return done
    })
    const [possible] = await Promise.all(all)
    if (firstOnly && !possible) this.enqueue(afterFirst(operation, 'not handled'))
    return firstOnly ? 'ended' : 'continues'
  }

  /** Acts on a message, unless it is too late for that; returns whether it was possible. */
  private async carryOut(operation: Operation, item: number, counted: Counted): Promise<boolean> {
    try {
      return await carryOut(this.host, operation, item, counted)
    } catch (error) {
      if (!isMillraceError(error) || !this.isOpen) throw error
      await refuse(this.host, operation, item, error.message)
      return false
    }
  }

  private write(operation: Operation, state: Operation['state']): Promise<void> {
    const endedAt = state === 'running' || state === 'trying' ? null : this.host.world.now()
    return this.host.committer.written({
      changes: [{ do: 'operation', operation: { ...operation, state, endedAt } }],
    })
  }

  private become(state: State): void {
    if (!transitions[this.state].includes(state)) throw new Error(`operations go from ${this.state} to ${state}`)
    this.state = state
  }
}

/** The others follow when the first was handled, and stay as they are when it was not. */
function afterFirst(operation: Operation, outcome: Outcome): Work {
  const becomes = outcome === 'handled' ? 'running' : 'failed'
  return { operation: { ...operation, state: becomes, oneFirst: false }, becomes }
}
