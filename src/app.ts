import { printLog } from './adapters/node/print-log.ts'
import { watch } from './adapters/node/watchdog.ts'
import { nodeWorld } from './adapters/node/world.ts'
import { Life, type Run } from './app/life.ts'
import { type Backup, Backups } from './control/backups.ts'
import { checked } from './control/calls.ts'
import { type Desk, deskOn } from './control/desk.ts'
import { type FlowDesk, flowsOn } from './control/flows.ts'
import { toRetire } from './control/retire.ts'
import { pausedOf, typesOf } from './control/rows.ts'
import { type Control, openControl } from './control/server.ts'
import { apart } from './engine/apart.ts'
import type { Accepted } from './engine/committer.ts'
import type { Engine } from './engine/engine.ts'
import { type CheckedFlow, checkJournals } from './engine/flow-check.ts'
import type { Said } from './engine/requests.ts'
import type { Collect } from './engine/transaction.ts'
import type { Stored } from './model/codec.ts'
import { type Actor, checkActor } from './model/desk.ts'
import { fault, recordError } from './model/errors.ts'
import {
  type Command,
  checkVerb,
  type DataFor,
  type Event,
  type MessageType,
  type ReplyOf,
  type Verb,
} from './model/message.ts'
import { checkName, suggest } from './model/names.ts'
import { checkOptions, limit } from './model/options.ts'
import { messageOf } from './model/people.ts'
import { checkId, type PublishOptions, publishOptions } from './model/publish.ts'
import type { Query, Tx } from './model/tx.ts'
import type { Processor } from './parts/processor.ts'
import { runsWith } from './parts/processors.ts'
import { checkKnown, type Part, scheduleSpecOf, specOf, type Wiring, wire } from './parts/wiring.ts'
import type { StoreFile } from './seam/file.ts'
import type { Broker, Paused, RequestState } from './seam/store.ts'
import type { World } from './seam/world.ts'

export interface AppOptions {
  /** Part of the `source` of its messages. */
  readonly name: string
  readonly broker: Broker
  readonly parts: readonly Part[]
  /** Runs at each start, before the first dispatch, in one transaction: make tables here, so that it may run again. */
  readonly setup?: ((tx: Tx) => unknown) | undefined
  /** Size of the data of one message, reply or refusal as JSON, bytes, default 1,000,000. */
  readonly messageBytesMax?: number | undefined
  /** Publishes that may wait for their acknowledgement, default 100,000. */
  readonly pendingMax?: number | undefined
  /** Messages of one processor in memory at once, 1 to 16,384, default 4,096. */
  readonly windowMessages?: number | undefined
  /** Size of the messages of one processor in memory at once, bytes, default 8 MiB. */
  readonly windowBytes?: number | undefined
  /** Time for which ended requests can be fetched, milliseconds, default 7 days. */
  readonly requestRetainMs?: number | undefined
  /**
   * Time for which resolved messages stay at the desk, and failures on their topic, milliseconds, default 30 days; the
   * audit log is kept for good.
   */
  readonly deskRetainMs?: number | undefined
  /** Time in which a discarded message can be taken back, milliseconds, default 7 days. */
  readonly takeBackMs?: number | undefined
  /** Contexts of held lanes of one processor in memory, default 100,000; more are looked up on disk. */
  readonly heldContextsMax?: number | undefined
  /** Time for which ended flows are kept, milliseconds, default 7 days. */
  readonly flowRetainMs?: number | undefined
  /** Time for which events that flows may wait for are kept for them, milliseconds, default 7 days. */
  readonly mailboxMs?: number | undefined
  /** Flows in memory that wait for something, default 10,000; others are made anew from their journals. */
  readonly hotFlowsMax?: number | undefined
  /** Time for which handled commands are kept, milliseconds, default 7 days. */
  readonly channelRetainMs?: number | undefined
  /**
   * Time between looks for messages that need not be kept, milliseconds, default 60,000; up to 32 times as long while
   * there are none.
   */
  readonly retainEveryMs?: number | undefined
  /** Time for which the event loop may be blocked before the watchdog ends the process, milliseconds, default 15,000. */
  readonly blockedMs?: number | undefined
  /** Where lines for operators go; default: warnings and errors to standard error. */
  readonly log?: World['log'] | undefined
}

