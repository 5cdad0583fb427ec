import { printLog } from '../adapters/node/print-log.ts'
import { watch } from '../adapters/node/watchdog.ts'
import { nodeWorld } from '../adapters/node/world.ts'
import { type Control, openControl } from '../control/server.ts'
import { apart } from '../engine/apart.ts'
import type { Accepted } from '../engine/committer.ts'
import type { Engine } from '../engine/engine.ts'
import type { Said } from '../engine/requests.ts'
import type { Collect } from '../engine/transaction.ts'
import { type Actor, checkActor } from '../model/desk.ts'
import { fault, recordError } from '../model/errors.ts'
import {
  type Command,
  checkVerb,
  type DataFor,
  type Event,
  type MessageType,
  type ReplyOf,
  type Verb,
} from '../model/message.ts'
import { suggest } from '../model/names.ts'
import { checkOptions, limit } from '../model/options.ts'
import { messageOf } from '../model/people.ts'
import { checkId, type PublishOptions, publishOptions } from '../model/publish.ts'
import type { Query, Tx } from '../model/tx.ts'
import { type Backup, Backups } from '../operate/backups.ts'
import { checked } from '../operate/calls.ts'
import type { Desk } from '../operate/desk.ts'
import { deskOn } from '../operate/desk-surface.ts'
import { flowsOn } from '../operate/flow-surface.ts'
import type { FlowDesk } from '../operate/flows.ts'
import type { ProcessorRow, Processors } from '../operate/processors.ts'
import { toRetire } from '../operate/retire.ts'
import { pausedOf } from '../operate/rows.ts'
import type { Part } from '../parts/part.ts'
import type { Processor } from '../parts/processor.ts'
import { runsWith } from '../parts/processors.ts'
import { checkKnown, scheduleSpecOf, specOf, type Wiring, wire } from '../parts/wiring.ts'
import type { StoreFile } from '../seam/file.ts'
import type { Broker } from '../seam/store.ts'
import type { World } from '../seam/world.ts'
import { type AppTx, appTx } from './app-tx.ts'
import { Life, type Run } from './life.ts'
import type { AppOptions, StartOptions, StopOptions } from './options.ts'
import type { RequestOperation, RequestOptions } from './requests.ts'
import type { Accepting } from './tails.ts'

/** The same app in another world: for simulations. It has to be started on a broker of its own. */
export function appIn(app: object, world: World): RunningApp {
  return new RunningApp(checkApp(app).options, world)
}

/** @throws `millrace/bad-option` */
export function checkApp(app: object): RunningApp {
  if (app instanceof RunningApp) return app
  throw fault('millrace/bad-option', 'simulation: app must be what app({ … }) of this copy of millrace gives')
}

export class RunningApp {
  readonly name: string
  readonly parts: readonly Part[]
  readonly broker: Broker
  readonly desk: Desk
  readonly processors: Processors
  readonly flows: FlowDesk
  readonly options: AppOptions
  private readonly limits: Run['plan']['limits']
  private readonly world: World
  private readonly tails = new Set<Accepting>()
  private readonly backups = new Backups()
  /** The file of the broker that it was started with. */
  private file: StoreFile | undefined
  private wiring: Wiring | undefined
  private readonly life: Life
  private readonly blockedMs: number

  constructor(options: AppOptions, world = nodeWorld(options.log ?? printLog)) {
    const { name, broker, parts, setup } = options
    const where = `app "${name}"`
    if (typeof broker?.create !== 'function') {
      throw fault('millrace/bad-option', `${where}: broker must be a broker, such as sqlite({ file })`)
    }
    if (setup !== undefined && typeof setup !== 'function') {
      throw fault('millrace/bad-option', `${where}: setup must be a function`)
    }
    if (options.log !== undefined && typeof options.log !== 'function') {
      throw fault('millrace/bad-option', `${where}: log must be a function`)
    }
    this.name = name
    this.parts = parts
    this.broker = broker
    this.options = options
    this.limits = {
      messageBytesMax: limit(where, 'messageBytesMax', options.messageBytesMax),
      pendingMax: limit(where, 'pendingMax', options.pendingMax),
      windowMessages: limit(where, 'windowMessages', options.windowMessages),
      windowBytes: limit(where, 'windowBytes', options.windowBytes),
      requestRetainMs: limit(where, 'requestRetainMs', options.requestRetainMs),
      deskRetainMs: limit(where, 'deskRetainMs', options.deskRetainMs),
      takeBackMs: limit(where, 'takeBackMs', options.takeBackMs),
      heldContextsMax: limit(where, 'heldContextsMax', options.heldContextsMax),
      channelRetainMs: limit(where, 'channelRetainMs', options.channelRetainMs),
      flowRetainMs: limit(where, 'flowRetainMs', options.flowRetainMs),
      mailboxMs: limit(where, 'mailboxMs', options.mailboxMs),
      hotFlowsMax: limit(where, 'hotFlowsMax', options.hotFlowsMax),
      retainEveryMs: limit(where, 'retainEveryMs', options.retainEveryMs),
      flushBytes: limit(where, 'flushBytes', undefined),
    }
    this.blockedMs = limit(where, 'blockedMs', options.blockedMs)
    this.world = world
    this.life = new Life(name, world)
    this.desk = deskOn(
      () => this.running,
      `app ${name}`,
      () => world.now(),
    )
    this.flows = flowsOn(() => this.running, `app ${name}`)
    this.processors = checked<Processors>('processors', {
      list: () => this.listProcessors(),
      retire: (processor, { force = false } = {}) => this.retire(processor, force),
      pause: (processor, actor) => this.pause(processor, true, actor),
      resume: (processor, actor) => this.pause(processor, false, actor),
    })
  }

