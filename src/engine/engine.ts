// One run of an app on one store: opens it, makes a consumer of each processor, hands new messages to them, stops.
//
//   starting → running → stopping → stopped
//                └ the store failed for good → failed: everything in memory is dropped, a new run takes over
import { type Stored, sameData } from '../model/codec.ts'
import type { Actor } from '../model/desk.ts'
import { fault, isMillraceError, type MillraceError, recordError } from '../model/errors.ts'
import type { Destination, MessageType } from '../model/message.ts'
import { suggest } from '../model/names.ts'
import { inBrief } from '../model/people.ts'
import type { Tx } from '../model/tx.ts'
import type { CommitFunction } from '../seam/commit.ts'
import type { FlowReads } from '../seam/flow-reads.ts'
import type { SameData } from '../seam/ids.ts'
import type { ArrivalListener } from '../seam/log.ts'
import type { ProgressRow, Subscribed } from '../seam/progress.ts'
import type { Broker, Opened, Store } from '../seam/store.ts'
import type { Timer, World } from '../seam/world.ts'
import { Committer } from './commit/committer.ts'
import type { Settled } from './commit/group.ts'
import { Consumer } from './consumer/consumer.ts'
import { Desk } from './desk/desk.ts'
import { FailureEvents } from './desk/failure-events.ts'
import { Envelopes } from './envelopes.ts'
import type { FlowActions } from './flow/actions.ts'
import { Flows } from './flow/flows.ts'
import type { MediatorSpec } from './flow/host.ts'
import { Idle } from './idle.ts'
import { Intake } from './intake.ts'
import { Numbers } from './kit/numbers.ts'
import { goneMediators, goneParts, type Line, newPart } from './part-changes.ts'
import { Requests } from './request/requests.ts'
import { Withdrawals } from './request/withdrawals.ts'
import type { EngineLimits, ProcessorSpec, ScheduleSpec } from './spec.ts'
import { type Position, Streams, startOf } from './streams.ts'
import type { Surroundings } from './surroundings.ts'
import { Retention } from './time/retention.ts'
import { Schedules } from './time/schedules.ts'
import { Timers } from './time/timers.ts'

export interface EnginePlan {
  readonly app: string
  readonly destinations: readonly Destination[]
  /** The processors that run. */
  readonly processors: readonly ProcessorSpec[]
  /** Those that do not run this time: what they need is kept for them. */
  readonly leftOut: readonly ProcessorSpec[]
  readonly mediators: readonly MediatorSpec[]
  /** The schedules that run. */
  readonly schedules: readonly ScheduleSpec[]
  readonly setup: ((tx: Tx) => unknown) | undefined
  /** Whether it is told which parts are new, and which are gone. */
  readonly tellsChanges: boolean
  readonly limits: EngineLimits
  /** How long it waits for a store that another process has, milliseconds. */
  readonly waitMs: number
  /** Called at once when the store has failed for good and the run is over; `closed` resolves when it is closed. */
  readonly failed: (error: unknown, closed: Promise<void>) => void
  /** Called for each message that was accepted, when it is durable. */
  readonly accepted: (message: Stored) => void
}

/** How often a message may kill the process while it runs alone before it is held. */
const killsMax = 2
/** How long others wait for a message that runs alone, milliseconds. */
const aloneMs = 5_000
const tickMsMax = 250
const tickMsMin = 5

/** What an engine is made of. */
interface OpenedStore {
  readonly plan: EnginePlan
  readonly world: World
  readonly store: Store
  readonly opened: Opened
  /** By name. */
  readonly types: ReadonlyMap<string, MessageType>
}

export class Engine {
  readonly store: Store
  private readonly plan: EnginePlan
  private readonly world: World
  private readonly committer: Committer
  readonly intake: Intake
  private readonly streams: Streams
  private readonly consumers: Consumer[] = []
  /** Those of mediators and routes. */
  private readonly aheadConsumers: Consumer[] = []
  private readonly consumersOf = new Map<number, Consumer[]>()
  private state: 'starting' | 'running' | 'stopping' | 'stopped' | 'failed' = 'starting'
  private readonly idleness: Idle
  private ticking: Timer | undefined
  private tickMs = tickMsMax
  private suspecting = false
  private stopped: Promise<void> | undefined
  private graceUntil = Number.POSITIVE_INFINITY
  /** Why the store failed before the run has begun. */
  private why: unknown
  /** Resolves when the store of a run that failed is closed. */
  private closed: Promise<void> = Promise.resolve()
  private readonly openedClean: boolean
  private retention: Retention | undefined
  readonly desk: Desk
  private readonly requests: Requests
  readonly flows: Flows
  private readonly around: Surroundings
  private readonly withdrawals: Withdrawals
  private readonly timers: Timers
  private readonly schedules: Schedules

