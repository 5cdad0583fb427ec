import { printLog } from './adapters/node/print-log.ts'
import { watch } from './adapters/node/watchdog.ts'
import { nodeWorld } from './adapters/node/world.ts'
import { type AppTx, appTx } from './app/app-tx.ts'
import { Life, type Run } from './app/life.ts'
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
import type { RequestState } from './model/requests.ts'
import type { Query, Tx } from './model/tx.ts'
import { type Backup, Backups } from './operate/backups.ts'
import { checked } from './operate/calls.ts'
import type { Desk } from './operate/desk.ts'
import { deskOn } from './operate/desk-surface.ts'
import { flowsOn } from './operate/flow-surface.ts'
import type { FlowDesk } from './operate/flows.ts'
import type { ProcessorRow, Processors } from './operate/processors.ts'
import { toRetire } from './operate/retire.ts'
import { pausedOf, typesOf } from './operate/rows.ts'
import type { Part } from './parts/part.ts'
import type { Processor } from './parts/processor.ts'
import { runsWith } from './parts/processors.ts'
import { checkKnown, scheduleSpecOf, specOf, type Wiring, wire } from './parts/wiring.ts'
import type { StoreFile } from './seam/file.ts'
import type { Broker } from './seam/store.ts'
import type { World } from './seam/world.ts'

/** Options of {@link app}. */
export interface AppOptions {
  /** The name of the app, as of `event`. It is part of the `source` of its messages. */
  readonly name: string
  /** The broker that keeps its messages, for example `sqlite({ file })`. */
  readonly broker: Broker
  /**
   * The parts: topics, channels, processors, mediators, routes, gathers, schedules, desks. The topic or channel in `on`
   * of a part need not be listed.
   */
  readonly parts: readonly Part[]
  /**
   * Makes the app's own tables. It runs at each start in one transaction, before the first message is handled, so it
   * must be able to run again (`create table if not exists`). It follows the rules of `commit`: a statement that fails
   * fails the start.
   */
  readonly setup?: ((tx: Tx) => unknown) | undefined
  /** Size of the data of one message, reply or refusal as JSON, bytes, 100 to 100,000,000, default 1,000,000. */
  readonly messageBytesMax?: number | undefined
  /** Publishes that may wait for their acknowledgement, default 100,000. Beyond it: `millrace/too-many-pending`. */
  readonly pendingMax?: number | undefined
  /** Messages of one processor in memory at once, 1 to 16,384, default 4,096. */
  readonly windowMessages?: number | undefined
  /** Size of the messages of one processor in memory at once, bytes, default 8 MiB. */
  readonly windowBytes?: number | undefined
  /** Time for which ended requests are kept for `app.operation`, milliseconds, default 7 days. */
  readonly requestRetainMs?: number | undefined
  /**
   * Time for which resolved messages stay at the desk, and failures on their topic, milliseconds, default 30 days. The
   * audit log is never shortened.
   */
  readonly deskRetainMs?: number | undefined
  /** Time in which a discard can be taken back, milliseconds, default 7 days. */
  readonly takeBackMs?: number | undefined
  /**
   * Contexts of held lanes of one processor in memory, 100 to 10,000,000, default 100,000. More are looked up on disk.
   */
  readonly heldContextsMax?: number | undefined
  /** Time for which ended flows are kept, milliseconds, default 7 days. */
  readonly flowRetainMs?: number | undefined
  /** Time for which events that flows may wait for are kept, milliseconds, default 7 days. */
  readonly mailboxMs?: number | undefined
  /**
   * Waiting flows in memory, 0 to 10,000,000, default 10,000. Others are rebuilt from their journals when they
   * continue.
   */
  readonly hotFlowsMax?: number | undefined
  /** Time for which handled commands of channels without `retain` are kept, milliseconds, default 7 days. */
  readonly channelRetainMs?: number | undefined
  /**
   * Time between two searches for messages that may be removed, milliseconds, default 60,000; up to 32 times as long
   * while there are none.
   */
  readonly retainEveryMs?: number | undefined
  /**
   * Time for which the event loop may be blocked before the watchdog ends the process, milliseconds, default 15,000.
   * See `watchdog` of `start`.
   */
  readonly blockedMs?: number | undefined
  /** Writes lines for operators. Default: warnings and errors go to standard error. */
  readonly log?: World['log'] | undefined
}

