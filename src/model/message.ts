import type { Attributes } from './attributes.ts'
import { fault } from './errors.ts'
import { checkName, checkWords, wordsMax } from './names.ts'
import { checkOptions, limit } from './options.ts'
import { shownValue } from './people.ts'
import { type AnySchema, isSchema, type Output, type Plain, type Present, type Schema, type Stable } from './schema.ts'
import { checkSecret } from './secrets.ts'

/** Functions that turn the data of one version of a type into the next: `upcast: { 1: (old) => … }` makes version 2. */
// biome-ignore lint/suspicious/noExplicitAny: the data of older code has no type here
export type Upcasts = Readonly<Record<number, (old: any) => unknown>>

interface TypeOf<Kind extends 'event' | 'command', Name extends string, Data> {
  readonly kind: Kind
  readonly name: Name
  readonly version: number
  readonly schema: AnySchema
  /** Computes the context from the data; undefined where the type has none. */
  // biome-ignore lint/suspicious/noExplicitAny: a method-like position, so that a narrower type fits the wider
  readonly contextOf: ((data: any) => string) | undefined
  readonly upcasts: Upcasts
  /** What it is, in words for people; undefined where nothing is said. */
  readonly title: string | undefined
  /** The paths of its secret fields. */
  readonly secret: readonly string[]
  /** Exists for the compiler only: the type of the data. */
  readonly _data?: Data | undefined
}

/** A type of event: a fact, named in the past tense, for any number of processors. Made by {@link event}. */
// biome-ignore lint/suspicious/noExplicitAny: "any event" has to take events of all data
export interface Event<Name extends string = string, Data = any> extends TypeOf<'event', Name, Data> {}

/** A type of command: an order to do something, named in the imperative, for exactly one processor. Made by {@link command}. */
// biome-ignore lint/suspicious/noExplicitAny: "any command" has to take commands of all data
export interface Command<Name extends string = string, Data = any, Reply = any, Refusal = any>
  extends TypeOf<'command', Name, Data> {
  readonly reply: AnySchema | undefined
  readonly refusal: AnySchema | undefined
  /** The time in which it must be handled, counted from when it was sent, milliseconds; undefined for no limit. */
  readonly deadlineMs: number | undefined
  readonly _reply?: Reply | undefined
  readonly _refusal?: Refusal | undefined
}

/** An event type or a command type. */
export type MessageType = Event | Command

/** The type of the data of an event or command: `DataOf<typeof OrderPlaced>`. */
export type DataOf<T> = T extends { readonly _data?: infer Data | undefined } ? Data : never
/** The type of the reply of a command; `void` where it has none. */
export type ReplyOf<C> = C extends Command<string, infer _Data, infer Reply> ? Reply : never
/** The type of the data of a refusal of a command. */
export type RefusalOf<C> = C extends Command<string, infer _Data, infer _Reply, infer Refusal> ? Refusal : never

/** Data that fits every type of a union. Where the type is chosen at run time, the data must suit all of them. */
export type DataFor<T> = (T extends MessageType ? (data: DataOf<T>) => void : never) extends (data: infer Data) => void
  ? Data
  : never

interface TypeOptions<S extends AnySchema> {
  /**
   * The schema of the data, of any Standard Schema library (zod, valibot, arktype). It checks synchronously, does not
   * transform, and describes plain JSON. Data are checked when they are published and when they are read.
   */
  readonly schema: S & Stable<S> & Plain<S> & Present<S>
  /**
   * Computes the context. Messages with the same context are handled in order, one at a time per processor. 1 to 1,024
   * characters. Without it each message has its own lane, and there is no order. Elsewhere: partition key.
   */
  readonly context?: ((data: Output<S>) => string) | undefined
  /** The version of the shape of the data, a whole number from 1 to 1,000,000, default 1; stored with each message. */
  readonly version?: number | undefined
  /** Functions that turn stored data of older versions into the current shape, step by step, when they are read. */
  readonly upcast?: Upcasts | undefined
  /** What it is, in words for people who do not program, 1 to 200 characters: `An order has come in`. */
  readonly title?: string | undefined
  /**
   * The fields that people may not see, as JSON Pointers into the data, at most 100: `['/iban', '/card/number']`. `*`
   * stands for each element of a list and each field of an object: `['/cards/*']`. A field's name that meets a list goes
   * into each of its elements: `['/cards/number']`. `''` is all of the data. Default: no field is secret.
   *
   * Where people see data, `***` stands in place of a secret. Log lines, and errors at the desk, lack its secrets of
   * at least 3 characters. Handlers get all data. Data of older versions are masked by the same paths, so name their fields too. A
   * path that leads nowhere hides nothing.
   */
  readonly secret?: readonly string[] | undefined
}

