import type { ServeOptions, Serving } from '../http/serving.ts'
import type { Command, DataFor, MessageType, ReplyOf } from '../model/message.ts'
import type { Metrics } from '../model/metrics.ts'
import type { Query, Tx } from '../model/tx.ts'
import type { Backup } from '../operate/backups.ts'
import type { Desk } from '../operate/desk.ts'
import type { FlowDesk } from '../operate/flows.ts'
import type { Messages } from '../operate/messages.ts'
import type { Processors } from '../operate/processors.ts'
import type { Schedules } from '../operate/schedules.ts'
import type { Tokens } from '../operate/tokens.ts'
import type { Part } from '../parts/part.ts'
import type { Broker } from '../seam/store.ts'
import type { AppTx } from './app-tx.ts'
import { type AppOptions, checkAppOptions, type StartOptions, type StopOptions } from './options.ts'
import type { Publishing, PublishingIn } from './publishing.ts'
import type { RequestOptions, RequestStatus } from './requests.ts'
import type { Running } from './run.ts'
import { RunningApp } from './running.ts'
import type { Accepting } from './tails.ts'

/** An application. Made by {@link app}. */
export interface App extends Publishing, PublishingIn, Running {
  /** Its name. */
  readonly name: string
  /** The version of its code, as given. */
  readonly version: string | undefined
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
   *   names: `millrace/renamed-or-new`, `millrace/both-names-known`;
   *   store: `millrace/in-use`, `millrace/locked`, `millrace/foreign-file`, `millrace/foreign-wal`,
   *   `millrace/newer-file`, `millrace/corrupt-file`, `millrace/network-file-system`, `millrace/cannot-open`,
   *   `millrace/read-only`; `millrace/already-started` while it starts or runs; `millrace/bad-app`
   *   while a command of `millrace` loads the file; `millrace/stopping` when `stop` is
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
   * Serves the app over HTTP, on this machine only unless `host` and `access` say otherwise. The routes are in the guide
   * "Requests and HTTP". An app that stops closes its servers: no new request is taken, and those under way are answered
   * as long as their messages are. A server may be opened before the app is started: it answers 503 until then.
   *
   * @param options the port (default 7070; 0 takes a free one), the address, who may do what, and the bounds
   * @returns where it is, and a function that closes it
   * @throws `millrace/port-in-use`, `millrace/bad-option`, `millrace/unknown-option`
   *
   * @example
   * ```ts
   * const { url, close } = await shop.serve({ port: 0 })
   * const { status } = await fetch(`${url}/health`)
   * console.assert(status === 200)
   * await close()
   * ```
   */
  serve(options?: ServeOptions): Promise<Serving>
  /**
   * Sends a command and waits for its reply. Both the command and its end are on disk before the caller learns of them,
   * so the caller may die, ask again with the same `id`, and get the end of the first request: nothing is done twice.
   *
   * It does not wait for a person: when the command is held at the desk, or stands in line behind a held message of its
   * context, the call rejects at once. The command itself stays there and is handled after a release; its end is kept
   * under its id. With `whenHeld: 'wait'` the call waits for that end, up to `timeoutMs`.
   *
   * @param type a command on a channel of the app
   * @param data its data, checked against the schema
   * @param options `timeoutMs`: time to wait, default 30,000; `whenHeld`: `'fail'` (default) or `'wait'`; `id`
   * @returns the reply, as the `reply` schema gives it; undefined for a command without one
   * @throws `Refused` (see `Refused.by`) when the processor refuses; `millrace/request-held` when it is held or behind a
   *   held message, with `data` `{ id, item }` or `{ id, behind }`: the numbers at the desk;
   *   `millrace/request-timed-out` after `timeoutMs`, while the command is handled all the same (see
   *   {@link App.requestStatus}); `millrace/request-discarded` when it was held and then discarded;
   *   `millrace/request-withdrawn` when it was cancelled; and as `publish`
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
   * const status = await shop.requestStatus('take o-8')
   * console.assert(status?.state === 'replied')
   * ```
   */
  requestStatus(id: string): Promise<RequestStatus | undefined>
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
   * Returns what the engine counts of each processor that runs: attempts by their end, their duration, the critical time
   * of messages, how far it is behind, what it holds. The counters are in memory and begin at 0 with each start, and when
   * the store of a running app is opened anew (`since`). Asking costs one short read of the store, however much waits.
   *
   * @returns values, for a page or an exporter of metrics
   * @throws `millrace/not-started`, `millrace/stopping`
   *
   * @example
   * ```ts
   * const { parts } = await shop.metrics()
   * for (const { name, lag, counts } of parts) {
   *   const { count, sumMs } = counts.critical
   *   console.log(`${name}: ${counts.handled} handled, ${counts.failed} failed, ${lag} behind, ${sumMs / count} ms on average`)
   * }
   * ```
   */
  metrics(): Promise<Metrics>
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
  /** The desk (elsewhere: dead-letter queue): messages that were not handled, and the actions of people on them. */
  readonly desk: Desk
  /** The processors, and what operators do about them. */
  readonly processors: Processors
  /** The flows of mediators, and what people do about them. */
  readonly flows: FlowDesk
  /** The messages of topics and channels, for people: lists, one message with what became of it, its story. */
  readonly messages: Messages
  /** The schedules, and the messages that come later. */
  readonly schedules: Schedules
  /** The tokens of people and programs for the HTTP server. */
  readonly tokens: Tokens
}

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
  checkAppOptions(options)
  return new RunningApp(options)
}