export interface StartOptions {
  /** Another broker than that of the app: for tests, for `--db`. */
  readonly broker?: Broker | undefined
  /** Only these processors, gathers and schedules run; what is published for the others waits. */
  readonly only?: readonly string[] | undefined
  /**
   * Ends the process when its event loop is blocked beyond `blockedMs`; the last line on standard error says which
   * functions ran. After some restarts the message whose handler blocks is held, and stands in nobody's way. Default
   * false; true under `millrace start`.
   */
  readonly watchdog?: boolean | undefined
  /** Whether the command `millrace` can reach the running app, over a socket beside its file. Default true. */
  readonly control?: boolean | undefined
  /**
   * Time for which the start waits while another process has the file, milliseconds, 0 to 86,400,000, default 5,000: for
   * a deployment that begins before the last process has ended, or a command that has the file for a moment. After it,
   * the start is refused with `millrace/in-use`, which names the process.
   */
  readonly waitMs?: number | undefined
}

export interface RequestOptions {
  /** How long to wait for the reply, milliseconds, 1 to 2,592,000,000 (30 days), default 30,000. */
  readonly timeoutMs?: number | undefined
  /** As for `publish`: asking again with it sends nothing, and gives the reply of the first. */
  readonly id?: string | undefined
}

/** How far a request is. */
export interface RequestOperation {
  readonly id: string
  /** The type of the command. */
  readonly command: string
  /** `held`: it has failed for good, a rule or a person decides. The last four are ends. */
  readonly state: RequestState
  /** What the processor gave. */
  readonly reply?: unknown
  /** What it said when it refused. */
  readonly refusal?: Said | undefined
  /** Why it was discarded, or withdrawn. */
  readonly reason?: string | undefined
  /** Its number at the desk, while it is held. */
  readonly item?: number | undefined
  /** Milliseconds since 1970. */
  readonly askedAt: number
  readonly endedAt?: number | undefined
}

/** A transaction with the caller's own rows, which may publish. */
export interface AppTx extends Tx {
  /**
   * Collects an event; it leaves with the rows or not at all.
   *
   * @returns the id of the event: its own, or a new one
   * @throws as of `app.publish`; `millrace/tx-closed`. An id that was published before with other data fails the
   *   transaction with `millrace/id-conflict`
   */
  publish<E extends Event>(type: E, data: DataFor<E>, options?: PublishOptions): string
  /** Collects a command. Returns its id; errors as of `publish`. */
  send<C extends Command>(type: C, data: DataFor<C>, options?: PublishOptions): string
  /**
   * Takes back a delayed message or a request, with the rows or not at all: as `app.cancel`, but what it comes to is
   * not known here. What the function has collected under that id before does not leave; what it collects under that
   * id after it does, so that `cancel` and `publish` move a delayed message.
   *
   * @throws `millrace/type-without-topic`, `millrace/bad-id`, `millrace/tx-closed`
   */
  cancel(type: MessageType, id: string): void
}

export interface StopOptions {
  /** Time for running handlers to end, milliseconds, default 10,000. What has not ended is handed back untouched. */
  readonly graceMs?: number | undefined
}

/** A message that was accepted, as `tail` shows it. */
export type Accepting = (message: Stored) => void

/** The processors, and what an operator may do about them. */
export interface Processors {
  list(): Promise<ProcessorRow[]>
  /**
   * Lets go of a processor that is gone, so that nothing is kept for it any more.
   *
   * @throws `millrace/unknown-processor`, `millrace/processor-in-use`, `millrace/processor-has-held`
   */
  retire(name: string, options?: { readonly force?: boolean | undefined }): Promise<void>
  /**
   * Lets a processor start nothing more, until it is resumed, across restarts too; what runs goes on to its end. What
   * it has to do waits. Recorded in the audit log; done twice it changes nothing.
   *
   * @throws `millrace/unknown-processor`
   */
  pause(name: string, actor?: Actor): Promise<void>
  /** Lets a paused processor go on. Errors: `millrace/unknown-processor`. */
  resume(name: string, actor?: Actor): Promise<void>
}

export interface ProcessorRow {
  readonly name: string
  /** Its topic or channel. */
  readonly on: string
  /**
   * `probing`: its last attempts have all failed, it tries one message at a time until one succeeds; `stuck`: all its
   * attempts have outlived their time; `paused` by a person; `gone`: the store knows it, the app does not (any more on
   * this topic); `off`: left out by `only`.
   */
  readonly state: 'live' | 'behind' | 'probing' | 'stuck' | 'paused' | 'gone' | 'off'
  /** Everything up to here is done. */
  readonly position: number
  /** Messages of its topic after that. */
  readonly lag: number
  readonly running: number
  readonly held: number
  /** Since when, by whom and why it is paused; null where it is not. */
  readonly paused: Paused | null
}

