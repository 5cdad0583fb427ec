// The rooms of one engine, made and tied together: each gets what it needs of the others, and knows nothing else of them.
import type { MessageType } from '../model/message.ts'
import type { TakenOver } from '../seam/leases.ts'
import type { Store } from '../seam/store.ts'
import type { Telemetry } from '../seam/telemetry.ts'
import type { World } from '../seam/world.ts'
import { Alerts } from './alert/alerts.ts'
import { Committer } from './commit/committer.ts'
import type { Settled } from './commit/group.ts'
import { Consumer } from './consumer/consumer.ts'
import { Counters, SettledAt } from './consumer/counters.ts'
import type { ConsumerHost } from './consumer/host.ts'
import { OwnWrites } from './consumer/own-writes.ts'
import { Consumers } from './consumers.ts'
import { Desk } from './desk/desk.ts'
import { FailureEvents } from './desk/failure-events.ts'
import { Trials } from './desk/trials.ts'
import { Envelopes } from './envelopes.ts'
import { Finder } from './finder.ts'
import { Flows } from './flow/flows.ts'
import { Idle } from './idle.ts'
import { Intake } from './intake.ts'
import { Numbers } from './kit/numbers.ts'
import { LogView } from './log-view.ts'
import type { Line } from './part-changes.ts'
import type { EnginePlan } from './plan.ts'
import { Requests } from './request/requests.ts'
import { Withdrawals } from './request/withdrawals.ts'
import type { Service } from './service.ts'
import { Streams } from './streams.ts'
import { Retention } from './time/retention.ts'
import { Schedules } from './time/schedules.ts'
import { Timers } from './time/timers.ts'

/** The engine, as its rooms need it. */
export interface RoomsHost {
  readonly plan: EnginePlan
  readonly world: World
  readonly store: Store
  readonly taken: TakenOver
  /** By name. */
  readonly types: ReadonlyMap<string, MessageType>
  readonly telemetry: Telemetry | undefined
  /** Takes what is durable. */
  readonly settled: (what: Settled) => void
  /** The store has failed. */
  readonly fail: (error: unknown) => void
  /** @throws `millrace/stopping` unless the run takes messages */
  checkRunning(): void
  /** @throws `millrace/stopping` when the start is to end */
  checkStarting(): void
  /** Takes a line about a part that is new or gone. */
  warn(line: Line): void
}

export class Rooms {
  readonly idleness: Idle
  private readonly settledAt = new SettledAt()
  readonly streams: Streams
  readonly log: LogView
  readonly committer: Committer
  readonly requests: Requests
  readonly withdrawals: Withdrawals
  readonly intake: Intake
  readonly flows: Flows
  readonly desk: Desk
  readonly consumers: Consumers
  readonly timers: Timers
  readonly schedules: Schedules
  /** Those that nobody waits for. */
  readonly housekeeping: readonly Service[]
  /** All that work beside the messages. */
  readonly services: readonly Service[]

  constructor(host: RoomsHost) {
    const { plan, world, store, taken, types, telemetry, checkRunning } = host
    const { limits, destinations } = plan
    this.idleness = new Idle(() => this.isQuiet)
    const maybeIdle = this.idleness.look
    const streams = new Streams(taken.streams, destinations, { accepted: plan.accepted })
    this.streams = streams
    this.log = new LogView(streams, store.log)
    const streamOf = streams.ofTypes
    const { messageBytesMax: bytesMax } = limits
    const envelopes = new Envelopes({ app: plan.app, world, streamOf, bytesMax, telemetry, streams: streams.all })
    const { fail } = host
    const settled = telemetry === undefined ? host.settled : telling(telemetry, host.settled)
    const { settledAt } = this
    const settles = () => settledAt.read(world)
    const told = { settles, settled, quiet: maybeIdle, fatal: fail }
    const committer = new Committer(world, store, limits.flushBytes, told)
    this.committer = committer
    const requests = new Requests(world, store)
    this.requests = requests
    const serving = (type: string) => this.consumers.serving(type)
    const withdrawals = new Withdrawals({ world, store, committer, serving, maybeIdle })
    this.withdrawals = withdrawals
    const { pendingMax, hotFlowsMax } = limits
    this.intake = new Intake({
      app: plan.app,
      world,
      store,
      committer,
      envelopes,
      requests,
      withdrawals,
      pendingMax,
      telemetry,
      checkRunning,
    })
    const { mediators } = plan
    const typeOf = (name: string) => types.get(name)
    const { flows: found } = taken
    const ofFlows = {
      world,
      store,
      committer,
      withdrawals,
      mediators,
      hotFlowsMax,
      found,
      envelopes,
      typeOf,
      maybeIdle,
    }
    this.flows = new Flows(ofFlows)
    committer.journals = this.flows
    this.desk = this.deskOf(host)
    this.consumers = this.consumersOf(host, envelopes)
    this.timers = new Timers(world, committer, limits.flushBytes, taken.nextDue)
    const { slot: encode } = envelopes
    this.schedules = new Schedules({ world, store, committer, specs: plan.schedules, encode, maybeIdle, checkRunning })
    const forgetWithdrawn = async () => withdrawals.sweep(streams.channels(await store.progress.rows()))
    const { ids: streamIds } = streams
    const retention = new Retention({ world, store, committer, destinations, limits, streamIds, forgetWithdrawn })
    this.housekeeping = [
      retention,
      ...(plan.finder ? [this.finderOf(host)] : []),
      ...(plan.alerts.length > 0 ? [this.alertsOf(host, envelopes)] : []),
    ]
    this.services = [
      ...this.housekeeping,
      this.desk,
      this.flows,
      this.streams,
      this.timers,
      this.schedules,
      this.withdrawals,
      this.consumers,
    ]
  }

