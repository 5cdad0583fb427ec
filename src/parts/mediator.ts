import type { AskOptions, CallOptions, RaceOptions } from '../engine/conduct.ts'
import type { Conduct, MediatorSpec, Taken } from '../engine/flow-host.ts'
import { startsFlow, takesMail } from '../engine/flow-starts.ts'
import { checkContext } from '../model/codec.ts'
import { fault } from '../model/errors.ts'
import type { Command, DataFor, DataOf, Event, Message, MessageType, ReplyOf, Source } from '../model/message.ts'
import { checkName } from '../model/names.ts'
import { checkOptions } from '../model/options.ts'
import type { AnySchema, Output } from '../model/schema.ts'
import type { Delay } from '../model/time.ts'
import { type Processor, processor } from './processor.ts'

/** An event that flows wait for: of their own context, or of the one that a function of its data names. */
export type Awaited_<W extends Event> = W | { readonly on: W; readonly flow: (data: DataOf<W>) => string }

type Declared<T, Option extends string> = [T] extends [never]
  ? { error: `the mediator may not do this: name it in \`${Option}\`` }
  : T

/** What a mediator returns; the flow that waits for it gets it. */
export type ResultOf<M> = M extends Mediator<Event, infer Result> ? Result : never
export type StartedBy<M> = M extends Mediator<infer E, unknown> ? E : never

export interface SubflowOptions<Result> {
  /** Time for it to end, milliseconds; without it there is no limit. After it, it is cancelled. */
  readonly timeoutMs?: number | undefined
  /** Takes back what it did, when this flow fails or is cancelled. One under way is cancelled then. */
  readonly undo?: ((taken: Taken<Result>) => unknown) | undefined
}

/**
 * What the function of a mediator conducts its flow with. Each step is in the journal of the flow, under its name: 1 to
 * 1,024 characters that do not begin with `undo `, else `millrace/bad-step` is thrown. The second step of one name is
 * there as `name#2`. What is said wrongly is thrown in the function, where nothing has begun: data that do not fit as
 * `millrace/bad-data`, `millrace/not-json`, `millrace/too-large` or `millrace/bad-context`, what is not declared as
 * `millrace/undeclared`, options as `millrace/bad-option` or `millrace/unknown-option`, times as `millrace/bad-time`: they
 * are milliseconds from 0 to 100 years, fractions rounded up. A function that waits for anything but its steps is paused
 * with `millrace/flow-waits-outside`.
 */
