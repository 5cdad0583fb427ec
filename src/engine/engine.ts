// One run of an app on one store. The engine holds its status and the order of events; its rooms do the work.
//
//   starting ──begin──→ running ──stop──→ stopping ──all is written──→ stopped
//      │                   └───the store failed───┴──→ failed
//      └──stopped, or the start or the store failed──→ failed
//
//                  starting   running    stopping         stopped        failed
//   begin          begins     -          -                -              throws why
//   intake         -          takes      millrace/stopping for every call
//   decisions      -          carries out                 rejects
//   idle           -          waits      waits            false          false
//   health         red        as it is   red              red            red
//   stop           fails it   ends it    waits            waits          waits until it is closed
//
// - Nothing is handled before `begin`, and nothing is taken from the log before what may have killed the process has run.
// - A store that failed may lack what is in memory: all of that is dropped, and a new run takes up what is on disk.
import { sameData } from '../model/codec.ts'
import { inBrief } from '../model/people.ts'
import type { FlowReads } from '../seam/flow-reads.ts'
import type { SameData } from '../seam/ids.ts'
import type { ArrivalListener } from '../seam/log.ts'
import type { Broker, Store } from '../seam/store.ts'
import type { World } from '../seam/world.ts'
import type { Settled } from './commit/group.ts'
import type { Consumers } from './consumers.ts'
import type { Desk } from './desk/desk.ts'
import { stopping, storeFailed } from './faults.ts'
import type { FlowActions } from './flow/actions.ts'
import { type Health, healthOf } from './health.ts'
import type { Intake } from './intake.ts'
import type { Line } from './part-changes.ts'
import { type EnginePlan, typesOf } from './plan.ts'
import { Rooms, type RoomsHost } from './rooms.ts'
import { setUp, takeOver, takeUp } from './starting.ts'

type Status =
  | { readonly is: 'starting' | 'running' | 'stopping' | 'stopped' }
  /** `closed` resolves when the store is closed; undefined until somebody closes it. */
  | { readonly is: 'failed'; readonly why: unknown; readonly closed: Promise<void> | undefined }

const transitions: Readonly<Record<Status['is'], readonly Status['is'][]>> = {
  starting: ['running', 'failed'],
  running: ['stopping', 'failed'],
  stopping: ['stopped', 'failed'],
  stopped: [],
  failed: [],
}

/** Time between two looks of a stop at the handlers that run, milliseconds. */
const lookMs = 5

export class Engine {
  readonly store: Store
  readonly intake: Intake
  readonly desk: Desk
  readonly log: Rooms['log']
  readonly processors: Consumers
  readonly schedules: Rooms['schedules']
  private readonly plan: EnginePlan
  private readonly world: World
  private readonly openedClean: boolean
  private readonly rooms: Rooms
  private status: Status = { is: 'starting' }
  /** Resolves when the stop that was asked for is done. */
  private stopped: Promise<void> | undefined
  /** Until then a stop waits for handlers, on the clock of `elapsed`. */
  private graceUntil = Number.POSITIVE_INFINITY

  private constructor(made: Omit<RoomsHost, 'settled' | 'fail' | 'checkRunning'>) {
    const { plan, world, store, taken } = made
    this.plan = plan
    this.world = world
    this.store = store
    this.openedClean = taken.clean
    const checkRunning = () => {
      if (this.status.is !== 'running') throw stopping(plan, `is ${this.status.is} and accepts nothing`)
    }
    this.rooms = new Rooms({ ...made, settled: this.settled, fail: this.fail, checkRunning })
    store.log.onArrival(this.arrived)
    this.intake = this.rooms.intake
    this.desk = this.rooms.desk
    this.log = this.rooms.log
    this.processors = this.rooms.consumers
    this.schedules = this.rooms.schedules
  }