  private constructor({ plan, world, store, opened, types }: OpenedStore) {
    this.plan = plan
    this.world = world
    this.store = store
    this.openedClean = opened.clean
    this.idleness = new Idle(() => this.quiet)
    const maybeIdle = this.idleness.look
    this.streams = new Streams(opened.streams, plan.destinations, { accepted: plan.accepted })
    const streamOf = this.streams.ofTypes
    const envelopes = new Envelopes({ app: plan.app, world, streamOf, bytesMax: plan.limits.messageBytesMax })
    const committer = new Committer(world, store, plan.limits.flushBytes, {
      settled: this.settled,
      quiet: maybeIdle,
      fatal: this.fail,
    })
    this.committer = committer
    store.log.onArrival(this.arrived)
    this.requests = new Requests(world, store)
    const serving = (type: string) =>
      this.consumers.find(({ spec }) => spec.destination.kind === 'channel' && spec.handlers.has(type))
    const withdrawals = new Withdrawals(world, store, committer, serving, maybeIdle)
    this.withdrawals = withdrawals
    this.intake = new Intake({
      world,
      store,
      committer,
      envelopes,
      requests: this.requests,
      withdrawals,
      pendingMax: plan.limits.pendingMax,
      checkRunning: () => {
        if (this.state !== 'running')
          throw fault('millrace/stopping', `app "${plan.app}" is ${this.state} and accepts nothing`)
      },
    })
    this.flows = new Flows({
      world,
      store,
      committer,
      withdrawals,
      mediators: plan.mediators,
      hotFlowsMax: plan.limits.hotFlowsMax,
      envelopes,
      typeOf: (name) => types.get(name),
      maybeIdle,
    })
    if (plan.processors.some(({ runsAhead }) => runsAhead)) {
      committer.ahead = (what) => this.flows.ahead(what, this.pullAhead(what.appended))
    }
    const deskNumbers = new Numbers()
    deskNumbers.begin(opened.numbers.desk)
    const failures = new FailureEvents((type, data, cause, processor) =>
      envelopes.failure(type, data, cause, processor),
    )
    this.around = {
      world,
      store,
      committer,
      limits: plan.limits,
      encode: (type, data, by, options) => envelopes.from(type, data, by, options),
      failed: (consumer, entry) => failures.failed(consumer, entry),
      resolved: (consumer, entry, outcome) => failures.resolved(consumer, entry, outcome),
      flows: this.flows,
      deskNumbers,
      withdrawals,
      judge: (consumer, item) => this.desk.askRule(consumer, item),
      ended: (item, handled) => this.desk.ended(item, handled ? 'handled' : 'not handled'),
      watch: this.watch,
      maybeIdle,
    }
    const leftOut = new Set(plan.leftOut.map(({ name }) => name))
    const owner = (processor: string) => this.consumer(processor)
    this.desk = new Desk({ world, store, committer, leftOut, owner, maybeIdle })
    this.schedules = new Schedules({ world, store, committer, encode: envelopes.slot, maybeIdle })
    this.timers = new Timers(world, committer, plan.limits.flushBytes, opened.nextDue)
  }

  /**
   * Opens the store, runs `setup`, takes up the processors; nothing is handled before `begin`. Is given up as soon as
   * `stops` says so.
   *
   * @throws as opening the store and `setup` do; `millrace/stopping`
   */
  static async open(plan: EnginePlan, world: World, broker: Broker, stops: () => boolean): Promise<Engine> {
    const store = broker.create(world)
    const types = typesOf(plan)
    const same: SameData = (name, first, again) => sameData(types.get(name), first, again)
    const opened = await store.open(plan.destinations, same, plan.waitMs, stops)
    const engine = new Engine({ plan, world, store, opened, types })
    const goOn = () => {
      if (stops()) throw engine.wasStopped()
    }
    try {
      goOn()
      if (plan.setup !== undefined) await engine.setUp(plan.setup)
      await engine.takeUp(goOn)
    } catch (error) {
      await engine.giveUp(error, stops())
      throw error
    }
    return engine
  }

  // ── starting ───────────────────────────────────────────────────────────────────────────────────────────────────

