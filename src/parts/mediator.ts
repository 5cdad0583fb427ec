import type { CallOptions, MediatorSpec } from '../engine/flow.ts'
import { startsFlow, takesMail } from '../engine/flows.ts'
import { fault } from '../model/errors.ts'
import type { Command, DataFor, DataOf, Event, Message, MessageType, ReplyOf, Source } from '../model/message.ts'
import { checkName } from '../model/names.ts'
import { checkOptions } from '../model/options.ts'
import { type Processor, processor } from './processor.ts'

/** An event that flows wait for: of their own context, or of the one that a function of its data names. */
export type Awaited_<W extends Event> = W | { readonly on: W; readonly flow: (data: DataOf<W>) => string }

type Declared<T extends MessageType, Option extends string> = [T] extends [never]
  ? { error: `the mediator may not do this: name the type in \`${Option}\`` }
  : T

/** What the function of a mediator conducts its flow with. Each step is in the journal of the flow, under its name. */
export interface FlowContext<S extends Command, W extends Event, P extends Event> {
  /**
   * Sends a command and waits for its reply, once, whatever crashes. With `undo`, what it did is taken back when the
   * flow fails or is cancelled: registered before the attempt, called last first.
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
  send<C extends Declared<S, 'sends'>>(type: C, data: DataFor<C>): void
  /** Publishes an event, once. */
  publish<E extends Declared<P, 'publishes'>>(type: E, data: DataFor<E>): void
  /**
   * The next event of a type in `waits`, of this flow's context: one that came before counts too; each once.
   *
   * @throws in the function: `millrace/step-timed-out`
   */
  wait<E extends Declared<W, 'waits'>>(
    name: string,
    type: E,
    options?: { readonly timeoutMs?: number },
  ): Promise<E extends Event ? Message<E> : never>
  /** Lets time pass; the flow needs no process meanwhile. */
  sleep(name: string, ms: number): Promise<void>
  /** All results, or the first failure. */
  all<const T extends readonly unknown[]>(branches: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>
  /** The first result or failure; the others go on and are let go. */
  race<const T extends readonly unknown[]>(branches: T): Promise<Awaited<T[number]>>
  /** One result per item, at most `limit` (default 16) at once. */
  map<Item, Result>(
    items: readonly Item[],
    fn: (item: Item, index: number) => Promise<Result> | Result,
    options?: { readonly limit?: number },
  ): Promise<Result[]>
  /** Milliseconds since 1970, the same at each replay; so are the two below. */
  now(): number
  random(): number
  id(): string
}

export interface MediatorOptions<
  E extends Event,
  S extends readonly Command[],
  W extends readonly Event[],
  P extends readonly Event[],
> {
  /** The topic of the event that starts its flows. */
  readonly on: Source
  /** The event that starts a flow, one for each. */
  readonly startedBy: E
  /** The commands that it may send. */
  readonly sends?: S
  /** The events that it may wait for. */
  readonly waits?: { readonly [I in keyof W]: Awaited_<W[I] & Event> }
  /** The events that it may publish. */
  readonly publishes?: P
  /**
   * Conducts one flow. Runs again from its beginning when the process has been restarted, past all that was done: it
   * may do nothing but by `flow`, and must go the same way each time.
   */
  readonly run: (message: Message<E>, flow: FlowContext<S[number], W[number], P[number]>) => unknown
}

/** A mediator as a part of an app. */
export interface Mediator {
  readonly kind: 'mediator'
  readonly name: string
  readonly on: Source
  readonly sends: readonly Command[]
  readonly publishes: readonly Event[]
  readonly waits: readonly Event[]
  readonly spec: MediatorSpec
}

/** Flows of one mediator that begin at once. */
const concurrency = 256

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
>(name: string, options: MediatorOptions<E, S, W, P>): Mediator {
  checkName('mediator', name)
  const where = `mediator "${name}"`
  checkOptions(where, options, ['on', 'startedBy', 'sends', 'waits', 'publishes', 'run'])
  const { on, startedBy, run } = options
  const sends: readonly Command[] = options.sends ?? []
  const publishes: readonly Event[] = options.publishes ?? []
  const waits = (options.waits ?? []) as readonly Awaited_<Event>[]
  if (on?.kind !== 'topic') throw fault('millrace/bad-option', `${where}: on must be a topic`)
  if (!on.types.includes(startedBy)) {
    throw fault('millrace/bad-option', `${where}: startedBy must be an event of topic "${on.name}"`)
  }
  if (typeof run !== 'function') throw fault('millrace/bad-option', `${where}: run must be a function`)
  const awaited = new Map<string, (message: Message) => string | undefined>()
  for (const one of waits) {
    if ('on' in one && typeof one.flow === 'function') awaited.set(one.on.name, (message) => one.flow(message.data))
    else if ((one as Event)?.kind === 'event') awaited.set((one as Event).name, (message) => message.context)
    else throw fault('millrace/bad-option', `${where}: waits must be events, or { on: an event, flow: a function }`)
  }
  const declared = new Set<MessageType>([...sends, ...publishes])
  const spec: MediatorSpec = { name, startedBy, declared, waits: awaited, run: run as MediatorSpec['run'] }
  const events = waits.map((one) => ('on' in one ? one.on : one))
  return Object.freeze({ kind: 'mediator', name, on, sends, publishes, waits: events, spec })
}

/** What takes its events from the topics: one processor on each, the first of its own name. */
export function processorsOf(part: Mediator, sourceOf: ReadonlyMap<MessageType, Source>): Processor[] {
  const { name, on, spec, waits } = part
  const handlers = new Map<Source, Record<string, unknown>>([[on, { [spec.startedBy.name]: startsFlow(spec) }]])
  for (const type of waits) {
    const source = sourceOf.get(type)
    if (source === undefined) continue
    const handle = handlers.get(source) ?? {}
    if (type !== spec.startedBy) handle[type.name] = takesMail(spec, type.name)
    handlers.set(source, handle)
  }
  return [...handlers].map(([source, handle]) => {
    const own = source === on ? name : `${name}.${source.name}`
    return { ...processor(own, { on: source, concurrency, handle: handle as never }), partOf: name }
  })
}