  // ── starting ───────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Opens the store, runs `setup` and takes up what is in the store.
   *
   * @param stops returns whether the start is to end
   * @throws as opening the store, `renamesOf` and `setup` do; `millrace/stopping`
   */
  static async open(plan: EnginePlan, world: World, broker: Broker, stops: () => boolean): Promise<Engine> {
    const store = broker.create(world)
    const types = typesOf(plan)
    const same: SameData = (name, first, again) => sameData(types.get(name), first, again)
    let engine: Engine | undefined
    await store.open({ same, waitMs: plan.waitMs, stops, lost: (why) => engine?.fail(why) })
    const taken = await takeOver(plan, store, world)
    const checkStarting = () => {
      if (stops()) throw stopping(plan, 'was stopped')
    }
    const warn = (line: Line) => (plan.tellsChanges ? world.log('warn', ...line) : undefined)
    const telemetry = plan.telemetry && world.telemetry !== undefined ? await world.telemetry() : undefined
    engine = new Engine({ plan, world, store, taken, types, telemetry, checkStarting, warn })
    try {
      checkStarting()
      if (plan.setup !== undefined) await setUp(plan.setup, { world, store })
      await takeUp(engine.rooms, { plan, store, warn })
    } catch (error) {
      await engine.giveUp(error, { clean: stops() })
      throw error
    }
    return engine
  }

  /**
   * Begins to work.
   *
   * @throws why the store has failed since it was opened
   */
  begin(): void {
    if (this.status.is === 'failed') throw this.status.why
    this.become({ is: 'running' })
    const { housekeeping, timers, schedules, consumers, desk, idleness } = this.rooms
    this.continueWork().then(() => {
      consumers.open()
      desk.open()
      idleness.look()
    }, this.fail)
    for (const service of [...housekeeping, timers, schedules]) service.begin?.()
  }

  /** Ends the work of earlier runs before anything is taken from the log. */
  private async continueWork(): Promise<void> {
    const { consumers, desk, withdrawals, flows } = this.rooms
    await consumers.begin()
    await desk.begin()
    await desk.continueOperations()
    await withdrawals.release()
    flows.takeUp()
  }

  // ── running ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A commit is durable: each room does what follows. */
  private readonly settled = (what: Settled): void => {
    if (this.status.is === 'failed') return
    const { withdrawals, requests, flows, timers, streams, consumers } = this.rooms
    for (const taken of what.withdrawn) withdrawals.carryOut(taken)
    requests.written(what.requests)
    flows.written(what.ended, what.flowsDue)
    for (const { due } of what.delayed) timers.isSet(due)
    streams.appended(what.appended)
    consumers.pull(what.consumers)
  }

  private readonly arrived: ArrivalListener = (messages, positions) => {
    if (this.status.is === 'failed') return
    const { streams, consumers, idleness, committer } = this.rooms
    committer.arrives()
    consumers.pullFrom(streams.arrived(messages, positions))
    idleness.look()
  }

  get flowActions(): FlowActions {
    return this.rooms.flows.actions
  }

  lookAtFlows<T>(read: (flows: FlowReads) => Promise<T>): Promise<T> {
    return read(this.store.flowReads)
  }

  /** Resolves with true when every accepted message that is due is handled or held; with false when the run ends before. */
  idle(): Promise<boolean> {
    return this.rooms.idleness.wait()
  }

  health(): Health {
    const { services, committer } = this.rooms
    const { is: status } = this.status
    const { trouble } = committer
    return healthOf({ store: this.store.health(), services, trouble, status, isRunning: status === 'running' })
  }

  /** Accepts the store as it is, though it may lack its newest messages. Returns whether there was something to accept. */
  acceptFile(): Promise<boolean> {
    return this.rooms.committer.alone(() => this.store.accept())
  }

  // ── ending ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Lets handlers that run end within a time, abandons the others, writes what is finished and closes the store.
   *
   * @param graceMs time for handlers, milliseconds; of several stops the shortest counts
   */
  stop(graceMs: number): Promise<void> {
    this.hurry(graceMs)
    this.stopped ??= this.end()
    return this.stopped
  }

