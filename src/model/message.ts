import { fault } from './errors.ts'
import { checkName } from './names.ts'
import { checkOptions, limit } from './options.ts'
import { type AnySchema, isSchema, type Output, type Plain, type Present, type Schema, type Stable } from './schema.ts'

/** Brings data of one version of a type to the next: `upcast: { 1: (old) => … }` makes version 2 of version 1. */
// biome-ignore lint/suspicious/noExplicitAny: what older code stored has no type any more
export type Upcasts = Readonly<Record<number, (old: any) => unknown>>

interface TypeOf<Kind extends 'event' | 'command', Name extends string, Data> {
  readonly kind: Kind
  readonly name: Name
  readonly version: number
  readonly schema: AnySchema
  /** The context of data, where the type has one. */
  // biome-ignore lint/suspicious/noExplicitAny: a method-like position, so that a narrower type fits the wider
  readonly contextOf: ((data: any) => string) | undefined
  readonly upcasts: Upcasts
  /** Only for the compiler: the type of the data. */
  readonly _data?: Data
}

/** A type of event: a fact, in the past tense, for any number of processors. Made by {@link event}. */
// biome-ignore lint/suspicious/noExplicitAny: "any event" has to take events of all data
export interface Event<Name extends string = string, Data = any> extends TypeOf<'event', Name, Data> {}

/** A type of command: an order to do something, for exactly one processor. Made by {@link command}. */
// biome-ignore lint/suspicious/noExplicitAny: "any command" has to take commands of all data
export interface Command<Name extends string = string, Data = any, Reply = any, Refusal = any>
  extends TypeOf<'command', Name, Data> {
  readonly reply: AnySchema | undefined
  readonly refusal: AnySchema | undefined
  /** Time from when it was sent in which it is to be handled, milliseconds, where that is bounded. */
  readonly deadlineMs: number | undefined
  readonly _reply?: Reply
  readonly _refusal?: Refusal
}

export type MessageType = Event | Command

export type DataOf<T> = T extends { readonly _data?: infer Data } ? Data : never
export type ReplyOf<C> = C extends Command<string, infer _Data, infer Reply> ? Reply : never
export type RefusalOf<C> = C extends Command<string, infer _Data, infer _Reply, infer Refusal> ? Refusal : never

/** Data that fits every type of a union: where the type is chosen at run time, the data must suit all of them. */
export type DataFor<T> = (T extends MessageType ? (data: DataOf<T>) => void : never) extends (data: infer Data) => void
  ? Data
  : never

interface TypeOptions<S extends AnySchema> {
  /** The schema of the data: synchronous, not transforming, plain JSON. Checked at publish and when read. */
  readonly schema: S & Stable<S> & Plain<S> & Present<S>
  /**
   * The value that groups messages whose order matters, 1 to 1,024 characters. A type without one gives each
   * message a lane of its own: no order.
   */
  readonly context?: (data: Output<S>) => string
  /** Version of the shape, 1 (default) to 1,000,000; stored with each message. */
  readonly version?: number
  /** How data of older versions is brought to today's, step by step, when it is read. */
  readonly upcast?: Upcasts
}

export interface EventOptions<S extends AnySchema> extends TypeOptions<S> {}

export interface CommandOptions<S extends AnySchema, R extends AnySchema, F extends AnySchema> extends TypeOptions<S> {
  /** The schema of the reply; without it the command has none. */
  readonly reply?: R & Stable<R> & Plain<R>
  /** The schema of the data of a `Refused`. */
  readonly refusal?: F & Stable<F> & Plain<F>
  /**
   * Time in which it is to be handled, counted from when it was sent, milliseconds. One whose turn comes later is held
   * at the desk with `millrace/deadline-passed` and runs only if a rule or a person lets it; until its turn comes, the
   * health of the app says that it is late. Without it there is no limit.
   */
  readonly deadlineMs?: number
}

const typeOptions = ['schema', 'context', 'version', 'upcast']
const versionMax = 1_000_000

/**
 * Declares a type of event. Pure: the value can be shared by any number of apps.
 *
 * @param name what has happened, such as `order.placed`: a letter, then letters, digits, `.`, `_`, `-`, at most 100
 * @throws `millrace/bad-name`, `millrace/unknown-option`, `millrace/bad-option`
 */
export function event<const Name extends string, S extends AnySchema>(
  name: Name,
  options: EventOptions<S>,
): Event<Name, Output<S>> {
  checkOptions(`event "${name}"`, options, typeOptions)
  return Object.freeze({ kind: 'event', ...typeParts('event', name, options) })
}

/**
 * Declares a type of command, with the schemas of its reply and of the data of a refusal where it has them.
 *
 * @param name what to do, such as `stock.take`
 * @throws `millrace/bad-name`, `millrace/unknown-option`, `millrace/bad-option`
 */
export function command<
  const Name extends string,
  S extends AnySchema,
  R extends AnySchema = Schema<void>,
  F extends AnySchema = Schema<never>,
