// An app that runs its parts: what each call does in each state of its life.
//
//            stopped      starting     running    reopening    lost            stopping
//   start    begins       refused      refused    refused      refused         waits, begins
//   stop     nothing      ends it      ends it    ends it      ends it         waits
//   a call   not-started  not-started  done       disk-failed  files-replaced  stopping
//   idle     not-started  not-started  waits      waits        files-replaced  stopping
//   backup   copies       waits        copies     waits        files-replaced  stopping
//   health   red          red          as it is   red          red             red
//
// A call is one that needs the engine: publish, publishMany, send, request, cancel, read, a decision. `refused` is
// `millrace/already-started`, the others are codes too. `life.ts` holds the state and changes it.
import { AppLog, checkLog } from '../adapters/node/app-log.ts'
import { watch } from '../adapters/node/watchdog.ts'
import { nodeWorld } from '../adapters/node/world.ts'
import { checkNotLoading } from '../control/loading.ts'
import type { Collect } from '../engine/commit/transaction.ts'
import type { Engine } from '../engine/engine.ts'
import type { ServeOptions, Serving } from '../http/serving.ts'
import { fault } from '../model/errors.ts'
import {
  type Command,
  checkVerb,
  type DataFor,
  type Event,
  type MessageType,
  type ReplyOf,
  type Verb,
} from '../model/message.ts'
import type { Metrics } from '../model/metrics.ts'
import { checkOptions, limit } from '../model/options.ts'
import { type Accepted, checkId, type PublishEntry, type PublishOptions, publishOptions } from '../model/publish.ts'
import type { Joined, PublishInOptions } from '../model/publish-in.ts'
import type { Delay } from '../model/time.ts'
import type { Query, Tx } from '../model/tx.ts'
import type { Backup } from '../operate/backups.ts'
import type { Desk } from '../operate/desk.ts'
import { deskOn } from '../operate/desk-surface.ts'
import { openEdge } from '../operate/edge.ts'
import { flowsOn } from '../operate/flow-surface.ts'
import type { FlowDesk } from '../operate/flows.ts'
import type { Messages } from '../operate/messages.ts'
import { messagesOn, readsOf } from '../operate/messages-surface.ts'
import { metricsOf } from '../operate/metrics.ts'
import { copiesOf, offlineOf } from '../operate/offline.ts'
import type { Processors } from '../operate/processors.ts'
import { processorsOn } from '../operate/processors-surface.ts'
import type { Schedules } from '../operate/schedules.ts'
import { schedulesOn } from '../operate/schedules-surface.ts'
import { tokensOn } from '../operate/tokens-surface.ts'
import type { Part } from '../parts/part.ts'
import { checkKnown, type Wiring, wire } from '../parts/wiring.ts'
import type { Broker } from '../seam/store.ts'
import type { World } from '../seam/world.ts'
import { type AppTx, appTx } from './app-tx.ts'
import { Beside } from './beside.ts'
import { Life } from './life.ts'
import { type AppOptions, numbersOf, type StartOptions, type StopOptions, startOptions } from './options.ts'
import { planOf } from './plan.ts'
import { publishIn } from './publish-in.ts'
import { checkWhenHeld, type RequestOptions, type RequestStatus, statusOf } from './requests.ts'
import { type RunOptions, runUntilSignal } from './run.ts'
import { type Accepting, Tails } from './tails.ts'
import { unwatched, watchingOf } from './watching.ts'

/** The same app in another world: for simulations. It has to be started on a broker of its own. */
export function appIn(app: object, world: World): RunningApp {
  return new RunningApp(checkApp(app).options, world)
}

/** @throws `millrace/bad-option` */
export function checkApp(app: object): RunningApp {
  if (app instanceof RunningApp) return app
  throw fault('millrace/bad-option', 'simulation: app must be made by app({ … }) of this copy of millrace')
}