export interface App {
  readonly name: string
  readonly parts: readonly Part[]
  readonly broker: Broker
  /**
   * Opens the store, runs `setup`, begins to dispatch. While the app stops it waits for that first. A start that was
   * refused leaves nothing behind and may be tried again.
   *
   * @throws wiring: `millrace/duplicate-name`, `millrace/type-on-two-topics`, `millrace/type-without-topic`,
   *   `millrace/channel-unserved`, `millrace/channel-served-twice`, `millrace/unknown-part`; store: `millrace/in-use`,
   *   `millrace/locked`, `millrace/foreign-file`, `millrace/foreign-wal`, `millrace/newer-file`,
   *   `millrace/corrupt-file`, `millrace/network-file-system`, `millrace/cannot-open`, `millrace/read-only`;
   *   `millrace/already-started` while it starts or runs; `millrace/stopping` when `stop` is called before it has resolved
   */
  start(options?: StartOptions): Promise<void>
  /**
   * Ends: lets running handlers end within `graceMs`, hands back the rest untouched. Resolves when the app has stopped,
   * whenever it is called: it ends a start that is under way, which rejects, and a store that is opened anew; called
   * again, it waits for the same end, and the shorter `graceMs` counts. A handler that calls it must not wait for it,
   * because it waits for the handler.
   */
  stop(options?: StopOptions): Promise<void>
  /**
   * Publishes an event; resolves once it is on disk, before it is handled. A delayed one comes into the log never before
   * its time and once, whatever crashes; those that are due together in order of due time, then as they were accepted;
   * its `time` is when it came there. While the app is down nothing comes: what has become due then comes at the start.
   *
   * @throws `millrace/bad-data`, `millrace/bad-context`, `millrace/bad-id`, `millrace/bad-time`,
   *   `millrace/id-conflict`, `millrace/too-large`, `millrace/type-without-topic`, `millrace/not-started`, `millrace/stopping`,
   *   `millrace/too-many-pending`, `millrace/disk-full`, `millrace/disk-low`, `millrace/sync-failed`,
   *   `millrace/files-replaced`, `millrace/locked`
   */
  publish<E extends Event>(type: E, data: DataFor<E>, options?: PublishOptions): Promise<Accepted>
  /** Sends a command to its channel; resolves once it is on disk. Errors as of `publish`. */
  send<C extends Command>(type: C, data: DataFor<C>, options?: PublishOptions): Promise<Accepted>
  /**
   * Sends a command and waits for its reply. The command is on disk before it is handled, and so is its end: who asks
   * may die meanwhile, and ask again with the same `id`, which sends nothing twice.
   *
   * @returns the reply, as the schema of the command gives it
   * @throws `Refused` (see `Refused.by`) when the processor says no; `millrace/request-timed-out` when there is no
   *   reply in time: the command goes on, see {@link App.operation}; `millrace/request-discarded` when it was held and a
   *   person has given it up; `millrace/stopping`; and as of `publish`
   */
  request<C extends Command>(type: C, data: DataFor<C>, options?: RequestOptions): Promise<ReplyOf<C>>
  /**
   * How far a request is, by the `id` of its command; undefined when there is none such (any more: see `requestRetainMs`).
   * Errors: `millrace/bad-id`, `millrace/not-started`.
   */
  operation(id: string): Promise<RequestOperation | undefined>
  /**
   * Takes back a delayed message, or a request. True: it was pending and will never come, and its id may be used anew;
   * of a request, it is never handled any more, and who waits for it gets `millrace/request-withdrawn`: an attempt that
   * was under way is fenced, what it did outside is not known. False: there is none such, or it has come, or ended,
   * already. Resolves once that is on disk.
   *
   * @throws `millrace/type-without-topic`, `millrace/bad-id`, `millrace/not-started`, `millrace/stopping`,
   *   `millrace/disk-full`, `millrace/sync-failed`, `millrace/files-replaced`, `millrace/locked`
   */
  cancel(type: MessageType, id: string): Promise<boolean>
  /**
   * One transaction with the caller's own rows; what it publishes is kept with them or not at all. Follows the rules
   * of `commit`; gives what `fn` gives, once it is on disk.
   */
  transaction<Result>(fn: (tx: AppTx) => Result | Promise<Result>): Promise<Result>
  /** Reads rows outside any transaction. */
  readonly read: Query
  /**
   * Resolves when every accepted message has been handled or is held at the desk. What is not due, and what waits for a
   * processor that is paused, is not waited for.
   *
   * @throws `millrace/not-started`, `millrace/stopping` when the app is stopped before
   */
  idle(): Promise<void>
  health(): { readonly status: 'green' | 'red'; readonly reasons: readonly string[] }
  /**
   * Copies the file of the app as it is at one moment, beside the work under way, to a path where nothing is. Use it, or
   * `millrace backup`, and never a copy by the file system: that lacks what is not in the file yet, and in this process
   * it drops the locks of the database.
   *
   * The copy is whole and on disk when this resolves; before, nothing has its name. An app starts on it as after a clean
   * stop. Of an app that is not running the file is copied as the last run left it; a `start` that comes then waits.
   * `stop` gives up copies that are under way.
   *
   * @param path - the copy, relative to the working folder; its folder has to exist
   * @returns where the copy is, and its size in bytes
   * @throws `millrace/backup-exists` when something is there, or a copy to it is being made; `millrace/backup-failed`,
   *   `millrace/disk-low`; `millrace/files-replaced`; `millrace/stopping` when the app is stopped; `millrace/no-file` when its broker has none,
   *   `millrace/no-app` when it does not exist yet; `millrace/in-use` when another process has it; `millrace/bad-option`
   */
  backup(path: string): Promise<Backup>
  /** Calls a function for each message from now on, once it is on disk; gives a function that ends it. */
  tail(accepting: Accepting): () => void
  readonly desk: Desk
  readonly processors: Processors
  /** The flows of mediators, and what people do about them. */
  readonly flows: FlowDesk
}

