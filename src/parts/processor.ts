import type { Delivers } from '../engine/consumer/exchanges.ts'
import type { ProbeLimits } from '../engine/consumer/probing.ts'
import { type RetryPolicy, retryNumbers } from '../engine/consumer/retry.ts'
import type { AlertWatch } from '../model/alerts.ts'
import { fault } from '../model/errors.ts'
import type { Command, DataFor, Destination, Event, Message, MessageType, ReplyOf } from '../model/message.ts'
import { own } from '../model/names.ts'
import { checkOptions, limit, type Optional } from '../model/options.ts'
import { shownValue } from '../model/people.ts'
import type { PublishOptions } from '../model/publish.ts'
import type { StartAt } from '../model/streams.ts'
import type { Query, Tx } from '../model/tx.ts'
import {
  checkByType,
  checkOnDestination,
  checkOwner,
  checkPart,
  checkRenamedFrom,
  checkStartAt,
  checkTable,
  type RenamedFrom,
} from './check.ts'

declare const committed: unique symbol

/** The result of `commit`, which the handler must return. It is not a promise: there is nothing to await. */
export interface Committed<Result> {
  readonly [committed]: Result
}

/** Writes lines for operators. Each line has the processor, and the type, id and flow of the message. */
export interface Log {
  /**
   * Writes a line at level `info`.
   *
   * @param text the line, for operators
   * @param fields facts beside it, as JSON
   *
   * @example
   * ```ts
   * log.info('label printed', { orderId: order.orderId })
   * ```
   */
  info(text: string, fields?: Readonly<Record<string, unknown>>): void
  /**
   * Writes a line at level `warn`.
   *
   * @param text the line, for operators
   * @param fields facts beside it, as JSON
   *
   * @example
   * ```ts
   * if (order.quantity > 100) log.warn('large order', { quantity: order.quantity })
   * ```
   */
  warn(text: string, fields?: Readonly<Record<string, unknown>>): void
  /**
   * Writes a line at level `error`.
   *
   * @param text the line, for operators
   * @param fields facts beside it, as JSON
   *
   * @example
   * ```ts
   * if (order.sku === '') log.error('no article', { orderId: order.orderId })
   * ```
   */
  error(text: string, fields?: Readonly<Record<string, unknown>>): void
}

/** The declared types; where none are declared, an error to read. */
type Declared<T extends MessageType, Option extends string> = [T] extends [never]
  ? { error: `the processor may not do this: name the type in \`${Option}\`` }
  : T

type DeclaredAny<T extends MessageType> = [T] extends [never]
  ? { error: 'the processor may not do this: name the type in `publishes` or `sends`' }
  : T