export interface FlowContext<S extends Command, W extends Event, P extends Event, M = never> {
  /**
   * Sends a command and waits for its reply, once, whatever crashes. With `undo`, what it did is taken back when the
   * flow fails or is cancelled: registered before the attempt, called last first, told `done` or `unknown`. An undo may
   * call, wait, ask and sleep like the function. A call without one goes on when the flow fails or is cancelled.
   *
   * @throws in the function: `Refused` (see `Refused.by`), `millrace/step-timed-out`, `millrace/request-discarded`
   */
  call<C extends Declared<S, 'sends'>>(
    name: string,
    type: C,
    data: DataFor<C>,
    options?: CallOptions<ReplyOf<C>>,
  ): Promise<ReplyOf<C>>
  /** Sends a command, once, and waits for nothing. */
  send<C extends Declared<S, 'sends'>>(type: C, data: DataFor<C>, delay?: Delay): void
  /** Publishes an event, once. */
  publish<E extends Declared<P, 'publishes'>>(type: E, data: DataFor<E>, delay?: Delay): void
  /**
   * The next event of a type in `waits`, of this flow's context: one that came before counts too, for `mailboxMs`; each
   * once, the oldest first.
   *
   * @throws in the function: `millrace/step-timed-out`
   */
  wait<E extends Declared<W, 'waits'>>(
    name: string,
    type: E,
    options?: { readonly timeoutMs?: number | undefined },
  ): Promise<E extends Event ? Message<E> : never>
  /** Lets time pass, milliseconds; the flow needs no process meanwhile. */
  sleep(name: string, ms: number): Promise<void>
  /**
   * Asks a person, who answers by `app.flows.answer` or `millrace flows answer`; the answer fits the schema.
   *
   * @throws in the function: `millrace/step-timed-out`
   */
  ask<A extends AnySchema>(name: string, options: AskOptions<A>): Promise<Output<A>>
  /**
   * Starts a flow of another mediator in `starts` and waits for what its function returns.
   *
   * @throws in the function: `millrace/subflow-failed` when it ended in any other way, with `{ flow, state, error }` as
   *   data and, where it was refused, the `Refused` as `cause`; `millrace/step-timed-out`
   */
  subflow<O extends Declared<M, 'starts'>>(
    name: string,
    mediator: O,
    data: DataFor<StartedBy<O>>,
    options?: SubflowOptions<ResultOf<O>>,
  ): Promise<ResultOf<O>>
  /** All results, or the first failure. Branches are promises: a function is `millrace/bad-option`, as nobody calls it. */
  all<const T extends readonly unknown[]>(branches: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>
  /**
   * The first result or failure; see `losers`. Branches are promises, or functions that are called at once. The flow does
   * not end before what is withdrawn is taken back.
   *
   * @throws `millrace/bad-option` where `losers` is `'withdraw'` and a branch is no function
   */
  race<const T extends readonly unknown[]>(
    branches: T,
    options?: RaceOptions,
  ): Promise<Awaited<T[number] extends infer B ? (B extends () => infer R ? Awaited<R> : Awaited<B>) : never>>
  /** One result per item, at most `limit` (default 16, 1 to 10,000) at once; after a failure no more begin. */
  map<Item, Result>(
    items: readonly Item[],
    fn: (item: Item, index: number) => Promise<Result> | Result,
    options?: { readonly limit?: number | undefined },
  ): Promise<Result[]>
  /**
   * From here on there is no way back: nothing is undone. A flow that fails is stuck until a person resumes it; then the
   * step whose error it threw is done again, as if it had not failed: steps that the function did because of that count no
   * more, and are begun anew where it comes to them.
   */
  noReturn(): void
  /**
   * Which way a small change of the code goes: `latest` (default 1, a whole number from 1) in flows that come here for the
   * first time, what it was then in those that come again, 0 in those that had passed here before there was the change.
   * Each time the function comes by counts by itself: in a loop, ask once before it.
   */
  version(change: string, latest?: number): number
  /**
   * Lets another flow of this mediator go on in place of this one, so that one without end keeps a short journal:
   * `return flow.continueAs(data)`, with data as of `startedBy`. It begins in the commit in which the function returns, not
   * where that fails; asked for twice, the last counts. It has the value of `oncePer`, the turn of a serial context, the
   * flow that waits for this one, and the mail that this one has not had, unless the data are of another context. What this
   * one did is not undone when a later one fails.
   */
  // biome-ignore lint/suspicious/noExplicitAny: checked by the schema of startedBy
  continueAs(data: any): void
  /** Milliseconds since 1970, the same at each replay; so are the two below. */
  now(): number
  random(): number
  id(): string
}

type Run<E extends Event, S extends Command, W extends Event, P extends Event, M, Result> = (
  message: Message<E>,
  flow: FlowContext<S, W, P, M>,
) => Result | Promise<Result>

export interface MediatorOptions<
  E extends Event,
  S extends readonly Command[],
  W extends readonly Event[],
  P extends readonly Event[],
  M extends readonly AnyMediator[],
  Result,
> {
  /** The topic of the event that starts its flows; without it only routes and other mediators start them. */
  readonly on?: Source | undefined
  /** The event that starts a flow, one for each. */
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
   * Of the events for which this gives the same, 1 to 1,024 characters, only the first starts a flow, while that is kept.
   * Values are kept as they are: let a function that changes give others than before.
   */
  readonly oncePer?: ((data: DataOf<E>) => string) | undefined
  /** Whether flows of one context run one after the other. Default false: side by side. */
  readonly serial?: boolean | undefined
  /** The version of `run`, default 1, 1 to 1,000,000: flows keep the one that they began with. */
  readonly version?: number | undefined
  /** What older flows go on with, by version. */
  // biome-ignore lint/suspicious/noExplicitAny: older code, with what it may do
  readonly versions?: Readonly<Record<number, (message: Message<E>, flow: any) => unknown>> | undefined
  /**
   * Conducts one flow. Runs again from its beginning when the process has been restarted, past all that was done: it
   * may do nothing but by `flow`, and must go the same way each time. What it returns is kept as JSON.
   */
  readonly run: Run<E, S[number], W[number], P[number], M[number], Result>
}

/** A mediator as a part of an app. */
export interface Mediator<E extends Event = Event, Result = unknown> {
  readonly kind: 'mediator'
  readonly name: string
  readonly on: Source | undefined
  readonly sends: readonly Command[]
  readonly publishes: readonly Event[]
  readonly waits: readonly Event[]
  readonly starts: readonly AnyMediator[]
  readonly spec: MediatorSpec
  /** Only for the compiler. */
  readonly _startedBy?: E | undefined
  readonly _result?: Result | undefined
}

// biome-ignore lint/suspicious/noExplicitAny: a mediator of whatever starts it and it gives
export type AnyMediator = Mediator<any, any>

/** Flows of one mediator that begin at once. */
const concurrency = 256
const versionMax = 1_000_000

const known = [
  'on',
  'startedBy',
  'sends',
  'waits',
  'publishes',
  'starts',
  'oncePer',
  'serial',
  'version',
  'versions',
  'run',
]

/**
 * Declares a mediator: an ordinary async function conducts each flow by commands. Its steps are journalled; a flow goes
 * on where it was after a crash, and each command is handled once.
 *
 * @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option`
 */
export function mediator<
  E extends Event,
  const S extends readonly Command[] = [],
  const W extends readonly Event[] = [],
  const P extends readonly Event[] = [],
  const M extends readonly AnyMediator[] = [],
  Result = unknown,
>(name: string, options: MediatorOptions<E, S, W, P, M, Result>): Mediator<E, Awaited<Result>> {
  checkName('mediator', name)
  const where = `mediator "${name}"`
  checkOptions(where, options, known)
  const { on, startedBy, run, oncePer, serial = false, version = 1, versions = {} } = options
  const bad = (what: string) => fault('millrace/bad-option', `${where}: ${what}`)
  const sends: readonly Command[] = options.sends ?? []
  const publishes: readonly Event[] = options.publishes ?? []
  const starts: readonly AnyMediator[] = options.starts ?? []
  for (const [name, list] of Object.entries({ sends, publishes, starts, waits: options.waits ?? [] })) {
    if (!Array.isArray(list)) throw bad(`${name} must be a list`)
  }
  if (startedBy?.kind !== 'event') throw bad('startedBy must be an event')
  if (on !== undefined && on?.kind !== 'topic') throw bad('on must be a topic')
  if (on !== undefined && !on.types.includes(startedBy)) throw bad(`startedBy must be an event of topic "${on.name}"`)
  if (typeof run !== 'function') throw bad('run must be a function')
  if (oncePer !== undefined && typeof oncePer !== 'function') throw bad('oncePer must be a function of the data')
  if (typeof serial !== 'boolean') throw bad('serial must be true or false')
  if (!isVersion(version)) throw bad(`version must be a whole number from 1 to ${versionMax}`)
  for (const one of starts) if (one?.kind !== 'mediator') throw bad('starts must be mediators')
  const runs = new Map<number, Conduct>([[version, run as Conduct]])
  for (const [number, older] of Object.entries(versions)) {
    if (!isVersion(Number(number)) || typeof older !== 'function') throw bad('versions must be functions, by version')
    if (Number(number) === version) throw bad(`version ${version} is both run and one of versions`)
    runs.set(Number(number), older as Conduct)
  }
  const waits = awaitedBy(bad, (options.waits ?? []) as readonly Awaited_<Event>[])
  const spec: MediatorSpec = {
    name,
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
  return Object.freeze({ kind: 'mediator', name, on, sends, publishes, starts, waits: events, spec })
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

/** What takes its events from the topics: one processor on each, the first of its own name. */
export function mediatorProcessors(part: Mediator, sourceOf: ReadonlyMap<MessageType, Source>): Processor[] {
  const { name, on, spec, waits } = part
  const handlers = new Map<Source, Record<string, unknown>>()
  if (on !== undefined) handlers.set(on, { [spec.startedBy.name]: startsFlow(spec) })
  for (const type of waits) {
    const source = sourceOf.get(type)
    if (source === undefined) continue
    const handle = handlers.get(source) ?? {}
    if (type !== spec.startedBy) handle[type.name] = takesMail(spec, type.name)
    handlers.set(source, handle)
  }
  return [...handlers].map(([source, handle]) => {
    const own = source === on ? name : `${name}.${source.name}`
    return { ...processor(own, { on: source, concurrency, handle: handle as never }), partOf: name, runsAhead: true }
  })
}