export class RunningApp {
  readonly desk: Desk
  readonly processors: Processors
  readonly flows: FlowDesk
  readonly messages: Messages
  readonly schedules: Schedules
  readonly tokens: ReturnType<typeof tokensOn>
  readonly options: AppOptions
  private readonly log: AppLog
  readonly world: World
  private readonly tails: Tails
  private readonly beside: Beside
  /** The broker that it was started with. */
  private started: Broker | undefined
  private wiring: Wiring | undefined
  private readonly life: Life
  /** Its name in errors. Made once: each message of a publisher is checked. */
  private readonly label: string

  constructor(options: AppOptions, other?: World) {
    const { name, parts } = options
    this.label = `app "${name}"`
    this.options = options
    numbersOf(options)
    this.log = new AppLog(options.log)
    const world = other ?? nodeWorld(this.log.line)
    this.world = world
    this.life = new Life(name, world)
    const now = () => world.now()
    this.desk = deskOn(() => this.running.desk, { itself: `app ${name}`, parts, version: options.version, now })
    this.flows = flowsOn(() => this.running, `app ${name}`)
    this.messages = messagesOn(async (read) => read(readsOf(this.running.store)), { parts, now })
    this.tokens = tokensOn({ access: () => this.running.store.desk.access, itself: `app ${name}`, world })
    this.schedules = schedulesOn({
      reading: async (read) => read(this.running.store.schedules),
      parts,
      now,
      fire: async (schedule, actor) => this.running.schedules.fire(schedule, actor),
    })
    this.beside = new Beside(world, () => this.running.processors.list())
    const { ring } = this.beside
    const wired = () => this.wiring!.processors
    this.processors = processorsOn(() => this.running, { app: name, parts, wired, ring, world })
    this.tails = new Tails(name, world)
    const offline = () => (this.started ?? this.broker).offline
    openEdge(this, { world, offline, numbers: () => numbersOf(options), running: () => this.running })
  }

  get name(): string {
    return this.options.name
  }

  get version(): string | undefined {
    return this.options.version
  }

  get parts(): readonly Part[] {
    return this.options.parts
  }

  get broker(): Broker {
    return this.options.broker
  }

  start(options: StartOptions = {}): Promise<void> {
    return this.begin(options)
  }

  run(options: RunOptions = {}): Promise<number> {
    const { world } = this
    return runUntilSignal({ world, start: (...how) => this.begin(...how), stop: (how) => this.stop(how) }, options)
  }

  private async begin(given: StartOptions, ended = () => {}): Promise<void> {
    checkNotLoading(this.name)
    checkOptions('start', given, startOptions)
    const { broker = this.broker, only, watchdog = false, control = true, waitMs, onAttempt, log, finder } = given
    checkLog('start', log)
    this.wiring = wire(this.name, this.parts)
    const { options, tails } = this
    const numbers = numbersOf(options)
    const own = { options, numbers, accepted: tails.tell }
    const watching = watchingOf(this, { onAttempt, log })
    const wanted = { only, waitMs: limit('start', 'waitMs', waitMs), watching, finder }
    await this.life.start({
      plan: planOf(own, this.wiring, wanted),
      broker,
      // A copy of the stopped store owns it until it is made.
      before: () => {
        this.started = broker
        this.log.use(log)
        return this.beside.backups.ended()
      },
      watch: () => {
        const unwatch = watchdog ? watch(numbers.blockedMs, unwatched(this.world)) : undefined
        return () => {
          unwatch?.()
          ended()
        }
      },
      beside: async () => (control ? this.beside.control(this, broker, () => this.running.acceptFile()) : undefined),
    })
  }

  async stop({ graceMs, ...unknown }: StopOptions = {}): Promise<void> {
    checkOptions('stop', unknown, [])
    const grace = limit('stop', 'graceMs', graceMs)
    this.beside.stopTaking()
    try {
      await this.life.stop(grace, this.beside.backups.abort())
    } finally {
      await this.beside.end()
    }
  }

  serve(options: ServeOptions = {}): Promise<Serving> {
    return this.beside.serve(this, options)
  }

  publish<E extends Event>(type: E, data: DataFor<E>, options?: PublishOptions): Promise<Accepted> {
    return this.accept('publish', type, data, options)
  }