/** The second argument of a handler. Each member may be taken out by destructuring. */
export interface Context<P extends Event, S extends Command> {
  /**
   * Writes rows in the transaction that acknowledges the message. `fn` runs after the handler has returned. Its rows,
   * the messages of the handler and the acknowledgement are kept together or not at all. Call it at most once per
   * attempt and return its result. `fn` may run again when the transaction is repeated, and may await nothing but `tx`.
   *
   * @param fn reads and writes rows by `tx`, and may publish and send
   * @returns a value to return from the handler; the result of `fn` is the reply of a command
   * @throws in the attempt: what `fn` throws, and errors of the database at COMMIT; the attempt then fails
   *
   * @example
   * ```ts
   * return commit(async (tx) => {
   *   await tx.query`insert into orders values (${order.orderId}, ${order.sku}, ${order.quantity})`
   *   publish(OrderShipped, { orderId: order.orderId })
   * })
   * ```
   */
  commit<Result>(fn: (tx: Tx) => Result | Promise<Result>): Committed<Result>
  /**
   * Collects an event, to be published with the commit or not at all: a transactional outbox. Call it before the
   * handler returns or in its commit. Events of one attempt keep their order.
   *
   * @param type an event in `publishes`
   * @param data its data, checked at once
   * @param options an `id`, which makes it idempotent as with `app.publish`; `at` or `delayMs` for a delayed event,
   *   where `delayMs` counts from this call. An `id` with other data than before fails the attempt with
   *   `millrace/id-conflict`
   * @returns the id of the event: the given one, or a new one
   * @throws `millrace/bad-data`, `millrace/undeclared`, `millrace/too-large`, `millrace/bad-id`, `millrace/bad-time`,
   *   `millrace/after-end`
   *
   * @example
   * ```ts
   * publish(OrderShipped, { orderId: order.orderId })
   * ```
   */
  publish<E extends Declared<P, 'publishes'>>(type: E, data: DataFor<E>, options?: PublishOptions): string
  /**
   * Collects a command, to be sent with the commit or not at all. Nobody waits for a reply.
   *
   * @param type a command in `sends`
   * @param data its data, checked at once
   * @param options as of `publish`
   * @returns the id of the command: the given one, or a new one
   * @throws as `publish`
   *
   * @example
   * ```ts
   * send(SendReminder, { orderId: order.orderId }, { id: `remind ${order.orderId}`, delayMs: 3 * 24 * 3_600_000 })
   * ```
   */
  send<C extends Declared<S, 'sends'>>(type: C, data: DataFor<C>, options?: PublishOptions): string
  /**
   * Takes back a delayed message, or a request, with the commit or not at all. Unlike `app.cancel` it does not tell
   * whether there was one. A message that does not exist, or has already come, is left as it is. A message that this
   * attempt collected under that id before the call is dropped; one that it collects afterwards is sent. So `cancel`
   * and then `publish` moves a delayed message.
   *
   * @param type a type in `publishes` or `sends`
   * @param id the id of the message
   * @throws `millrace/undeclared`, `millrace/bad-id`, `millrace/after-end`
   *
   * @example
   * ```ts
   * cancel(SendReminder, `remind ${order.orderId}`)
   * ```
   */
  cancel<T extends DeclaredAny<P | S>>(type: T, id: string): void
  /**
   * Reads rows outside the transaction, with a tagged template. It never shows rows that are not on disk yet.
   *
   * @example
   * ```ts
   * const [row] = await read<{ left: number }>`select left from stock where sku = ${order.sku}`
   * if (row!.left < order.quantity) log.warn('stock is low', { sku: order.sku })
   * ```
   */
  readonly read: Query
  /** Aborts when the attempt is over: its time is up, or the app stops. Pass it to `fetch` and the like. */
  readonly signal: AbortSignal
  /** The same string for each attempt at this message by this processor. Pass it to the services that you call. */
  readonly idempotencyKey: string
  /**
   * The number of this attempt, from 1, as retries and the desk count them: one more than the attempts that failed since
   * the message came, or was released or resubmitted. Restarts and crashes keep it. An attempt that a crash ended, and a
   * probe, count for nothing: the next attempt has the same number.
   */
  readonly attempt: number
  /**
   * Returns the time, by the clock of the app; a simulation has its own. Use it instead of `Date.now`.
   *
   * @returns milliseconds since 1970
   *
   * @example
   * ```ts
   * log.info('order handled', { ageMs: now() - message.time })
   * ```
   */
  now(): number
  /** Writes lines for operators. */
  readonly log: Log
}

// A handler without a result may return what `publish` and `send` return: `(message, { publish }) => publish(…)`.
type Returned<T extends MessageType> = T extends Command
  ? // biome-ignore lint/suspicious/noConfusingVoidType: the reply of a command without one
    void extends ReplyOf<T>
    ? ReplyOf<T> | string | Committed<ReplyOf<T> | string>
    : ReplyOf<T> | Committed<ReplyOf<T>>
  : // biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing
    void | string | Committed<unknown>

/** Handles one type. It returns the reply of a command, nothing for an event, or the result of `commit`. */
export type Handler<T extends MessageType, P extends Event, S extends Command> = (
  message: Message<T>,
  context: Context<P, S>,
) => Returned<T> | Promise<Returned<T>>

type Named<T extends MessageType, Name> = Extract<T, { readonly name: Name }>

/** Handlers by the name of the type. On a topic each is optional, on a channel each is required. */
export type Handlers<T extends MessageType, P extends Event, S extends Command> = [T] extends [Event]
  ? { readonly [Name in T['name']]?: Handler<Named<T, Name>, P, S> }
  : { readonly [Name in T['name']]: Handler<Named<T, Name>, P, S> }

