import { withAttempt } from '../engine/consumer/handler-context.ts'
import { startsFlow, takesMail } from '../engine/flow/handlers.ts'
import type { FlowFunction, MediatorSpec, StepResult } from '../engine/flow/host.ts'
import type { AskOptions, CallOptions, RaceOptions } from '../engine/flow/options.ts'
import { checkContext } from '../model/codec.ts'
import { fault } from '../model/errors.ts'
import type { Command, DataFor, DataOf, Destination, Event, Message, MessageType, ReplyOf } from '../model/message.ts'
import type { AnySchema, Output } from '../model/schema.ts'
import type { StartAt } from '../model/streams.ts'
import type { Delay } from '../model/time.ts'
import { checkOnTopic, checkOwner, checkPart, checkRenamedFrom, checkStartAt, type RenamedFrom } from './check.ts'
import { type Processor, processor } from './processor.ts'

/** An event that flows wait for: of their own context, or of the context that `flow` computes from its data. */
export type Awaited_<W extends Event> = W | { readonly on: W; readonly flow: (data: DataOf<W>) => string }

type Declared<T, Option extends string> = [T] extends [never]
  ? { error: `the mediator may not do this: name it in \`${Option}\`` }
  : T

/** The return type of a mediator's function: the result of `flow.subflow`. */
export type ResultOf<M> = M extends Mediator<Event, infer Result> ? Result : never
/** The type of the event that starts flows of a mediator. */
export type StartedBy<M> = M extends Mediator<infer E, unknown> ? E : never

/** Options of `flow.subflow`. */
export interface SubflowOptions<Result> {
  /** Time for the subflow to end, milliseconds, default no limit. After it the subflow is cancelled. */
  readonly timeoutMs?: number | undefined
  /** Compensates the subflow when this flow fails or is cancelled. A subflow that has not ended is cancelled first. */
  readonly undo?: ((result: StepResult<Result>) => unknown) | undefined
}

/**
 * The second argument of a mediator's `run`: every step of a flow goes through it.
 *
 * Each step is written to the journal of the flow before it leaves, and its result before the function gets it. After a
 * crash the function runs again from its beginning. Steps in the journal are not repeated: their results are read from
 * it. So the function must take the same path each time, and await nothing but its steps.
 *
 * A step's name has 1 to 1,024 characters and does not begin with `undo `; the second step of the same name is shown as
 * `name#2`. Invalid arguments throw inside `run`, before the step begins: `millrace/bad-step` (name),
 * `millrace/undeclared` (a type or mediator that the options do not list), `millrace/bad-data`, `millrace/not-json`,
 * `millrace/too-large`, `millrace/bad-context`, `millrace/bad-option`, `millrace/unknown-option`, `millrace/bad-time`.
 * Times are milliseconds, from 0 to 100 years; fractions are rounded up. A function that awaits something else is
 * paused with `millrace/flow-waits-outside`.
 */