/** Options of {@link event}. */
export interface EventOptions<S extends AnySchema> extends TypeOptions<S> {}

/** Options of {@link command}. */
export interface CommandOptions<S extends AnySchema, R extends AnySchema, F extends AnySchema> extends TypeOptions<S> {
  /** The schema of the reply; without it the command has no reply. */
  readonly reply?: (R & Stable<R> & Plain<R>) | undefined
  /** The schema of the data of a `Refused`; the asker gets them typed. */
  readonly refusal?: (F & Stable<F> & Plain<F>) | undefined
  /**
   * The time in which the command must be handled, counted from when it was sent, milliseconds, 1 to 365 days; default:
   * no limit. A command whose turn comes later is held at the desk with `millrace/deadline-passed`. It runs only if a
   * rule or a person releases it. Until its turn comes, the health of the app reports it as late.
   */
  readonly deadlineMs?: number | undefined
}

const typeOptions = ['schema', 'context', 'version', 'upcast', 'title', 'secret']
const versionMax = 1_000_000

/**
 * Declares a type of event: a fact that any number of processors may react to. Put it on a topic with {@link topic}.
 * The declaration is a frozen value without state; any number of apps can share it.
 *
 * @param name what has happened, such as `order.placed`: a letter, then letters, digits, `.`, `_`, `-`, at most 100
 *   characters
 * @param options the schema of the data, and the context, version and upcasts where the event has them
 * @returns the type, to be published, put on a topic and named in `publishes`
 * @throws `millrace/bad-name`, `millrace/unknown-option`, `millrace/bad-option`
 *
 * @example
 * ```ts
 * const OrderPlaced = event('order.placed', {
 *   schema: z.object({ orderId: z.string(), quantity: z.number().int() }),
 *   context: (order) => order.orderId, // events of one order stay in order
 * })
 * ```
 */
export function event<const Name extends string, S extends AnySchema>(
  name: Name,
  options: EventOptions<S>,
): Event<Name, Output<S>> {
  checkName('event', name)
  checkOptions(`event "${name}"`, options, typeOptions)
  return Object.freeze({ kind: 'event', ...typeParts('event', name, options) })
}

/**
 * Declares a type of command: an order to do something, for the one processor of its channel. Put it on a channel with
 * {@link channel}. A caller of `app.request` or `flow.call` gets the reply, or the refusal, typed.
 *
 * @param name what to do, such as `stock.take`: a letter, then letters, digits, `.`, `_`, `-`, at most 100 characters
 * @param options as of {@link event}, and the schemas of the reply and of a refusal, and the deadline
 * @returns the type, to be sent, put on a channel and named in `sends`
 * @throws `millrace/bad-name`, `millrace/unknown-option`, `millrace/bad-option`
 *
 * @example
 * ```ts
 * const TakeStock = command('stock.take', {
 *   schema: z.object({ sku: z.string(), quantity: z.number().int() }),
 *   context: ({ sku }) => sku,
 *   reply: z.object({ left: z.number() }),
 *   refusal: z.object({ left: z.number() }),
 *   deadlineMs: 60_000,
 * })
 * ```
 */
export function command<
  const Name extends string,
  S extends AnySchema,
  R extends AnySchema = Schema<void>,
  F extends AnySchema = Schema<never>,
>(name: Name, options: CommandOptions<S, R, F>): Command<Name, Output<S>, Output<R>, Output<F>> {
  checkName('command', name)
  checkOptions(`command "${name}"`, options, [...typeOptions, 'reply', 'refusal', 'deadlineMs'])
  for (const part of ['reply', 'refusal'] as const) {
    if (options[part] !== undefined && !isSchema(options[part]))
      throw notASchema(`command "${name}": ${part}`, options[part])
  }
  const { reply, refusal } = options
  const deadlineMs =
    options.deadlineMs === undefined ? undefined : limit(`command "${name}"`, 'deadlineMs', options.deadlineMs)
  return Object.freeze({ kind: 'command', ...typeParts('command', name, options), reply, refusal, deadlineMs })
}