const appOptions = [
  'name',
  'broker',
  'parts',
  'setup',
  'messageBytesMax',
  'pendingMax',
  'windowMessages',
  'windowBytes',
  'requestRetainMs',
  'deskRetainMs',
  'takeBackMs',
  'heldContextsMax',
  'channelRetainMs',
  'flowRetainMs',
  'mailboxMs',
  'hotFlowsMax',
  'retainEveryMs',
  'blockedMs',
  'log',
]

/**
 * Puts parts together into an application. Touches no file before `start`.
 *
 * @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option`
 */
export function app(options: AppOptions): App {
  checkOptions('app', options, appOptions)
  checkName('app', options.name)
  return new RunningApp(options)
}

export interface CheckFlowsOptions {
  /** Whose flows; default: the file of the app. A copy of it does as well. */
  readonly file?: StoreFile | undefined
  /** Also flows that have ended and are kept. Default false. */
  readonly all?: boolean | undefined
}

/**
 * Replays the journals of flows under way against the code of an app and does nothing else: so it is known before a
 * deployment whether they can go on with it. The app is not started; another process may have the file.
 *
 * @throws `millrace/no-file`; `millrace/no-app` when there is none; `millrace/foreign-file`, `millrace/foreign-wal`,
 *   `millrace/newer-file`, `millrace/corrupt-file`, `millrace/cannot-open`
 */
export async function* checkFlows(app: App, options: CheckFlowsOptions = {}): AsyncGenerator<CheckedFlow> {
  checkOptions('checkFlows', options, ['file', 'all'])
  const { file = app.broker.file, all = false } = options
  if (file === undefined) throw fault('millrace/no-file', `the broker of app "${app.name}" is no file`)
  const types = typesOf(app.parts)
  const specs = app.parts.flatMap((part) => (part.kind === 'mediator' ? [part.spec] : []))
  const started = new Map(specs.map(({ startedBy }) => [startedBy.name, startedBy]))
  const code = {
    mediators: new Map(specs.map((spec) => [spec.name, spec])),
    typeOf: (name: string) => types.get(name)?.type ?? started.get(name),
  }
  const world = nodeWorld(printLog)
  const reader = file.read(file.owner() !== undefined)
  const stopListening = world.listen()
  try {
    yield* checkJournals(code, reader.flows, all, world)
  } finally {
    stopListening()
    reader.close()
  }
}

/** The same app in another world: for simulations. It has to be started on a broker of its own. */
export function appIn(app: App, world: World): App {
  return new RunningApp(checkApp(app).options, world)
}

/** @throws `millrace/bad-option` */
export function checkApp(app: App): RunningApp {
  if (app instanceof RunningApp) return app
  throw fault('millrace/bad-option', 'simulation: app must be what app({ … }) of this copy of millrace gives')
}

class RunningApp implements App {
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
    const run = (tx: Tx, collect: Collect) => {
      const check = (type: MessageType) => checkKnown(`app "${this.name}"`, type, this.wiring!.sourceOf)
      const put = (verb: Verb) => (type: MessageType, data: unknown, options?: PublishOptions) => {
        check(type)
        checkVerb('tx', verb, type)
        return collect.put(type, data, options)
      }
      return fn({
        query: tx.query,
        get client() {
          return tx.client
        },
        publish: put('publish'),
        send: put('send'),
        cancel: (type, id) => {
          check(type)
          collect.cancel(type, id)
        },
      })
    }
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
    return this.backups.make(file, path, running)
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
    const [counts, paused] = await running.store.look((desk) => [desk.heldCounts(), pausedOf(desk.paused())] as const)
    const atDesk = (name: string, on: string) => ({
      held: counts.find(({ processor, source }) => processor === name && source === on)?.held ?? 0,
      paused: paused.get(name) ?? null,
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
    const gone = toRetire(await this.listProcessors(), processor, force)
    for (const { on } of gone) await this.running.retire(processor, on)
  }
}