/** Options of `app.start`. */
export interface StartOptions {
  /** A broker instead of that of the app: for tests, and for `--db`. */
  readonly broker?: Broker | undefined
  /**
   * The names of the parts that run; what is published for the others waits. Default: all. Names of processors,
   * mediators, gathers, routes and schedules.
   */
  readonly only?: readonly string[] | undefined
  /**
   * Whether a blocked event loop (`blockedMs`) ends the process. The last line on standard error names the functions
   * that ran. A message whose handler blocks again after restarts is held, and the others continue. Default false;
   * `millrace start` sets it.
   */
  readonly watchdog?: boolean | undefined
  /** Whether the command `millrace` can reach the running app, over a socket beside its file. Default true. */
  readonly control?: boolean | undefined
  /**
   * Time for which the start waits while another process has the file, milliseconds, 0 to 86,400,000, default 5,000. So
   * a deployment may begin before the last process has ended. After it the start fails with `millrace/in-use`, which
   * names the process.
   */
  readonly waitMs?: number | undefined
}

/** Options of `app.request`. */
export interface RequestOptions {
  /** Time to wait for the reply, milliseconds, 1 to 2,592,000,000 (30 days), default 30,000. */
  readonly timeoutMs?: number | undefined
  /**
   * The id of the request, as of `publish`. A repeated request with the same id sends nothing and gets the same end.
   */
  readonly id?: string | undefined
}

/** The state of a request, as {@link App.operation} gives it. */
export interface RequestOperation {
  /** The id of its command. */
  readonly id: string
  /** The type of the command. */
  readonly command: string
  /**
   * `waiting`: not ended; `held`: at the desk, where a rule or a person decides; `replied`, `refused`, `discarded` and
   * `withdrawn` are ends.
   */
  readonly state: RequestState
  /** The reply, when `state` is `'replied'`. */
  readonly reply?: unknown
  /** The refusal, when `state` is `'refused'`. */
  readonly refusal?: Said | undefined
  /** The reason, when `state` is `'discarded'` or `'withdrawn'`. */
  readonly reason?: string | undefined
  /** Its number at the desk, when `state` is `'held'`. */
  readonly item?: number | undefined
  /** When it was sent, milliseconds since 1970. */
  readonly askedAt: number
  /** When it ended, milliseconds since 1970; undefined before. */
  readonly endedAt?: number | undefined
}

/** Options of `app.stop`. */
export interface StopOptions {
  /**
   * Time for running handlers to end, milliseconds, 0 to 86,400,000, default 10,000. An attempt that has not ended then
   * is given up, nothing of it is kept, and the message is handled at the next start.
   */
  readonly graceMs?: number | undefined
}

/** A function that `app.tail` calls with each accepted message. */
export type Accepting = (message: Stored) => void