  private finderOf({ world, store, types }: RoomsHost): Finder {
    const isBehind = () => this.consumers.list().some(({ state }) => state === 'behind')
    return new Finder({ world, finder: store.finder, types, isBehind })
  }

  private alertsOf({ plan, world, store }: RoomsHost, envelopes: Envelopes): Alerts {
    const { committer, log } = this
    const running = [...plan.processors, ...plan.leftOut]
    return new Alerts({
      world,
      store,
      committer,
      specs: plan.alerts,
      passing: new Set(running.flatMap(({ name, onHold }) => (onHold === 'pass' ? name : []))),
      leftOut: new Set(plan.leftOut.map(({ name }) => name)),
      processors: () => this.consumers.list(),
      after: (destination, position, limit) => log.after(destination, position, limit),
      encode: (type, data, part) => envelopes.alert(type, data, part),
    })
  }

  private deskOf({ plan, world, store }: RoomsHost): Desk {
    const { committer, idleness } = this
    const leftOut = new Set(plan.leftOut.map(({ name }) => name))
    const owner = (processor: string) => this.consumers.named(processor)
    const { messageBytesMax } = plan.limits
    const trials = new Trials({ world, store, committer, messageBytesMax, owner })
    return new Desk({ world, store, committer, leftOut, owner, trials, maybeIdle: idleness.look })
  }

  private consumersOf(host: RoomsHost, envelopes: Envelopes): Consumers {
    const { plan, world, store, taken } = host
    const { committer, streams, flows, withdrawals, desk } = this
    if (plan.mediators.length > 0 || plan.processors.some(({ runsAhead }) => runsAhead)) {
      committer.ahead = (what) => flows.ahead(what.ended, { begins: this.consumers.pullAhead(what.appended) })
    }
    const deskNumbers = new Numbers()
    deskNumbers.begin(taken.numbers.desk)
    const failures = new FailureEvents((type, data, cause, processor) =>
      envelopes.failure(type, data, cause, processor),
    )
    const counters = new Map(plan.processors.map(({ name }) => [name, new Counters(this.settledAt)]))
    const consumerHost: Omit<ConsumerHost, 'committer' | 'counters'> = {
      app: plan.app,
      pause: (processor, reason) => {
        world.log('error', `processor "${processor}" is paused: ${reason}`)
        // A run that ends on the way pauses nothing: the next attempt asks for it again.
        this.consumers.pause(processor, { by: 'millrace', reason }).catch(() => {})
      },
      world,
      store,
      limits: plan.limits,
      watching: plan.watching,
      appVersion: plan.version,
      encode: (type, data, by, options) => envelopes.from(type, data, by, options),
      failed: (spec, entry) => failures.failed({ spec }, entry),
      resolved: (spec, entry, outcome) => failures.resolved({ spec }, entry, outcome),
      flows,
      telemetry: host.telemetry,
      deskNumbers,
      withdrawals,
      callers: this.requests,
      askRule: (processor, item) => desk.askRule(processor, item),
      ended: (item, outcome) => desk.ended(item, outcome),
      watch: () => this.consumers.watch(),
      maybeIdle: this.idleness.look,
    }
    const { checkStarting, warn, fail } = host
    return new Consumers({
      world,
      store,
      committer,
      streams,
      specs: plan.processors,
      make: (spec, subscribed, recent, concurrency) => {
        const own = { ...consumerHost, committer: new OwnWrites(committer), counters: counters.get(spec.name)! }
        return new Consumer({ spec, subscribed, recent, clean: taken.clean, concurrency }, own)
      },
      told: (entry) =>
        failures.resolved({ spec: { destination: streams.all.get(entry.message.stream)! } }, entry, 'reset'),
      ended: (item) => desk.ended(item, 'not handled'),
      maybeIdle: this.idleness.look,
      checkStarting,
      warn,
      fail,
    })
  }

  private get isQuiet(): boolean {
    return this.committer.idle && this.services.every(({ idle }) => idle)
  }
}

/** Messages are sent when they are durable: with their position, or until they are due. */
function telling(telemetry: Telemetry, settled: (what: Settled) => void): (what: Settled) => void {
  return (what) => {
    telemetry.sent(what.appended)
    telemetry.sent(what.delayed)
    settled(what)
  }
}