  private async setUp(setup: (tx: Tx) => unknown): Promise<void> {
    const late = (error: unknown) => {
      const what = 'setup threw after it had ended'
      this.world.log('error', what, { code: 'millrace/late-error', error: recordError(error).message })
    }
    const run: CommitFunction['run'] = (tx) => this.world.callback({ late }, () => setup(tx))
    const fn: CommitFunction = { label: 'setup', run, outcome: undefined }
    const nothing = { append: [], progress: [], desk: [], marks: [] }
    const { trouble } = await this.store.commit({ functions: [fn], changes: () => nothing, rolledBack: () => {} })
    if (fn.outcome?.ok === false) throw fn.outcome.error
    if (trouble !== undefined) throw trouble
  }

  private async takeUp(goOn: () => void): Promise<void> {
    const { processors } = this.plan
    await this.withdrawals.takeUp()
    const paused = new Set((await this.store.processors.paused()).map(({ processor }) => processor))
    for (const spec of processors) {
      goOn()
      const stream = this.streams.of(spec.destination)
      const recent = this.streams.recent(stream)
      const subscribed = await this.subscribe(spec, stream)
      this.warn(newPart(spec, subscribed, recent.head))
      const consumer = new Consumer(spec, subscribed, recent, this.openedClean, this.around)
      if (paused.has(spec.name)) consumer.pause(true)
      this.consumers.push(consumer)
      if (spec.runsAhead) this.aheadConsumers.push(consumer)
      const others = this.consumersOf.get(stream)
      if (others === undefined) this.consumersOf.set(stream, [consumer])
      else others.push(consumer)
      await consumer.takeUp(subscribed)
      this.tickMs = Math.max(tickMsMin, Math.min(this.tickMs, spec.timeoutMs / 4))
    }
    const known = await this.store.progress.rows()
    await this.tellGone(known)
    const rows = new Set(known.map(({ processor, stream }) => `${stream} ${processor}`))
    for (const part of this.plan.leftOut) {
      const stream = this.streams.of(part.destination)
      if (rows.has(`${stream} ${part.name}`)) continue
      await this.subscribe(part, stream)
    }
    await this.schedules.takeUp(this.plan.schedules)
    if (this.plan.tellsChanges) await this.schedules.tellGone()
    // What was found running at the second death is at the desk before anything is taken from the log.
    await this.committer.alone(async () => {})
    await this.committer.alone(() => this.store.progress.clearMarks(processors.map(({ name }) => name)))
  }

  private async subscribe({ name, startAt }: ProcessorSpec, stream: number): Promise<Subscribed> {
    return this.store.progress.subscribe(name, stream, await startOf(this.store.log, stream, startAt))
  }

  private async tellGone(known: readonly ProgressRow[]): Promise<void> {
    if (!this.plan.tellsChanges) return
    const { processors, mediators } = this.plan
    for (const line of goneParts(known, processors, this.streams.all)) this.warn(line)
    const gone = await this.store.flows.underWayByMediator(mediators.map(({ name }) => name))
    for (const line of goneMediators(gone, mediators)) this.warn(line)
  }

  private warn(line: Line | undefined): void {
    if (line !== undefined && this.plan.tellsChanges) this.world.log('warn', ...line)
  }

  /**
   * Begins to work.
   *
   * @throws why the store has failed, where it did since it was opened
   */
  begin(): void {
    if (this.state !== 'starting') throw this.why
    this.state = 'running'
    this.suspecting = true
    const suspects = async () => {
      for (const consumer of this.consumers) await consumer.runSuspects(killsMax, aloneMs)
      await this.desk.begin()
      await this.desk.continueOperations()
      await this.withdrawals.release()
      this.flows.takeUp()
    }
    suspects().then(() => {
      this.suspecting = false
      for (const consumer of this.consumers) consumer.pull()
      this.desk.open()
      this.idleness.look()
    }, this.fail)
    const { world, store, committer } = this
    const streamIds = this.streams.ids
    const { destinations, limits } = this.plan
    const forgetWithdrawn = async () => this.withdrawals.sweep(this.streams.channels(await store.progress.rows()))
    this.retention = new Retention({ world, store, committer, destinations, limits, streamIds, forgetWithdrawn })
    this.retention.begin()
    this.timers.begin()
    this.schedules.begin()
  }

  // ── going on ───────────────────────────────────────────────────────────────────────────────────────────────────

  private readonly settled = ({ appended, delayed, consumers, requests, entries, withdrawn }: Settled): void => {
    if (this.state === 'failed') return
    for (const taken of withdrawn) this.withdrawals.carryOut(taken)
    this.requests.written(requests)
    this.flows.written({ requests, entries })
    for (const { due } of delayed) this.timers.isSet(due)
    this.streams.appended(appended)
    if (this.state === 'running' && !this.suspecting) for (const consumer of consumers) consumer.pull()
  }