export interface FlowContext<S extends Command, W extends Event, P extends Event, M = never> {
  /**
   * Sends a command and waits for its reply. The command is handled once, despite any crash.
   *
   * With `undo` the call is compensated when the flow fails or is cancelled. Undos run one after the other, last step
   * first. Each learns whether its call was `done`, with the reply, or `unknown`. A command that has not begun is
   * withdrawn instead. An undo may use every step that the function may. A call without an undo is not withdrawn when
   * the flow ends.
   *
   * @param name the name of the step
   * @param type a command in `sends`
   * @param data its data
   * @param options `timeoutMs`: time for the reply, default no limit, after which the command is withdrawn; `retry`:
   *   further calls after any error but a refusal, default none; `undo`
   * @returns the reply, with the output type of the `reply` schema
   * @throws `Refused` when the processor refuses (see `Refused.by`); `millrace/step-timed-out` after `timeoutMs`;
   *   `millrace/request-discarded` when the command was held and then discarded
   *
   * @example
   * ```ts
   * const { left } = await flow.call('take stock', TakeStock, order, {
   *   timeoutMs: 60_000,
   *   undo: ({ state }) => (state === 'done' ? flow.call('give back', GiveBackStock, order) : undefined),
   * })
   * if (left < 10) flow.send(SendReminder, { orderId: order.orderId })
   * ```
   */
  call<C extends Declared<S, 'sends'>>(
    name: string,
    type: C,
    data: DataFor<C>,
    options?: CallOptions<ReplyOf<C>>,
  ): Promise<ReplyOf<C>>
  /**
   * Sends a command once, despite any crash, and waits for nothing.
   *
   * @param type a command in `sends`
   * @param data its data
   * @param delay `at` or `delayMs` for a delayed command; default: at once
   *
   * @example
   * ```ts
   * flow.send(SendReminder, { orderId: order.orderId }, { delayMs: 24 * 3_600_000 })
   * ```
   */
  send<C extends Declared<S, 'sends'>>(type: C, data: DataFor<C>, delay?: Delay): void
  /**
   * Publishes an event once, despite any crash.
   *
   * @param type an event in `publishes`
   * @param data its data
   * @param delay `at` or `delayMs` for a delayed event; default: at once
   *
   * @example
   * ```ts
   * flow.publish(OrderShipped, { orderId: order.orderId })
   * ```
   */
  publish<E extends Declared<P, 'publishes'>>(type: E, data: DataFor<E>, delay?: Delay): void
  /**
   * Waits for the next event of a type, of this flow's context or of the context that `waits` computes. An event that
   * came before the call counts too, while it is kept (`mailboxMs` of the app, 7 days). A flow gets each event once,
   * oldest first.
   *
   * @param name the name of the step
   * @param type an event in `waits`
   * @param options `timeoutMs`: time to wait, default no limit
   * @returns the message
   * @throws `millrace/step-timed-out` after `timeoutMs`
   *
   * @example
   * ```ts
   * const paid = await flow.wait('payment', OrderPaid, { timeoutMs: 7 * 24 * 3_600_000 })
   * if (paid.data.pence > 0) flow.publish(OrderShipped, { orderId: order.orderId })
   * ```
   */
  wait<E extends Declared<W, 'waits'>>(
    name: string,
    type: E,
    options?: { readonly timeoutMs?: number | undefined },
  ): Promise<E extends Event ? Message<E> : never>
  /**
   * Waits for a time. The time is kept on disk, so it may be months and the process may be down in between. A time that
   * passes while the process is down ends at the next start.
   *
   * @param name the name of the step
   * @param ms the time, milliseconds, 0 to 100 years
   *
   * @example
   * ```ts
   * await flow.sleep('cooling-off period', 3 * 24 * 3_600_000)
   * ```
   */
  sleep(name: string, ms: number): Promise<void>
  /**
   * Asks a person and waits for the answer, given by `app.flows.answer` or `millrace flows answer`. An answer that does
   * not fit the schema is refused at once; the question stays open.
   *
   * @param name the name of the step; an answer names it
   * @param options `schema` of the answer; `title`: the question; `to`: a person or team; `timeoutMs`: time for an
   *   answer, default no limit; `escalate`: the person or team to ask `afterMs` milliseconds later
   * @returns the answer, with the output type of the schema
   * @throws `millrace/step-timed-out` after `timeoutMs`
   *
   * @example
   * ```ts
   * const { yes } = await flow.ask('approve', {
   *   schema: z.object({ yes: z.boolean() }),
   *   title: `Sell ${order.quantity} to ${order.customer}?`,
   *   to: 'sales',
   *   escalate: { afterMs: 4 * 3_600_000, to: 'head of sales' },
   * })
   * if (!yes) throw new Refused('sales has said no')
   * ```
   */
  ask<A extends AnySchema>(name: string, options: AskOptions<A>): Promise<Output<A>>
  /**
   * Starts a flow of another mediator, once, and waits for its end.
   *
   * @param name the name of the step
   * @param mediator a mediator in `starts`
   * @param data data of its `startedBy`
   * @param options `timeoutMs`: time for its end, default no limit, after which it is cancelled; `undo`: compensates it
   *   when this flow fails or is cancelled; a subflow that has not ended is cancelled first
   * @returns the result of its function
   * @throws `millrace/subflow-failed` when it ends in any other way, with `{ flow, state, error }` as `data` and, where
   *   it was refused, the `Refused` as `cause`; `millrace/step-timed-out` after `timeoutMs`
   *
   * @example
   * ```ts
   * const { parcel } = await flow.subflow('deliver', delivery, { orderId: order.orderId })
   * return { parcel }
   * ```
   */
  subflow<O extends Declared<M, 'starts'>>(
    name: string,
    mediator: O,
    data: DataFor<StartedBy<O>>,
    options?: SubflowOptions<ResultOf<O>>,
  ): Promise<ResultOf<O>>
  /**
   * Waits for several steps that run side by side: `Promise.all` for flows. After the first failure the other branches
   * continue.
   *
   * @param branches promises; a function is refused, because nobody calls it
   * @returns all results, in order
   * @throws the first failure; `millrace/bad-option` for a function
   *
   * @example
   * ```ts
   * const [{ left }, { receipt }] = await flow.all([
   *   flow.call('take stock', TakeStock, order),
   *   flow.call('charge', ChargeCard, { orderId: order.orderId, pence: 995 }),
   * ])
   * return { left, receipt }
   * ```
   */
  all<const T extends readonly unknown[]>(branches: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>
  /**
   * Waits for the first of several branches to end. With `losers: 'withdraw'` the others are taken back: their commands
   * are withdrawn, and their waits, times and questions end. The flow does not end before that is done. By default they
   * continue and their results are ignored, as with `Promise.race`.
   *
   * @param branches promises, or functions that are called at once; with `'withdraw'` each must be a function
   * @param options `losers`: `'continue'` (default) or `'withdraw'`
   * @returns the result of the first branch that ends
   * @throws its failure, where it failed; `millrace/bad-option` where `'withdraw'` is given a branch that is not a
   *   function
   *
   * @example
   * ```ts
   * const paid = await flow.race(
   *   [() => flow.wait('payment', OrderPaid), () => flow.sleep('three days', 3 * 24 * 3_600_000)],
   *   { losers: 'withdraw' },
   * )
   * if (paid === undefined) flow.send(SendReminder, { orderId: order.orderId })
   * ```
   */
  race<const T extends readonly unknown[]>(
    branches: T,
    options?: RaceOptions,
  ): Promise<Awaited<T[number] extends infer B ? (B extends () => infer R ? Awaited<R> : Awaited<B>) : never>>
  /**
   * Runs a function for each item, a bounded number at once. After a failure no further item begins.
   *
   * @param items the items
   * @param fn called with an item and its index; it may use every step
   * @param options `limit`: functions at once, 1 to 10,000, default 16
   * @returns the results, in the order of the items
   * @throws the first failure; `millrace/bad-option`
   *
   * @example
   * ```ts
   * const left = await flow.map(['sieve', 'funnel'], async (sku) => {
   *   const taken = await flow.call(`take ${sku}`, TakeStock, { ...order, sku, quantity: 1 })
   *   return taken.left
   * })
   * if (left.some((one) => one < 10)) flow.send(SendReminder, { orderId: order.orderId })
   * ```
   */
  map<Item, Result>(
    items: readonly Item[],
    fn: (item: Item, index: number) => Promise<Result> | Result,
    options?: { readonly limit?: number | undefined },
  ): Promise<Result[]>
  /**
   * Marks the point of no return: from here on nothing is undone, and the flow cannot be cancelled. When it fails later
   * it is stuck until a person resumes it. Then the step whose error the function threw is done again as if it had not
   * failed. Steps that the function began because of that error no longer count.
   *
   * @example
   * ```ts
   * await flow.call('take stock', TakeStock, order, { undo: () => flow.call('give back', GiveBackStock, order) })
   * flow.noReturn() // who has paid gets the goods
   * await flow.call('charge', ChargeCard, { orderId: order.orderId, pence: 995 })
   * ```
   */
  noReturn(): void
  /**
   * Guards a small change of the code, so that pending flows still fit their journals. Every call is journalled
   * separately; call it once before a loop, not inside.
   *
   * @param change the name of the change, as of a step
   * @param latest the newest version of it, a whole number from 1, default 1
   * @returns `latest` in a flow that reaches this call for the first time; the earlier value in a flow that replays it;
   *   0 in a flow that passed this place before the change
   *
   * @example
   * ```ts
   * if (flow.version('remind first') === 1) flow.send(SendReminder, { orderId: order.orderId })
   * ```
   */
  version(change: string, latest?: number): number
  /**
   * Continues as a new flow of this mediator, which keeps the journal of an endless task short. The new flow begins in
   * the commit in which the function returns; it does not begin where the function throws. Of two calls the last
   * counts.
   *
   * The new flow takes over the value of `oncePer`, the turn of a serial context and the flow that waits for this one.
   * Unless its context differs, it also takes over the events that this one has not had. When it fails, the steps of
   * this one are not undone.
   *
   * @param data the data of the new flow, as of `startedBy`
   *
   * @example
   * ```ts
   * await flow.call('take one', TakeStock, { ...order, quantity: 1 })
   * if (order.quantity > 1) return flow.continueAs({ ...order, quantity: order.quantity - 1 })
   * ```
   */
  // biome-ignore lint/suspicious/noExplicitAny: checked by the schema of startedBy
  continueAs(data: any): void
  /**
   * Returns the time. Use it instead of `Date.now`: it is the same in every replay.
   *
   * @returns milliseconds since 1970
   *
   * @example
   * ```ts
   * const began = flow.now()
   * await flow.call('take stock', TakeStock, order)
   * return { tookMs: flow.now() - began }
   * ```
   */
  now(): number
  /**
   * Returns a random number. Use it instead of `Math.random`: it is the same in every replay.
   *
   * @returns a number from 0, below 1
   *
   * @example
   * ```ts
   * if (flow.random() < 0.1) flow.send(SendReminder, { orderId: order.orderId })
   * ```
   */
  random(): number
  /**
   * Returns a new id. Use it instead of `crypto.randomUUID`: it is the same in every replay.
   *
   * @returns a time-ordered id (UUIDv7)
   *
   * @example
   * ```ts
   * return { voucher: flow.id() }
   * ```
   */
  id(): string
}

type Run<E extends Event, S extends Command, W extends Event, P extends Event, M, Result> = (
  message: Message<E>,
  flow: FlowContext<S, W, P, M>,
) => Result | Promise<Result>

/** Options of {@link mediator}. */
export interface MediatorOptions<
  E extends Event,
  S extends readonly Command[],
  W extends readonly Event[],
  P extends readonly Event[],
  M extends readonly AnyMediator[],
  Result,
> {
  /** The topic of `startedBy`. Without it only routes and other mediators start flows. */
  readonly on?: Destination | undefined
  /** The event that starts a flow. Each one starts a flow, unless `oncePer` says otherwise. */
  readonly startedBy: E
  /** The commands that it may send. */
  readonly sends?: S | undefined
  /** The events that it may wait for. */
  readonly waits?: { readonly [I in keyof W]: Awaited_<W[I] & Event> } | undefined
  /** The events that it may publish. */
  readonly publishes?: P | undefined
  /** The mediators whose flows it may start and wait for. */
  readonly starts?: M | undefined
  /**
   * Computes a key from the data, 1 to 1,024 characters. While a flow with a key is kept, no other event with that key
   * starts one. Keys of earlier code stay valid, so a changed function should return keys that differ from the old
   * ones.
   */
  readonly oncePer?: ((data: DataOf<E>) => string) | undefined
  /** The starting point of a new mediator on its topics: `'beginning'` (default), `'now'` or a date. */
  readonly startAt?: StartAt | undefined
  /**
   * The earlier name of a mediator that was renamed, or a list of them. At its first start under the new name it takes over
   * what the old one had: its flows, their mail and questions, its keys of `oncePer`, its progress and its messages at the desk. Keep it until every store has been started with the new name once.
   */
  readonly renamedFrom?: RenamedFrom | undefined
  /** Who answers for it, in words for people, 1 to 200 characters: a team, an address, a channel. */
  readonly owner?: string | undefined
  /** True to run the flows of one context one after the other. Default false: they run side by side. */
  readonly serial?: boolean | undefined
  /**
   * The version of `run`, a whole number from 1 to 1,000,000, default 1. A flow keeps the version with which it began.
   */
  readonly version?: number | undefined
  /** The functions of older versions, by version; flows that began with them continue with them. */
  // biome-ignore lint/suspicious/noExplicitAny: older code may declare other types
  readonly versions?: Readonly<Record<number, (message: Message<E>, flow: any) => unknown>> | undefined
  /**
   * Conducts one flow. After a restart it runs again from its beginning, through all steps of the journal. So it acts
   * only through `flow` and takes the same path each time: no clock, no chance, no I/O. Its result is kept as JSON.
   */
  readonly run: Run<E, S[number], W[number], P[number], M[number], Result>
}

/** A mediator as a part of an app. */
export interface Mediator<E extends Event = Event, Result = unknown> {
  readonly kind: 'mediator'
  readonly name: string
  readonly on: Destination | undefined
  readonly sends: readonly Command[]
  readonly publishes: readonly Event[]
  readonly waits: readonly Event[]
  readonly starts: readonly AnyMediator[]
  /** Undefined where nothing is said: it begins at the beginning. */
  readonly startAt: StartAt | undefined
  /** Who answers for it; undefined where nothing is said. */
  readonly owner: string | undefined
  readonly spec: MediatorSpec
  /** Exists for the compiler only. */
  readonly _startedBy?: E | undefined
  readonly _result?: Result | undefined
}

/** A mediator with any starting event and any result. */
// biome-ignore lint/suspicious/noExplicitAny: a mediator with any starting event and any result
export type AnyMediator = Mediator<any, any>

/** The most flows of one mediator that begin at once. */
const concurrency = 256
const versionMax = 1_000_000

const known = [
  'on',
  'startedBy',
  'sends',
  'waits',
  'publishes',
  'starts',
  'startAt',
  'renamedFrom',
  'owner',
  'oncePer',
  'serial',
  'version',
  'versions',
  'run',
]

/**
 * Declares a mediator (elsewhere: orchestrator, process manager, saga, durable workflow): an ordinary async function
 * that conducts each flow by commands. Its steps are journalled. After a crash a flow continues where it was, and each
 * command is handled once. A flow whose function throws, or that a person cancels, undoes its steps in reverse. A step
 * whose command uses up its attempts waits at the desk. A flow whose code does not fit its journal is paused with
 * `millrace/flow-mismatch`. Flows of different contexts run side by side.
 *
 * @param name a name as of `event`, unique in the app
 * @param options the event that starts its flows, the types it may send, publish, wait for and start, and the function
 * @returns the mediator, a part of an app
 * @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option`
 *
 * @example
 * ```ts
 * const sale = mediator('sale', {
 *   on: Orders,
 *   startedBy: OrderPlaced,
 *   sends: [TakeStock, GiveBackStock, ChargeCard],
 *   publishes: [OrderShipped],
 *   run: async ({ data: order }, flow) => {
 *     await flow.call('take stock', TakeStock, order, { undo: () => flow.call('give back', GiveBackStock, order) })
 *     await flow.call('charge', ChargeCard, { orderId: order.orderId, pence: 995 })
 *     flow.publish(OrderShipped, { orderId: order.orderId })
 *   },
 * })
 * ```
 */
export function mediator<
  E extends Event,
  const S extends readonly Command[] = [],
  const W extends readonly Event[] = [],
  const P extends readonly Event[] = [],
  const M extends readonly AnyMediator[] = [],
  Result = unknown,
>(name: string, options: MediatorOptions<E, S, W, P, M, Result>): Mediator<E, Awaited<Result>> {
  const where = checkPart('mediator', name, options, known)
  const { on, startedBy, startAt, run, oncePer, serial = false, version = 1, versions = {} } = options
  const bad = (what: string) => fault('millrace/bad-option', `${where}: ${what}`)
  const sends: readonly Command[] = options.sends ?? []
  const publishes: readonly Event[] = options.publishes ?? []
  const starts: readonly AnyMediator[] = options.starts ?? []
  for (const [name, list] of Object.entries({ sends, publishes, starts, waits: options.waits ?? [] })) {
    if (!Array.isArray(list)) throw bad(`${name} must be a list`)
  }
  if (startedBy?.kind !== 'event') throw bad('startedBy must be an event')
  if (on !== undefined) checkOnTopic(where, on)
  if (on !== undefined && !on.types.includes(startedBy)) throw bad(`startedBy must be an event of topic "${on.name}"`)
  if (typeof run !== 'function') throw bad('run must be a function')
  if (oncePer !== undefined && typeof oncePer !== 'function') throw bad('oncePer must be a function of the data')
  checkStartAt(where, startAt)
  if (typeof serial !== 'boolean') throw bad('serial must be true or false')
  if (!isVersion(version)) throw bad(`version must be a whole number from 1 to ${versionMax}`)
  for (const one of starts) if (one?.kind !== 'mediator') throw bad('starts must be mediators')
  const runs = new Map<number, FlowFunction>([[version, run as FlowFunction]])
  for (const [number, older] of Object.entries(versions)) {
    if (!isVersion(Number(number)) || typeof older !== 'function') throw bad('versions must be functions, by version')
    if (Number(number) === version) throw bad(`version ${version} is both run and one of versions`)
    runs.set(Number(number), older as FlowFunction)
  }
  const waits = awaitedBy(bad, (options.waits ?? []) as readonly Awaited_<Event>[])
  const spec: MediatorSpec = {
    name,
    renamedFrom: checkRenamedFrom(where, name, options.renamedFrom),
    startedBy,
    declared: new Set<MessageType>([...sends, ...publishes]),
    starts: new Set(starts.map((one) => one.spec)),
    waits: new Map(waits.map(({ type, contextOf }) => [type.name, contextOf])),
    oncePer: oncePer as MediatorSpec['oncePer'],
    serial,
    version,
    runs,
  }
  const events = waits.map(({ type }) => type)
  const owner = checkOwner(where, options.owner)
  return Object.freeze({ kind: 'mediator', name, on, sends, publishes, starts, startAt, owner, waits: events, spec })
}

const isVersion = (value: unknown) =>
  Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= versionMax

function awaitedBy(bad: (what: string) => Error, waits: readonly Awaited_<Event>[]) {
  return waits.map((one) => {
    if (
      typeof one === 'object' &&
      one !== null &&
      'on' in one &&
      one.on?.kind === 'event' &&
      typeof one.flow === 'function'
    ) {
      const contextOf = ({ data }: Message): string | undefined => {
        const context: unknown = one.flow(data)
        return context === undefined ? undefined : checkContext(one.on, context)
      }
      return { type: one.on, contextOf }
    }
    if ((one as Event)?.kind !== 'event') throw bad('waits must be events, or { on: an event, flow: a function }')
    return { type: one as Event, contextOf: (message: Message): string | undefined => message.context }
  })
}

/** The processors of a mediator: one for each topic of its events, the first with its own name. */
export function mediatorProcessors(part: Mediator, destinationOf: ReadonlyMap<MessageType, Destination>): Processor[] {
  const { name, on, startAt, owner, spec, waits } = part
  const handlers = new Map<Destination, Record<string, unknown>>()
  if (on !== undefined) handlers.set(on, { [spec.startedBy.name]: withAttempt(startsFlow(spec)) })
  for (const type of waits) {
    const destination = destinationOf.get(type)
    if (destination === undefined) continue
    const handle = handlers.get(destination) ?? {}
    if (type !== spec.startedBy) handle[type.name] = withAttempt(takesMail(spec, type.name))
    handlers.set(destination, handle)
  }
  return [...handlers].map(([destination, handle]) => {
    const ownName = (name: string) => (destination === on ? name : `${name}.${destination.name}`)
    const renamedFrom = spec.renamedFrom.map(ownName)
    return {
      ...processor(ownName(name), {
        on: destination,
        concurrency,
        startAt,
        renamedFrom,
        owner,
        handle: handle as never,
      }),
      partOf: name,
      partKind: 'mediator',
      runsAhead: true,
    }
  })
}