function typeParts<const Name extends string, S extends AnySchema>(what: string, name: Name, options: TypeOptions<S>) {
  const where = `${what} "${name}"`
  if (!isSchema(options.schema)) throw notASchema(`${where}: schema`, options.schema)
  const { version = 1, upcast = {}, context } = options
  if (!Number.isSafeInteger(version) || version < 1 || version > versionMax) {
    const bounds = 'a whole number from 1 to 1,000,000'
    throw fault('millrace/bad-option', `${where}: version is ${shownValue(version)}, but must be ${bounds}`)
  }
  if (context !== undefined && typeof context !== 'function') {
    throw fault('millrace/bad-option', `${where}: context must be a function from data to a string`)
  }
  if (typeof upcast !== 'object' || upcast === null) {
    throw fault('millrace/bad-option', `${where}: upcast must be an object with a function per older version`)
  }
  for (const [from, step] of Object.entries(upcast)) {
    if (!/^[1-9][0-9]*$/.test(from) || Number(from) >= version || typeof step !== 'function') {
      throw fault(
        'millrace/bad-option',
        `${where}: upcast from "${from}" must be a function from a version below ${version}`,
      )
    }
  }
  const schema: AnySchema = options.schema
  const title = checkWords(where, 'title', options.title, wordsMax)
  const secret = checkSecret(where, options.secret)
  return { name, version, schema, contextOf: context, upcasts: upcast, title, secret }
}

function notASchema(where: string, value: unknown) {
  const wanted = 'a schema of a Standard Schema library (zod, valibot, arktype), such as z.object({ … })'
  return fault('millrace/bad-option', `${where} is ${shownValue(value)}, but must be ${wanted}`)
}

/** The retention of messages that every processor has handled, for a topic or channel. */
export interface Retain {
  /** Keeps messages at least this long, milliseconds, a whole number from 0. */
  readonly ageMs?: number | undefined
  /** Keeps at least the newest messages up to this size together, bytes of data, a whole number from 0. */
  readonly bytes?: number | undefined
}

/** The destination of messages: a {@link topic} or a {@link channel}. */
export interface Destination<T extends MessageType = MessageType> {
  readonly kind: 'topic' | 'channel'
  readonly name: string
  readonly types: readonly T[]
  /** Names of types that were given up; their messages are skipped. */
  readonly retired: readonly string[]
  readonly retain: Retain | undefined
}
/** The destination of events; each of its processors gets each event. Made by {@link topic}. */
export interface Topic<T extends Event = Event> extends Destination<T> {
  readonly kind: 'topic'
}
/** The destination of commands; exactly one processor serves it. Made by {@link channel}. */
export interface Channel<T extends Command = Command> extends Destination<T> {
  readonly kind: 'channel'
}

/** Options of {@link topic} and {@link channel}. */
export interface DestinationOptions {
  /**
   * Names of types that were given up; processors skip their messages. A stored message whose type is neither declared
   * nor retired is held at the desk.
   */
  readonly retired?: readonly string[] | undefined
  /**
   * The rule by which messages may be removed. A message goes once it is older than `ageMs` (where set) and beyond the
   * newest `bytes` (where set). A message that a processor still needs is never removed. Default: topics keep
   * everything, channels keep handled commands for `channelRetainMs`.
   */
  readonly retain?: Retain | undefined
}

/**
 * Declares a topic: each of its processors gets each of its events. Events are kept whether a processor exists or not,
 * so a processor that is added later gets the older ones too.
 *
 * @param name a name as of {@link event}, unique in the app
 * @param types its events; an event belongs to exactly one topic
 * @param options retired types, and how long messages are kept
 * @returns the topic, a part of an app
 * @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option`, `millrace/duplicate-name`
 *
 * @example
 * ```ts
 * const Orders = topic('orders', [OrderPlaced, OrderPaid], { retain: { ageMs: 30 * 24 * 3_600_000 } })
 * ```
 */
export function topic<const T extends readonly Event[]>(
  name: string,
  types: T,
  options: DestinationOptions = {},
): Topic<T[number]> {
  return Object.freeze({ kind: 'topic', ...destinationParts('topic', name, types, options) })
}

/**
 * Declares a channel: a queue of commands that exactly one processor serves. The app does not start without it.
 *
 * @param name a name as of {@link event}, unique in the app
 * @param types its commands; a command belongs to exactly one channel
 * @param options retired types, and how long messages are kept
 * @returns the channel, a part of an app
 * @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option`, `millrace/duplicate-name`
 *
 * @example
 * ```ts
 * const Warehouse = channel('warehouse', [TakeStock, GiveBackStock])
 * ```
 */