  private readonly arrived: ArrivalListener = (messages, positions): void => {
    if (this.state === 'failed') return
    const streams = this.streams.arrived(messages, positions)
    const pulls = this.state === 'running' && !this.suspecting
    for (const stream of streams) {
      if (pulls) for (const consumer of this.consumersOf.get(stream) ?? []) consumer.pull()
      this.trimRecent(stream)
    }
    this.idleness.look()
  }

  /** Mediators and routes take what is committed before it is durable. Gives whether they took anything. */
  private pullAhead(appended: readonly Stored[]): boolean {
    if (appended.length === 0 || this.state !== 'running' || this.suspecting) return false
    let took = false
    for (const consumer of this.aheadConsumers) if (consumer.pullAhead(appended)) took = true
    return took
  }

  private trimRecent(stream: number): void {
    const recent = this.streams.recent(stream)
    let passed = recent.head
    for (const consumer of this.consumersOf.get(stream) ?? [])
      if (consumer.position < passed) passed = consumer.position
    recent.trim(passed)
  }

  private readonly watch = (): void => {
    if (this.ticking !== undefined) return
    this.ticking = this.world.after(this.tickMs, () => {
      this.ticking = undefined
      let active = false
      for (const consumer of this.consumers) {
        consumer.tick()
        active ||= consumer.active
      }
      if (active && this.state !== 'stopped') this.watch()
    })
  }

  /**
   * Resolves when every accepted message that is due has been handled or is held at the desk; false when the run ended
   * before.
   */
  idle(): Promise<boolean> {
    return this.idleness.wait()
  }

  private get quiet(): boolean {
    if (this.suspecting || !this.committer.idle || !this.desk.idle || !this.flows.idle) return false
    if (!this.streams.idle || !this.timers.idle || !this.schedules.idle || !this.withdrawals.idle) return false
    return this.consumers.every((consumer) => consumer.idle)
  }

  // ── the desk ───────────────────────────────────────────────────────────────────────────────────────────────────

  get flowActions(): FlowActions {
    return this.flows.actions
  }

  lookAtFlows<T>(read: (flows: FlowReads) => Promise<T>): Promise<T> {
    return read(this.store.flowReads)
  }

  /** Errors: `millrace/unknown-processor`. */
  async pause(processor: string, paused: boolean, actor: Actor): Promise<void> {
    const known = (await this.store.progress.rows()).map((row) => row.processor)
    if (!known.includes(processor)) {
      throw fault(
        'millrace/unknown-processor',
        `the store knows no processor "${processor}"${suggest(processor, known)}`,
      )
    }
    const consumer = this.consumer(processor)
    // One after the other, so that the last counts for what runs as it does on disk.
    await this.committer.alone(async () => {
      const before = consumer?.isPaused
      if (paused) consumer?.pause(true)
      try {
        await this.store.processors[paused ? 'pause' : 'resume'](processor, actor, this.world.now())
      } catch (error) {
        consumer?.pause(before!)
        throw error
      }
      consumer?.pause(paused)
    })
    if (paused || consumer === undefined) return
    consumer.runSuspects(killsMax, aloneMs).then(() => consumer.pull(), this.fail)
  }

  private consumer(name: string): Consumer | undefined {
    return this.consumers.find((consumer) => consumer.name === name)
  }

  // ── looking ────────────────────────────────────────────────────────────────────────────────────────────────────

  processors() {
    return this.consumers.map((consumer) => consumer.state())
  }

  /** How far each processor that the store knows is on each of its topics and channels. */
  async progress(): Promise<Position[]> {
    return this.streams.positions(await this.store.progress.rows())
  }

  health(): { status: 'green' | 'red'; reasons: string[] } {
    const reasons = [...this.store.health(), ...this.schedules.health()]
    const { trouble } = this.committer
    // Of a lock the store knows itself, which also sees its end.
    if (trouble !== undefined && trouble.code !== 'millrace/locked') reasons.push(trouble.message)
    for (const consumer of this.consumers) {
      if (consumer.stuck) reasons.push(`processor "${consumer.name}" is stuck: all its attempts outlived their time`)
      const late = consumer.deadlines.overdue
      if (late > 0) reasons.push(`processor "${consumer.name}" is late: ${late} commands have passed their deadline`)
      if (consumer.probes) reasons.push(`processor "${consumer.name}" is probing: its last attempts have all failed`)
    }
    if (this.state !== 'running') reasons.push(`the app is ${this.state}`)
    return { status: reasons.length === 0 ? 'green' : 'red', reasons }
  }