>(name: Name, options: CommandOptions<S, R, F>): Command<Name, Output<S>, Output<R>, Output<F>> {
  checkOptions(`command "${name}"`, options, [...typeOptions, 'reply', 'refusal', 'deadlineMs'])
  for (const part of ['reply', 'refusal'] as const) {
    if (options[part] !== undefined && !isSchema(options[part])) throw notASchema(`command "${name}": ${part}`)
  }
  const { reply, refusal } = options
  const deadlineMs =
    options.deadlineMs === undefined ? undefined : limit(`command "${name}"`, 'deadlineMs', options.deadlineMs)
  return Object.freeze({ kind: 'command', ...typeParts('command', name, options), reply, refusal, deadlineMs })
}

function typeParts<const Name extends string, S extends AnySchema>(what: string, name: Name, options: TypeOptions<S>) {
  const where = `${what} "${name}"`
  checkName(what, name)
  if (!isSchema(options.schema)) throw notASchema(`${where}: schema`)
  const { version = 1, upcast = {}, context } = options
  if (!Number.isSafeInteger(version) || version < 1 || version > versionMax) {
    const bounds = 'a whole number from 1 to 1,000,000'
    throw fault('millrace/bad-option', `${where}: version is ${String(version)}, but must be ${bounds}`)
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
  return { name, version, schema, contextOf: context, upcasts: upcast }
}

function notASchema(where: string) {
  return fault('millrace/bad-option', `${where} must be a schema of a Standard Schema library (zod, valibot, arktype)`)
}

/** For how long a topic or channel keeps messages that every processor has handled. */
export interface Retain {
  /** Keep messages at least so long, milliseconds. */
  readonly ageMs?: number
  /** Keep at least the newest messages that are together so large, bytes of data. */
  readonly bytes?: number
}

/** Where messages go: a {@link topic} or a {@link channel}. */
export interface Source<T extends MessageType = MessageType> {
  readonly kind: 'topic' | 'channel'
  readonly name: string
  readonly types: readonly T[]
  /** Names of types that were given up: their messages are passed over. */
  readonly retired: readonly string[]
  readonly retain: Retain | undefined
}
export interface Topic<T extends Event = Event> extends Source<T> {
  readonly kind: 'topic'
}
export interface Channel<T extends Command = Command> extends Source<T> {
  readonly kind: 'channel'
}

export interface SourceOptions {
  /** Names of types that were given up: their messages are passed over. A name never listed goes to the desk. */
  readonly retired?: readonly string[]
  /**
   * When messages may be removed; a message is, once it is older than `ageMs` (where set) and beyond the newest
   * `bytes` (where set). Never what a processor still needs. Default: topics keep everything, channels handled
   * commands for `channelRetainMs`.
   */
  readonly retain?: Retain
}

/**
 * Declares a topic: everyone who is on it gets each of its events, those published before too.
 *
 * @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option`, `millrace/duplicate-name`
 */
export function topic<const T extends readonly Event[]>(
  name: string,
  types: T,
  options: SourceOptions = {},
): Topic<T[number]> {
  return Object.freeze({ kind: 'topic', ...sourceParts('topic', 'event', name, types, options) })
}

/**
 * Declares a channel: exactly one processor serves its commands.
 *
 * @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option`, `millrace/duplicate-name`
 */
export function channel<const T extends readonly Command[]>(
  name: string,
  types: T,
  options: SourceOptions = {},
): Channel<T[number]> {
  return Object.freeze({ kind: 'channel', ...sourceParts('channel', 'command', name, types, options) })
}

function sourceParts<T extends MessageType>(
  what: string,
  kind: T['kind'],
  name: string,
  types: readonly T[],
  options: SourceOptions,
) {
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
        `${where}: retain.${key} is ${String(value)}, but must be a whole number from 0`,
      )
    }
  }
  return { name, types: [...types], retired: [...retired], retain }
}

/** A message as handlers get it. Frozen at run time, data and all; the same value for every processor. */
export interface Message<T extends MessageType = MessageType> {
  /** Time-ordered (UUIDv7), or the `id` that the publisher gave. */
  readonly id: string
  readonly type: T['name']
  /** Who published it: `/app` from outside, `/app/processor` for a processing event. */
  readonly source: string
  /** When it was published, milliseconds since 1970. */
  readonly time: number
  /** What groups messages whose order matters; undefined where the type has no context. */
  readonly context: string | undefined
  /** The id of the initiating event of the flow that it belongs to. */
  readonly correlationId: string
  /** The id of the message whose handling published it; undefined for an initiating event. */
  readonly causationId: string | undefined
  /** The version of its type as stored; `data` has today's shape all the same. */
  readonly version: number
  readonly data: DataOf<T>
}

/** What one does with an event, and with a command. */
export type Verb = 'publish' | 'send'

/** The types say it too; this is for plain JavaScript. */
export function checkVerb(where: string, verb: Verb, type: MessageType): void {
  if (type.kind === (verb === 'publish' ? 'event' : 'command')) return
  const other = verb === 'publish' ? 'send' : 'publish'
  throw fault(
    'millrace/wrong-verb',
    `${where}: "${type.name}" is ${type.kind === 'event' ? 'an event' : 'a command'}: ${other} it`,
  )
}