export function channel<const T extends readonly Command[]>(
  name: string,
  types: T,
  options: DestinationOptions = {},
): Channel<T[number]> {
  return Object.freeze({ kind: 'channel', ...destinationParts('channel', name, types, options) })
}

function destinationParts<T extends MessageType>(
  what: Destination['kind'],
  name: string,
  types: readonly T[],
  options: DestinationOptions,
) {
  const kind = what === 'topic' ? 'event' : 'command'
  const where = `${what} "${name}"`
  checkName(what, name)
  checkOptions(where, options, ['retired', 'retain'])
  if (!Array.isArray(types)) throw fault('millrace/bad-option', `${where}: its types must be a list`)
  const names = new Set<string>()
  types.forEach((type, index) => {
    if (type?.kind !== kind) {
      throw fault(
        'millrace/bad-option',
        `${where}: entry ${index} of its types is no ${kind}; declare it with ${kind}(…)`,
      )
    }
    if (names.has(type.name)) throw fault('millrace/duplicate-name', `${where}: it lists "${type.name}" twice`)
    names.add(type.name)
  })
  const { retired = [], retain } = options
  if (!Array.isArray(retired)) throw fault('millrace/bad-option', `${where}: retired must be a list of names`)
  for (const old of retired) checkName(`${where}: retired type`, old)
  const again = retired.find((old) => names.has(old))
  if (again !== undefined) {
    throw fault('millrace/bad-option', `${where}: "${again}" is both a type of it and retired; drop one of the two`)
  }
  if (retain !== undefined) {
    checkOptions(`${where}: retain`, retain, ['ageMs', 'bytes'])
    for (const [key, value] of Object.entries(retain)) {
      if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) continue
      throw fault(
        'millrace/bad-option',
        `${where}: retain.${key} is ${shownValue(value)}, but must be a whole number from 0`,
      )
    }
  }
  return { name, types: [...types], retired: [...retired], retain }
}

/** A message as handlers get it. It and its data are frozen at run time; every processor gets the same object. */
export interface Message<T extends MessageType = MessageType> {
  /** A time-ordered id (UUIDv7), or the `id` that the publisher gave. */
  readonly id: string
  readonly type: T['name']
  /**
   * The publisher: `/app` for a message from outside, `/app/processor` for one that a processor published; of a message
   * from another system its source there.
   */
  readonly source: string
  /** The time at which it was published, or at which a delayed message entered its log; milliseconds since 1970. */
  readonly time: number
  /** The value that groups messages whose order matters; undefined where the type has no context. */
  readonly context: string | undefined
  /** The id of the initiating event of the flow that it belongs to. */
  readonly correlationId: string
  /** The id of the message whose handling published it; undefined for an initiating event. */
  readonly causationId: string | undefined
  /** The version of its type as stored; `data` has the current shape. */
  readonly version: number
  /** The data, with the output type of the schema. */
  readonly data: DataOf<T>
  /** The other CloudEvents attributes that a message from another system came with, such as `subject`. */
  readonly attributes?: Attributes | undefined
}

/** The verbs for messages: events are published, commands are sent. */
export type Verb = 'publish' | 'send'

/** Refuses the wrong verb in plain JavaScript; TypeScript refuses it at compile time. */
/** Refuses what is no type of message, such as the name of one, or its topic. */
export function checkIsType(where: string, type: unknown): asserts type is MessageType {
  const { kind, name } = (type ?? {}) as { readonly kind?: unknown; readonly name?: unknown }
  if (kind === 'event' || kind === 'command') return
  const given = kind === 'topic' || kind === 'channel' ? `${kind} ${shownValue(name)}` : shownValue(type)
  throw fault('millrace/bad-option', `${where}: the type has to be what event(…) or command(…) returned, not ${given}`)
}

export function checkVerb(where: string, verb: Verb, type: MessageType): void {
  if (type.kind === (verb === 'publish' ? 'event' : 'command')) return
  const other = verb === 'publish' ? 'send' : 'publish'
  throw fault(
    'millrace/wrong-verb',
    `${where}: "${type.name}" is ${type.kind === 'event' ? 'an event' : 'a command'}: ${other} it`,
  )
}