  async publishMany<E extends Event>(type: E, entries: readonly PublishEntry<E>[], delay?: Delay): Promise<Accepted[]> {
    const { running } = this
    checkKnown(this.label, type, this.wiring!.destinationOf)
    checkVerb(this.label, 'publish', type)
    return running.intake.publishMany({ type, entries, delay })
  }

  send<C extends Command>(type: C, data: DataFor<C>, options?: PublishOptions): Promise<Accepted> {
    return this.accept('send', type, data, options)
  }

  async publishIn<T extends MessageType>(client: Joined, type: T, data: DataFor<T>, options?: PublishInOptions) {
    const { name, world, broker, parts } = this
    // An app that was not started is wired once, not for each message.
    this.wiring ??= wire(name, parts)
    const bytesMax = numbersOf(this.options).messageBytesMax
    const host = { app: name, world, broker, wiring: this.wiring, bytesMax }
    return publishIn(host, client, type, { data, options })
  }

  async request<C extends Command>(type: C, data: DataFor<C>, options: RequestOptions = {}): Promise<ReplyOf<C>> {
    const { running } = this
    const where = `app "${this.name}": request`
    checkKnown(where, type, this.wiring!.destinationOf)
    checkVerb(where, 'send', type)
    checkOptions(where, options, ['id', 'timeoutMs', 'whenHeld'])
    const { id } = options
    if (id !== undefined) checkId(id)
    const timeoutMs = limit(where, 'requestMs', options.timeoutMs, 'timeoutMs')
    const whenHeld = checkWhenHeld(where, options.whenHeld)
    return (await running.intake.request(type, data, { id, timeoutMs, whenHeld })) as ReplyOf<C>
  }

  async requestStatus(id: string): Promise<RequestStatus | undefined> {
    checkId(id)
    const row = await this.running.store.requests.row(id)
    return row === undefined ? undefined : statusOf(row)
  }

  async cancel(type: MessageType, id: string): Promise<boolean> {
    const { running } = this
    checkKnown(this.label, type, this.wiring!.destinationOf)
    checkId(id)
    return running.intake.cancel(type, id)
  }

  async transaction<Result>(fn: (tx: AppTx) => Result | Promise<Result>): Promise<Result> {
    if (typeof fn !== 'function') throw fault('millrace/bad-option', `${this.label}: transaction takes a function`)
    const check = (type: MessageType) => checkKnown(this.label, type, this.wiring!.destinationOf)
    const run = (tx: Tx, collect: Collect) => fn(appTx(tx, collect, check))
    return (await this.running.intake.transaction(run)) as Result
  }

  readonly read: Query = async (text, ...values) => this.running.store.query(text, ...values)

  idle(): Promise<void> {
    return this.life.idle()
  }

  health(): { status: 'green' | 'red'; reasons: readonly string[] } {
    return this.life.health()
  }

  async metrics(): Promise<Metrics> {
    return metricsOf(this.running, () => this.world.now())
  }

  async backup(path: string): Promise<Backup> {
    for (let change = this.life.changing; change !== undefined; change = this.life.changing) await change
    const running = this.life.runs
    const copies = copiesOf(offlineOf(this.name, running ? this.started! : this.broker))
    // Another file at its place is not the app's.
    if (running) this.running.store.checkFiles()
    return this.beside.backups.make(copies, path, running ? 'running' : 'stopped')
  }

  tail(accepting: Accepting): () => void {
    return this.tails.add(accepting)
  }

  /** One promise per message: this is the hot path of publishers. */
  private accept(verb: Verb, type: MessageType, data: unknown, options: PublishOptions | undefined): Promise<Accepted> {
    try {
      const { running } = this
      if (!this.wiring!.destinationOf.has(type)) checkKnown(this.label, type, this.wiring!.destinationOf)
      checkVerb(this.label, verb, type)
      if (options !== undefined) checkOptions(verb, options, publishOptions)
      return running.intake.publish(type, data, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  private get running(): Engine {
    return this.life.running
  }
}