  /** Accepts the file as it is, though it may lack its newest messages. Gives whether there was something to accept. */
  async acceptFile(): Promise<boolean> {
    let accepted = false
    await this.committer.alone(async () => {
      accepted = await this.store.accept()
    })
    return accepted
  }

  retire(processor: string, destination: string): Promise<void> {
    return this.committer.alone(() => this.store.processors.retire(processor, destination))
  }

  // ── ending ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Lets what runs end within the time, gives up the rest, writes what is finished, closes the store. */
  stop(graceMs: number): Promise<void> {
    this.hurry(graceMs)
    this.stopped ??= this.end()
    return this.stopped
  }

  /** Leaves handlers at most so much time from now on, once the run stops. */
  hurry(graceMs: number): void {
    this.graceUntil = Math.min(this.graceUntil, this.world.elapsed() + graceMs)
  }

  /** Ends a run that has not begun. */
  private async giveUp(error: unknown, stops: boolean): Promise<void> {
    const clean = stops && this.openedClean && this.alive
    this.state = 'failed'
    this.drop(error)
    await this.close(clean)
  }

  private async end(): Promise<void> {
    if (this.state === 'starting' || this.why !== undefined) return this.giveUp(this.wasStopped(), true)
    if (this.state !== 'running') return this.closed
    this.state = 'stopping'
    this.endWork()
    for (const consumer of this.consumers) consumer.stopTaking()
    while (this.running > 0 && this.world.elapsed() < this.graceUntil) await this.wait(tickMsMin)
    for (const consumer of this.consumers) {
      consumer.abandon()
      this.committer.save(consumer)
    }
    const { committer } = this
    // While the disk is in trouble only what is being written is waited for.
    while (this.alive && (committer.busy || (!committer.idle && committer.trouble === undefined))) await this.wait(1)
    if (!this.alive) return this.closed
    this.state = 'stopped'
    const stopped = this.wasStopped()
    this.committer.end(stopped)
    this.requests.end(stopped)
    this.ticking?.cancel()
    this.idleness.end()
    // What died with some processors is still to be found by a run that has them.
    await this.store.close(this.openedClean || this.plan.leftOut.length === 0)
  }

  /** Begins nothing more beside the processors. */
  private endWork(): void {
    this.retention?.end()
    this.timers.end()
    this.schedules.end()
    this.desk.end()
    this.flows.end()
  }

  private get alive(): boolean {
    return this.state !== 'failed'
  }

  private get running(): number {
    let running = 0
    for (const consumer of this.consumers) running += consumer.runningNow
    return running
  }

  private wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.world.after(ms, resolve))
  }

  /** The store failed: what is in memory may be ahead of the disk, so all of it is dropped. */
  private readonly fail = (error: unknown): void => {
    if (this.state === 'failed' || this.state === 'stopped') return
    const starting = this.state === 'starting'
    this.state = 'failed'
    if (starting) {
      // Who starts it is told by the start itself, which closes the store too.
      this.why = asFault(error)
      this.committer.end(this.why)
      return
    }
    this.closed = this.close(false)
    this.plan.failed(error, this.closed)
    this.drop(asFault(error))
  }

  /** Closes the store of a run that counts no more. */
  private close(clean: boolean): Promise<void> {
    return this.store.close(clean).catch((why: unknown) => {
      this.world.log('error', 'the store was not closed cleanly', { error: inBrief(why) })
    })
  }

  /** Lets go of all that is in memory, and tells who waits for it. */
  private drop(error: unknown): void {
    this.endWork()
    this.ticking?.cancel()
    for (const consumer of this.consumers) {
      consumer.stopTaking()
      consumer.abandon()
    }
    this.committer.end(error)
    this.requests.end(error)
    this.idleness.end()
  }

  private wasStopped(): MillraceError {
    return fault('millrace/stopping', `app "${this.plan.app}" was stopped`)
  }
}

/** The types that a run knows, by name. */
function typesOf({ destinations, mediators }: EnginePlan): Map<string, MessageType> {
  const types: MessageType[] = destinations.flatMap((destination) => destination.types)
  for (const { startedBy } of mediators) types.push(startedBy)
  return new Map(types.map((type) => [type.name, type]))
}

function asFault(error: unknown): MillraceError {
  if (isMillraceError(error)) return error
  return fault('millrace/disk-failed', `the store failed: ${inBrief(error)}`, { cause: error })
}
