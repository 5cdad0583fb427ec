import { withAttempt } from '../engine/consumer/handler-context.ts'
import { routes } from '../engine/flow/handlers.ts'
import { fault } from '../model/errors.ts'
import type { Command, DataFor, Destination, Event, Message, MessageType } from '../model/message.ts'
import type { PublishOptions } from '../model/publish.ts'
import type { StartAt } from '../model/streams.ts'
import type { Query } from '../model/tx.ts'
import {
  checkOnTopic,
  checkOwner,
  checkPart,
  checkRenamedFrom,
  checkStartAt,
  checkTable,
  type RenamedFrom,
} from './check.ts'
import type { AnyMediator, StartedBy } from './mediator.ts'
import { type Processor, processor } from './processor.ts'

type Declared<T, Option extends string> = [T] extends [never]
  ? { error: `the route may not do this: name it in \`${Option}\`` }
  : T

/** The second argument of a route. It forwards a message. */
export interface To<S extends Command, M> {
  /**
   * Sends a command, together with the acknowledgement or not at all.
   *
   * @param type a command in `sends`
   * @param data its data, checked at once
   * @param options an `id`; `at` or `delayMs` for a delayed command
   * @returns the id of the command: the given one, or a new one
   * @throws `millrace/undeclared`, `millrace/bad-data`, `millrace/bad-context`, `millrace/bad-id`, `millrace/bad-time` and
   *   as of publishing, and later `millrace/id-conflict`: the message of the route is tried again, and held in the end
   *
   * @example
   * ```ts
   * if (order.quantity > 100) to.send(SendReminder, { orderId: order.orderId })
   * ```
   */
  send<C extends Declared<S, 'sends'>>(type: C, data: DataFor<C>, options?: PublishOptions): string
  /**
   * Starts a flow of a mediator, together with the acknowledgement or not at all. `oncePer` and `serial` of the mediator
   * apply.
   *
   * @param mediator a mediator in `starts`
   * @param data data of its `startedBy`
   * @throws `millrace/undeclared`; later `millrace/unknown-part` where the mediator does not run, `millrace/bad-data`: the
   *   message of the route is tried again, and held in the end
   *
   * @example
   * ```ts
   * to.start(delivery, { orderId: order.orderId })
   * ```
   */
  start<O extends Declared<M, 'starts'>>(mediator: O, data: DataFor<StartedBy<O>>): void
  /**
   * Reads rows, with a tagged template. It never shows rows that are not on disk yet.
   *
   * @example
   * ```ts
   * const [row] = await to.read<{ left: number }>`select left from stock where sku = ${order.sku}`
   * if (row!.left >= order.quantity) to.start(delivery, { orderId: order.orderId })
   * ```
   */
  readonly read: Query
}

type Named<T extends MessageType, Name> = Extract<T, { readonly name: Name }>

/** Options of {@link route}. */
export interface RouteOptions<T extends MessageType, S extends readonly Command[], M extends readonly AnyMediator[]> {
  /** The topic whose events it forwards. */
  readonly on: Destination<T>
  /** The commands that it may send. */
  readonly sends?: S | undefined
  /** The mediators whose flows it may start. */
  readonly starts?: M | undefined
  /** The starting point of a new route: `'beginning'` (default), `'now'` or a date. */
  readonly startAt?: StartAt | undefined
  /**
   * The earlier name of a route that was renamed, or a list of them. At its first start under the new name it takes over
   * what the old one had: its progress, its messages at the desk and its pause. Keep it until every store has been started with the new name once.
   */
  readonly renamedFrom?: RenamedFrom | undefined
  /** Who answers for it, in words for people, 1 to 200 characters: a team, an address, a channel. */
  readonly owner?: string | undefined
  /** Functions by type that choose the destination of a message: none, one or several. */
  readonly handle: {
    readonly [Name in T['name']]?: (message: Message<Named<T, Name>>, to: To<S[number], M[number]>) => unknown
  }
}

/** A route as a part of an app. */
export interface Route {
  readonly kind: 'route'
  readonly name: string
  readonly on: Destination
  readonly starts: readonly AnyMediator[]
  readonly processor: Processor
}

const concurrency = 256
const known = ['on', 'sends', 'starts', 'startAt', 'renamedFrom', 'owner', 'handle']

/**
 * Declares a route, the simple mediator (a content-based router): it chooses the destination of a message and keeps no
 * state. Its messages leave in the commit that acknowledges the message: once, despite any crash.
 *
 * @param name a name as of `event`, unique in the app
 * @param options the topic, the types it may send and start, and a function per type
 * @returns the route, a part of an app
 * @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option`, `millrace/unknown-handler`
 *
 * @example
 * ```ts
 * const dispatch = route('dispatch', {
 *   on: Orders,
 *   sends: [SendReminder],
 *   starts: [fulfilment],
 *   handle: {
 *     'order.placed': ({ data }, to) => to.start(fulfilment, data),
 *     'order.paid': ({ data: { orderId, pence } }, to) => pence === 0 && to.send(SendReminder, { orderId }),
 *   },
 * })
 * ```
 */
export function route<
  T extends Event,
  const S extends readonly Command[] = [],
  const M extends readonly AnyMediator[] = [],
>(name: string, options: RouteOptions<T, S, M>): Route {
  const where = checkPart('route', name, options, known)
  const { on, sends = [] as unknown as S, startAt, renamedFrom, owner } = options
  const starts: readonly AnyMediator[] = options.starts ?? []
  checkOnTopic(where, on)
  for (const one of starts) {
    if (one?.kind !== 'mediator') throw fault('millrace/bad-option', `${where}: starts must be mediators`)
  }
  const { handle: choices = {} } = options
  checkTable(where, { option: 'handle', one: 'function' }, choices)
  const handlers = Object.entries(choices as Readonly<Record<string, Choose | undefined>>)
  const spec = { name, starts: new Set(starts.map((one) => one.spec)) }
  const handle = Object.fromEntries(
    handlers.map(([type, choose]) => [type, typeof choose === 'function' ? withAttempt(routes(spec, choose)) : choose]),
  )
  checkStartAt(where, startAt)
  checkRenamedFrom(where, name, renamedFrom)
  checkOwner(where, owner)
  const runs: Processor = {
    ...processor(name, { on, sends, concurrency, startAt, renamedFrom, owner, handle: handle as never }),
    partKind: 'route',
    runsAhead: true,
  }
  return Object.freeze({ kind: 'route', name, on, starts, processor: runs })
}

type Choose = (message: Message, to: unknown) => unknown