  async start({
    broker = this.broker,
    only,
    watchdog = false,
    control = true,
    waitMs,
    ...unknown
  }: StartOptions = {}): Promise<void> {
    checkOptions('start', unknown, [])
    this.wiring = wire(this.name, this.parts)
    await this.life.start({
      plan: this.plan(this.wiring, only, limit('start', 'waitMs', waitMs)),
      broker,
      // A copy of the stopped file has it until it is made.
      before: () => {
        this.file = broker.file
        return this.backups.ended()
      },
      watch: () => (watchdog ? watch(this.blockedMs, (error) => this.unwatched(error)) : () => {}),
      beside: async () => (control ? this.openControl(broker) : undefined),
    })
  }

  async stop({ graceMs, ...unknown }: StopOptions = {}): Promise<void> {
    checkOptions('stop', unknown, [])
    const grace = limit('stop', 'graceMs', graceMs)
    await this.life.stop(grace, this.backups.abort())
  }

  publish<E extends Event>(type: E, data: DataFor<E>, options?: PublishOptions): Promise<Accepted> {
    return this.accept('publish', type, data, options)
  }

  send<C extends Command>(type: C, data: DataFor<C>, options?: PublishOptions): Promise<Accepted> {
    return this.accept('send', type, data, options)
  }

  async request<C extends Command>(type: C, data: DataFor<C>, options: RequestOptions = {}): Promise<ReplyOf<C>> {
    const { running } = this
    const where = `app "${this.name}": request`
    checkKnown(where, type, this.wiring!.sourceOf)
    checkVerb(where, 'send', type)
    checkOptions(where, options, ['id', 'timeoutMs'])
    if (options.id !== undefined) checkId(options.id)
    const timeoutMs = limit(where, 'requestMs', options.timeoutMs, 'timeoutMs')
    return (await running.request(type, data, options.id, timeoutMs)) as ReplyOf<C>
  }

  async operation(id: string): Promise<RequestOperation | undefined> {
    checkId(id)
    const row = await this.running.operation(id)
    if (row === undefined) return undefined
    const { type: command, state, item, outcome, askedAt, endedAt } = row
    return {
      id,
      command,
      state,
      askedAt,
      ...(endedAt === null ? {} : { endedAt }),
      ...(item === null ? {} : { item }),
      ...(state === 'replied' ? { reply: outcome } : {}),
      ...(state === 'refused' ? { refusal: outcome as Said } : {}),
      ...(state === 'discarded' || state === 'withdrawn' ? { reason: (outcome as Said).message } : {}),
    }
  }

  async cancel(type: MessageType, id: string): Promise<boolean> {
    const { running } = this
    checkKnown(`app "${this.name}"`, type, this.wiring!.sourceOf)
    checkId(id)
    return running.cancel(type, id)
  }

  async transaction<Result>(fn: (tx: AppTx) => Result | Promise<Result>): Promise<Result> {
    const check = (type: MessageType) => checkKnown(`app "${this.name}"`, type, this.wiring!.sourceOf)
    const run = (tx: Tx, collect: Collect) => fn(appTx(tx, collect, check))
    return (await this.running.transaction(run)) as Result
  }

  readonly read: Query = async (text, ...values) => this.running.store.query(text, ...values)

  idle(): Promise<void> {
    return this.life.idle()
  }

  health(): { status: 'green' | 'red'; reasons: readonly string[] } {
    return this.life.health()
  }