/** Options of {@link processor}. */
export interface ProcessorOptions<T extends MessageType, P extends readonly Event[], S extends readonly Command[]>
  extends Optional<ProbeLimits> {
  /** The topic it reacts to, or the channel it serves. */
  readonly on: Destination<T>
  /** The events that its handlers may publish. */
  readonly publishes?: P | undefined
  /** The commands that its handlers may send. */
  readonly sends?: S | undefined
  /** The most handlers running at once, 1 to 10,000, default 16; within a context always one at a time. */
  readonly concurrency?: number | undefined
  /**
   * Time for one attempt, milliseconds, 1 to 86,400,000, default 30,000. After it the attempt fails and cannot commit.
   */
  readonly timeoutMs?: number | undefined
  /**
   * Time to wait for an attempt that exceeded `timeoutMs` before the next begins, milliseconds, 0 to 86,400,000,
   * default 30,000.
   */
  readonly lingerMs?: number | undefined
  /**
   * The policy for repeating failed attempts. Default: 5 attempts; the first wait is 200 ms and doubles up to 30,000
   * ms; half of each wait is random. The lane waits during that time. Waits are kept on disk and survive restarts.
   */
  readonly retry?: Optional<RetryPolicy> | undefined
  /**
   * The behaviour of a lane when its message is held. `'block'` (default): it waits until the message is resolved.
   * `'pass'`: it continues with the next message, still one at a time, and only the held message loses its place in the
   * order.
   */
  readonly onHold?: 'block' | 'pass' | undefined
  /**
   * The starting point of a new processor: `'beginning'` (default), `'now'` or a date. One that was renamed needs
   * `renamedFrom` instead.
   */
  readonly startAt?: StartAt | undefined
  /**
   * The earlier name of a processor that was renamed, or a list of them. At its first start under the new name it takes over
   * what the old one had: its progress, its messages at the desk, its attempts, its pause and its idempotency keys. Keep it until every store has been started with the new name once.
   */
  readonly renamedFrom?: RenamedFrom | undefined
  /** Who answers for it, in words for people, 1 to 200 characters: a team, an address, a channel. */
  readonly owner?: string | undefined
  /**
   * True where people may try a held message: its handler runs with the data as they are or corrected, and everything that it
   * has written, published and sent is taken back. Say it only if the handler does no more than read outside `commit`:
   * what it does to other systems cannot be taken back. Default false.
   */
  readonly trial?: boolean | undefined
  /** The handlers, by the name of the type. */
  readonly handle: Handlers<T, P[number], S[number]>
}

/** A processor as a part of an app. */
export interface Processor extends ProbeLimits {
  readonly kind: 'processor'
  readonly name: string
  readonly on: Destination
  readonly publishes: readonly Event[]
  readonly sends: readonly Command[]
  readonly concurrency: number
  readonly timeoutMs: number
  readonly lingerMs: number
  readonly retry: RetryPolicy
  readonly onHold: 'block' | 'pass'
  /** Undefined where nothing is said: it begins at the beginning. */
  readonly startAt: StartAt | undefined
  /** Its earlier names. */
  readonly renamedFrom: readonly string[]
  /** True where people may run its handlers for a trial. */
  readonly trial?: boolean | undefined
  /** Who answers for it; undefined where nothing is said. */
  readonly owner: string | undefined
  readonly handle: Readonly<Record<string, unknown>>
  /** The part that it runs for, where it is not a part itself. */
  readonly partOf?: string | undefined
  /** The kind of that part. */
  readonly partKind?: 'mediator' | 'route' | 'gather' | undefined
  /** True where its channel, and the one type of that, have its name. */
  readonly ownsChannel?: boolean | undefined
  /** True where its handlers only compute, as those of mediators and routes do. */
  readonly runsAhead?: boolean | undefined
  /** The other system that it delivers to. */
  readonly delivers?: Delivers | undefined
  /** What it watches for, where it sends alerts. */
  readonly watch?: AlertWatch | undefined
}

const known = [
  'on',
  'publishes',
  'sends',
  'concurrency',
  'timeoutMs',
  'lingerMs',
  'retry',
  'onHold',
  'probeAfter',
  'probeFirstMs',
  'probeEveryMs',
  'probeMaxMs',
  'startAt',
  'renamedFrom',
  'owner',
  'trial',
  'handle',
]