/** An application. Made by {@link app}. */
export interface App {
  /** Its name. */
  readonly name: string
  /** Its parts, as given. */
  readonly parts: readonly Part[]
  /** Its broker, as given. */
  readonly broker: Broker
  /**
   * Starts the app: opens the store, runs `setup`, finishes what the last run left, and begins to handle messages.
   * While the app stops, it waits for that first. A start that fails leaves nothing behind and may be tried again.
   *
   * @param options which parts run, and how
   * @throws wiring: `millrace/duplicate-name`, `millrace/type-on-two-topics`, `millrace/type-without-topic`,
   *   `millrace/channel-unserved`, `millrace/channel-served-twice`, `millrace/two-desks`, `millrace/unknown-part`;
   *   store: `millrace/in-use`, `millrace/locked`, `millrace/foreign-file`, `millrace/foreign-wal`,
   *   `millrace/newer-file`, `millrace/corrupt-file`, `millrace/network-file-system`, `millrace/cannot-open`,
   *   `millrace/read-only`; `millrace/already-started` while it starts or runs; `millrace/stopping` when `stop` is
   *   called before it has resolved; what `setup` throws
   *
   * @example
   * ```ts
   * const letterShop = app({ name: 'letters', broker: sqlite({ file: 'letters.db' }), parts: [Letters, letters] })
   * await letterShop.start({ waitMs: 30_000 }) // the process before may take so long to end
   * await letterShop.stop()
   * ```
   */
  start(options?: StartOptions): Promise<void>
  /**
   * Stops the app: running handlers may end within `graceMs`; the rest is given up and handled at the next start.
   * Resolves when everything is closed. It also ends a start that is under way, which rejects. Several calls wait for
   * the same end, and the shortest `graceMs` counts. A handler must not await it, because it waits for the handler.
   *
   * @param options the time for running handlers
   *
   * @example
   * ```ts
   * process.once('SIGTERM', () => shop.stop({ graceMs: 5_000 }))
   * ```
   */
  stop(options?: StopOptions): Promise<void>
  /**
   * Publishes an event. It resolves once the event is on disk, before it is handled; so what was acknowledged survives
   * a power cut. Events of one topic keep the order of the calls. With an `id`, publishing again adds nothing.
   *
   * A delayed event (`at`, `delayMs`) comes into its log once, whatever crashes, and never early; those that are due
   * together come in order of due time, then as they were accepted. Its `time` is when it comes there. What falls due
   * while the app is down comes at the next start.
   *
   * @param type an event on a topic of the app
   * @param data its data, checked against the schema
   * @param options `id`; `at` or `delayMs`
   * @returns the id, and `duplicate: true` when the id was published before with the same data
   * @throws `millrace/bad-data`, `millrace/not-json`, `millrace/bad-context`, `millrace/bad-id`, `millrace/bad-time`,
   *   `millrace/id-conflict`, `millrace/too-large`, `millrace/type-without-topic`, `millrace/wrong-verb`,
   *   `millrace/not-started`, `millrace/stopping`, `millrace/too-many-pending`, `millrace/disk-full`,
   *   `millrace/disk-low`, `millrace/disk-failed`, `millrace/files-replaced`, `millrace/locked`; `millrace/sync-failed`
   *   when it is unknown whether the event was kept: publish it again with the same `id`
   *
   * @example
   * ```ts
   * const placed = { orderId: 'o-8', customer: 'emil', sku: 'sieve', quantity: 1 }
   * await shop.publish(OrderPlaced, placed, { id: 'web/o-8' })
   * const { duplicate } = await shop.publish(OrderPlaced, placed, { id: 'web/o-8' })
   * console.assert(duplicate === true)
   * ```
   */
  publish<E extends Event>(type: E, data: DataFor<E>, options?: PublishOptions): Promise<Accepted>
  /**
   * Sends a command to its channel. It resolves once the command is on disk, before it is handled. Nobody waits for a
   * reply; for one use `request`. Order, `id` and delay are as of `publish`.
   *
   * @param type a command on a channel of the app
   * @param data its data, checked against the schema
   * @param options `id`; `at` or `delayMs`
   * @returns the id, and `duplicate: true` when the id was sent before with the same data
   * @throws as `publish`
   *
   * @example
   * ```ts
   * await shop.send(SendReminder, { orderId: 'o-8' }, { id: 'remind o-8', delayMs: 3 * 24 * 3_600_000 })
   * ```
   */
  send<C extends Command>(type: C, data: DataFor<C>, options?: PublishOptions): Promise<Accepted>
  /**
   * Sends a command and waits for its reply. Both the command and its end are on disk before the caller learns of them,
   * so the caller may die, ask again with the same `id`, and get the end of the first request: nothing is done twice.
   *
   * @param type a command on a channel of the app
   * @param data its data, checked against the schema
   * @param options `timeoutMs`: time to wait, default 30,000; `id`
   * @returns the reply, as the `reply` schema gives it; undefined for a command without one
   * @throws `Refused` (see `Refused.by`) when the processor refuses; `millrace/request-timed-out` after `timeoutMs`,
   *   while the command is handled all the same (see {@link App.operation}); `millrace/request-discarded` when it was
   *   held and then discarded; `millrace/request-withdrawn` when it was cancelled; and as `publish`
   *
   * @example
   * ```ts
   * const { left } = await shop.request(
   *   TakeStock,
   *   { orderId: 'o-8', sku: 'sieve', quantity: 1 },
   *   { id: 'take o-8', timeoutMs: 5_000 },
   * )
   * console.assert(left === 999)
   * ```
   */
  request<C extends Command>(type: C, data: DataFor<C>, options?: RequestOptions): Promise<ReplyOf<C>>
  /**
   * Tells the state of a request, for callers that no longer wait for it.
   *
   * @param id the id of the request
   * @returns the state; undefined when no request has this id, or it ended longer than `requestRetainMs` ago
   * @throws `millrace/bad-id`, `millrace/not-started`
   *
   * @example
   * ```ts
   * await shop.request(TakeStock, { orderId: 'o-8', sku: 'sieve', quantity: 1 }, { id: 'take o-8' })
   * const operation = await shop.operation('take o-8')
   * console.assert(operation?.state === 'replied')
   * ```
   */
  operation(id: string): Promise<RequestOperation | undefined>
  /**
   * Takes back a delayed message or a request. Resolves once that is on disk.
   *
   * A delayed message that was pending never comes, and its id may be used again. A request that had not ended is never
   * handled afterwards, and its caller gets `millrace/request-withdrawn`. An attempt at it that is under way cannot
   * commit, but its calls to the outside may have happened.
   *
   * @param type the type of the message
   * @param id the id of the message
   * @returns true when it was taken back; false when there is none, or it has come or ended already
   * @throws `millrace/type-without-topic`, `millrace/bad-id`, `millrace/not-started`, `millrace/stopping`,
   *   `millrace/disk-full`, `millrace/sync-failed`, `millrace/files-replaced`, `millrace/locked`
   *
   * @example
   * ```ts
   * await shop.send(SendReminder, { orderId: 'o-8' }, { id: 'remind o-8', delayMs: 3 * 24 * 3_600_000 })
   * console.assert(await shop.cancel(SendReminder, 'remind o-8'))
   * ```
   */
  cancel(type: MessageType, id: string): Promise<boolean>
  /**
   * Runs a function in one transaction: its rows and what it publishes, sends and cancels are kept together or not at
   * all. The rules of a handler's `commit` hold: it may run again, and may await nothing but `tx`.
   *
   * @param fn reads and writes rows by `tx`, and may publish, send and cancel
   * @returns what `fn` returns, once the transaction is on disk
   * @throws what `fn` throws, after which nothing is kept; `millrace/statement-failed` where it returned though a
   *   statement failed (see {@link Tx}); what the database says at COMMIT; `millrace/commit-waited`,
   *   `millrace/attempt-open`, `millrace/too-many-queries`, `millrace/denied`; and as `publish`
   *
   * @example
   * ```ts
   * const id = await shop.transaction(async (tx) => {
   *   await tx.query`insert into orders values (${'o-9'}, ${'sieve'}, 1)`
   *   return tx.publish(OrderPlaced, { orderId: 'o-9', customer: 'fay', sku: 'sieve', quantity: 1 })
   * })
   * ```
   */
  transaction<Result>(fn: (tx: AppTx) => Result | Promise<Result>): Promise<Result>
  /**
   * Reads rows outside of any transaction, with a tagged template. It never shows rows that are not on disk yet.
   *
   * @returns the rows, plain objects
   *
   * @example
   * ```ts
   * const [row] = await shop.read<{ left: number }>`select left from stock where sku = ${'sieve'}`
   * console.assert(row!.left === 1_000)
   * ```
   */
  readonly read: Query
  /**
   * Waits until every accepted message has been handled or is held at the desk. Messages that are not due yet, and
   * those of paused processors, do not count. For tests and for scripts that end.
   *
   * @throws `millrace/not-started`; `millrace/stopping` when the app is stopped before
   *
   * @example
   * ```ts
   * await shop.publish(OrderPlaced, { orderId: 'o-8', customer: 'emil', sku: 'sieve', quantity: 1 })
   * await shop.idle()
   * ```
   */
  idle(): Promise<void>
  /**
   * Tells whether the app works as it should, for a health check. It answers at once and does not throw.
   *
   * @returns `green` without reasons, or `red` with the reasons in words
   *
   * @example
   * ```ts
   * const { status, reasons } = shop.health()
   * if (status === 'red') console.error(reasons.join('; '))
   * ```
   */
  health(): { readonly status: 'green' | 'red'; readonly reasons: readonly string[] }
  /**
   * Copies the file of the app as it is at one moment, while the app works, to a path where no file is. Never copy the
   * file of a running app by other means than this or `millrace backup`: that copy lacks what is still in the `-wal`,
   * and a copy made inside this process drops the locks of the database.
   *
   * The copy is whole and on disk when this resolves; before, no file has its name. An app starts on it as after a
   * clean stop. Of an app that is not running, the file is copied as the last run left it, and a `start` waits for
   * that. `stop` gives up copies that are under way.
   *
   * @param path the copy, relative to the working folder; its folder has to exist
   * @returns where the copy is, and its size in bytes
   * @throws `millrace/backup-exists` when a file is there, or a copy to it is being made; `millrace/backup-failed`,
   *   `millrace/disk-low`, `millrace/files-replaced`; `millrace/stopping` when the app is stopped; `millrace/no-file`
   *   when its broker has no file; `millrace/no-app` when the file does not exist yet; `millrace/in-use` when another
   *   process has it; `millrace/bad-option`
   *
   * @example
   * ```ts
   * const { path, bytes } = await shop.backup('backups/shop.db')
   * console.log(`${bytes} bytes in ${path}`)
   * ```
   */
  backup(path: string): Promise<Backup>
  /**
   * Calls a function for each message that is accepted from now on, once it is on disk and in the order of each log. It
   * is for looking, not for work: nothing is kept for it, and what it throws is only logged.
   *
   * @param accepting called with the message as it is stored
   * @returns a function that ends it
   * @throws `millrace/bad-option` when it is given no function
   *
   * @example
   * ```ts
   * const end = shop.tail(({ type, id }) => console.log(type, id))
   * await shop.publish(OrderPaid, { orderId: 'o-8', pence: 995 })
   * end()
   * ```
   */
  tail(accepting: Accepting): () => void
  /** The desk: messages that failed for good, and what people do about them. */
  readonly desk: Desk
  /** The processors, and what operators do about them. */
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
 * Makes an application from its parts. It touches no file before `start`.
 *
 * @param options the name, the broker, the parts, and the bounds
 * @returns the app, not started
 * @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option`; how the parts fit together is checked
 *   by `start`
 *
 * @example
 * ```ts
 * const letterShop = app({
 *   name: 'letter-shop',
 *   broker: sqlite({ file: 'letters.db' }),
 *   parts: [Letters, letters],
 * })
 * await letterShop.start()
 * await letterShop.send(SendReminder, { orderId: 'o-1' })
 * await letterShop.stop()
 * ```
 */
export function app(options: AppOptions): App {
  checkOptions('app', options, appOptions)
  checkName('app', options.name)
  return new RunningApp(options)
}

/** Options of {@link checkFlows}. */
export interface CheckFlowsOptions {
  /** The file whose flows are checked; default: the file of the app's broker. A copy of it works too. */
  readonly file?: StoreFile | undefined
  /** Whether flows that have ended and are still kept are checked too. Default false. */
  readonly all?: boolean | undefined
}

/**
 * Checks before a deployment whether flows can continue with the code of an app: it replays their journals and does
 * nothing else. The app need not be started, and another process may have the file.
 *
 * @param app the app with the new code
 * @param options the file, and whether ended flows count
 * @returns a row for each flow, the oldest first; `result` is `fits`, `differs` or `unknown`
 * @throws `millrace/no-file` when the broker has no file; `millrace/no-app` when the file does not exist;
 *   `millrace/foreign-file`, `millrace/foreign-wal`, `millrace/newer-file`, `millrace/corrupt-file`,
 *   `millrace/cannot-open`, `millrace/unknown-option`
 *
 * @example
 * ```ts
 * for await (const { flow, result, misfit } of checkFlows(shop)) {
 *   if (result === 'differs') console.log(`flow ${flow}: ${misfit?.message}`)
 * }
 * ```
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