  async backup(path: string): Promise<Backup> {
    for (let change = this.life.changing; change !== undefined; change = this.life.changing) await change
    const running = this.life.runs
    const file = running ? this.file : this.broker.file
    if (file === undefined) {
      throw fault('millrace/no-file', `the broker of app "${this.name}" (${this.broker.name}) is no file`)
    }
    // Another file at its place is not the app's.
    if (running) this.running.store.checkFiles()
    return this.backups.make(file, path, { running })
  }

  tail(accepting: Accepting): () => void {
    if (typeof accepting !== 'function') {
      throw fault('millrace/bad-option', `app "${this.name}": tail takes a function`)
    }
    const guarded = apart(this.world, `a function given to tail of app "${this.name}"`, accepting)
    this.tails.add(guarded)
    return () => void this.tails.delete(guarded)
  }

  /** One promise per message and no more: this is the hot path of publishers. */
  private accept(verb: Verb, type: MessageType, data: unknown, options: PublishOptions | undefined): Promise<Accepted> {
    try {
      const { running } = this
      if (!this.wiring!.sourceOf.has(type)) checkKnown(`app "${this.name}"`, type, this.wiring!.sourceOf)
      checkVerb(`app "${this.name}"`, verb, type)
      if (options !== undefined) checkOptions(verb, options, publishOptions)
      return running.publish(type, data, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  private unwatched(error: unknown): void {
    this.world.log('error', 'there is no watchdog: nothing ends a handler that blocks the event loop', {
      error: recordError(error).message,
    })
  }

  private get running(): Engine {
    return this.life.running
  }

  /** The app works without it: what is in the way is only told. */
  private async openControl({ file }: Broker): Promise<Control | undefined> {
    if (file === undefined) return undefined
    const warn = (text: string) => this.world.log('warn', text)
    try {
      return await openControl(this, file, () => this.running.acceptFile(), warn)
    } catch (error) {
      warn(`app "${this.name}" cannot be reached by commands: ${messageOf(error)}`)
      return undefined
    }
  }

  private plan(wiring: Wiring, only: readonly string[] | undefined, waitMs: number): Run['plan'] {
    const { processors, schedules, mediators, sources, desks } = wiring
    const spec = (processor: Processor) => specOf(processor, desks)
    const names = [...new Set([...processors, ...mediators, ...schedules].map(({ name }) => name))]
    for (const name of only ?? []) {
      if (names.includes(name)) continue
      throw fault('millrace/unknown-part', `app "${this.name}" has no part "${name}" that runs${suggest(name, names)}`)
    }
    const runs = runsWith(only)
    const running = processors.filter(runs)
    const leftOut = processors.filter((processor) => !running.includes(processor))
    return {
      app: this.name,
      sources,
      processors: running.map(spec),
      leftOut: leftOut.map(spec),
      schedules: schedules.filter(runs).map(scheduleSpecOf),
      mediators: mediators.filter(runs).map(({ spec }) => spec),
      setup: this.options.setup,
      tellsChanges: only === undefined,
      limits: this.limits,
      waitMs,
      accepted: (message) => {
        for (const accepting of this.tails) accepting(message)
      },
    }
  }

  private async listProcessors(): Promise<ProcessorRow[]> {
    const { running } = this
    const { held, paused } = await running.store.deskReads.processors()
    const atDesk = (name: string, on: string) => ({
      held: held.find(({ processor, source }) => processor === name && source === on)?.held ?? 0,
      paused: pausedOf(paused).get(name) ?? null,
    })
    const live = running.processors()
    const keyOf = (name: string, on: string) => `${name} ${on}`
    const runs = new Set(live.map(({ name, source }) => keyOf(name, source)))
    const parts = new Set(this.wiring!.processors.map(({ name, on }) => keyOf(name, on.name)))
    const rows: ProcessorRow[] = live.map(({ name, source: on, state, position, lag, running }) => {
      return { name, on, state, position, lag, running, ...atDesk(name, on) }
    })
    for (const { processor: name, source: on, low: position, lag } of await running.progress()) {
      if (runs.has(keyOf(name, on))) continue
      rows.push({
        name,
        on,
        state: parts.has(keyOf(name, on)) ? 'off' : 'gone',
        position,
        lag,
        running: 0,
        ...atDesk(name, on),
      })
    }
    return rows
  }

  private async pause(processor: string, paused: boolean, actor: Actor = { by: `app ${this.name}` }): Promise<void> {
    await this.running.pause(processor, paused, checkActor(paused ? 'pause' : 'resume', actor))
  }

  private async retire(processor: string, force: boolean): Promise<void> {
    const gone = toRetire(await this.listProcessors(), processor, { force })
    for (const { on } of gone) await this.running.retire(processor, on)
  }
}