/**
 * Declares a processor (elsewhere: consumer, subscriber, worker): it reacts to the events of a topic, or serves the
 * commands of a channel. Messages of one context are handled one at a time and in order. Messages of different contexts
 * are handled side by side.
 *
 * Each message is handled until an attempt commits. The rows and messages of that attempt are kept once, despite any
 * crash. A failed attempt is repeated by `retry`. When the attempts are used up, or the handler throws `Refused`, the
 * message goes to the desk, and its lane waits (see `onHold`).
 *
 * @param name a name as of `event`, unique in the app
 * @param options the topic or channel, the types it may publish and send, the bounds, and the handlers
 * @returns the processor, a part of an app
 * @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option`, `millrace/unknown-handler`;
 *   `millrace/missing-handler` when a command of the channel has none
 *
 * @example
 * ```ts
 * const shipping = processor('shipping', {
 *   on: Orders,
 *   publishes: [OrderShipped],
 *   retry: { attempts: 5, firstDelayMs: 1_000 },
 *   handle: {
 *     'order.placed': ({ data: { orderId, sku, quantity } }, { commit, publish }) =>
 *       commit(async (tx) => {
 *         await tx.query`insert into orders values (${orderId}, ${sku}, ${quantity})`
 *         publish(OrderShipped, { orderId })
 *       }),
 *   },
 * })
 * ```
 */
export function processor<
  T extends MessageType,
  const P extends readonly Event[] = [],
  const S extends readonly Command[] = [],
>(name: string, options: ProcessorOptions<T, P, S>): Processor {
  const where = checkPart('processor', name, options, known)
  const { on, publishes = [], sends = [], startAt, retry = {}, onHold = 'block', trial = false } = options
  checkOnDestination(where, on)
  checkHandlers(where, on, options.handle as Readonly<Record<string, unknown>>)
  checkTypes(`${where}: publishes`, 'event', publishes)
  checkTypes(`${where}: sends`, 'command', sends)
  checkStartAt(where, startAt)
  const renamedFrom = checkRenamedFrom(where, name, options.renamedFrom)
  if (onHold !== 'block' && onHold !== 'pass') {
    throw fault('millrace/bad-option', `${where}: onHold is ${JSON.stringify(onHold)}, but must be 'block' or 'pass'`)
  }
  if (typeof trial !== 'boolean') {
    throw fault('millrace/bad-option', `${where}: trial is ${shownValue(trial)}, but must be true or false`)
  }
  return Object.freeze({
    kind: 'processor',
    name,
    on,
    publishes,
    sends,
    concurrency: limit(where, 'concurrency', options.concurrency),
    timeoutMs: limit(where, 'timeoutMs', options.timeoutMs),
    lingerMs: limit(where, 'lingerMs', options.lingerMs),
    retry: policyOf(`${where}: retry`, retry),
    onHold,
    probeAfter: limit(where, 'probeAfter', options.probeAfter),
    probeFirstMs: limit(where, 'probeFirstMs', options.probeFirstMs),
    probeEveryMs: limit(where, 'probeEveryMs', options.probeEveryMs),
    probeMaxMs: limit(where, 'probeMaxMs', options.probeMaxMs),
    startAt,
    renamedFrom,
    trial,
    owner: checkOwner(where, options.owner),
    handle: options.handle as Readonly<Record<string, unknown>>,
  })
}

function policyOf(where: string, options: Optional<RetryPolicy>): RetryPolicy {
  checkOptions(where, options, [...retryNumbers, 'byError'])
  const { byError } = options
  if (byError !== undefined && typeof byError !== 'function') {
    throw fault('millrace/bad-option', `${where}: byError must be a function from a failed attempt to other numbers`)
  }
  const number = (name: (typeof retryNumbers)[number]) => limit(where, name, options[name])
  return {
    attempts: number('attempts'),
    immediate: number('immediate'),
    firstDelayMs: number('firstDelayMs'),
    maxDelayMs: number('maxDelayMs'),
    factor: number('factor'),
    jitter: number('jitter'),
    byError,
  }
}

function checkHandlers(where: string, on: Destination, handle: Readonly<Record<string, unknown>>): void {
  checkTable(where, { option: 'handle', one: 'function' }, handle)
  checkByType(where, 'handler', on, handle)
  if (on.kind === 'topic') return
  const missing = on.types.map(({ name }) => name).find((name) => typeof own(handle, name) !== 'function')
  if (missing !== undefined) {
    throw fault('millrace/missing-handler', `${where}: no handler for command "${missing}" of channel "${on.name}"`)
  }
}

function checkTypes(where: string, kind: string, types: readonly MessageType[]): void {
  if (!Array.isArray(types)) throw fault('millrace/bad-option', `${where} must be a list`)
  types.forEach((type, index) => {
    if (type?.kind !== kind) throw fault('millrace/bad-option', `${where}: entry ${index} is no ${kind}`)
  })
}