  /** Shortens the time for handlers of a stop that is under way, or to come. */
  hurry(graceMs: number): void {
    this.graceUntil = Math.min(this.graceUntil, this.world.elapsed() + graceMs)
  }

  private async end(): Promise<void> {
    if (this.is('failed')) return this.closed()
    if (this.is('starting')) return this.giveUp(stopping(this.plan, 'was stopped'), { clean: true })
    this.become({ is: 'stopping' })
    const { consumers, committer, requests, idleness } = this.rooms
    this.endServices()
    consumers.stopTaking()
    while (consumers.running > 0 && this.world.elapsed() < this.graceUntil) await after(this.world, lookMs)
    consumers.saveAll()
    const isWriting = () => committer.busy || (!committer.idle && committer.trouble === undefined)
    // While the disk is in trouble only what is being written is waited for.
    while (!this.is('failed') && isWriting()) await after(this.world, 1)
    if (this.is('failed')) return this.closed()
    this.become({ is: 'stopped' })
    const why = stopping(this.plan, 'was stopped')
    committer.end(why)
    requests.end(why)
    consumers.end()
    idleness.end()
    // What died with some processors is still to be found by a run that has them.
    await this.store.close(this.openedClean || this.plan.leftOut.length === 0 ? 'clean' : 'left')
  }

  /** Ends a run that has not begun. `clean`: nothing was under way, unless an earlier run has left it. */
  private async giveUp(error: unknown, { clean }: { readonly clean: boolean }): Promise<void> {
    const hasFailed = this.is('failed')
    if (!hasFailed) this.become({ is: 'failed', why: error, closed: undefined })
    this.drop(error)
    await this.close({ clean: clean && this.openedClean && !hasFailed })
  }

  /** The store failed: what is in memory may be ahead of the disk, so all of it is dropped. */
  private readonly fail = (error: unknown): void => {
    if (this.status.is === 'failed' || this.status.is === 'stopped') return
    const why = storeFailed(error)
    if (this.status.is === 'starting') {
      // The start itself tells its caller, and closes the store.
      this.become({ is: 'failed', why, closed: undefined })
      this.rooms.committer.end(why)
      return
    }
    const closed = this.close({ clean: false })
    this.become({ is: 'failed', why, closed })
    this.plan.failed(error, closed)
    this.drop(why)
  }

  /** Resolves when the store of a run that failed is closed. */
  private closed(): Promise<void> {
    const { status } = this
    if (status.is === 'failed' && status.closed !== undefined) return status.closed
    return this.giveUp(stopping(this.plan, 'was stopped'), { clean: false })
  }

  private close({ clean }: { readonly clean: boolean }): Promise<void> {
    return this.store.close(clean ? 'clean' : 'left').catch((why: unknown) => {
      this.world.log('error', 'the store was not closed cleanly', { error: inBrief(why) })
    })
  }

  /** Drops all that is in memory, and tells who waits for it. */
  private drop(error: unknown): void {
    const { consumers, committer, requests, idleness } = this.rooms
    this.endServices()
    consumers.end()
    consumers.abandon()
    committer.end(error)
    requests.end(error)
    idleness.end()
  }

  /** All but the processors, whose handlers may still end. */
  private endServices(): void {
    const { services, consumers } = this.rooms
    for (const service of services) if (service !== consumers) service.end?.()
  }

  /** For use after an await: the compiler takes the status for what it was before. */
  private is(status: Status['is']): boolean {
    return this.status.is === status
  }

  private become(status: Status): void {
    const { is } = this.status
    if (!transitions[is].includes(status.is)) throw new Error(`the engine goes from ${is} to ${status.is}`)
    this.status = status
  }
}

const after = (world: World, ms: number) => new Promise<void>((resolve) => void world.after(ms, resolve))
