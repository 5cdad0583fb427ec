import type { Attributes } from './attributes.ts'
import { fault, isMillraceError, type MillraceError } from './errors.ts'
import { toldOfFrozen } from './frozen.ts'
import { isPlainPrototype } from './kinds.ts'
import type { Message, MessageType } from './message.ts'
import { own } from './names.ts'
import { forPeople, inBrief, read } from './people.ts'
import { isPromise } from './promise.ts'
import type { Refused } from './refused.ts'
import { check, named } from './schema.ts'
import { checkUnmasked } from './unmasked.ts'

export type Asker = 'app' | 'flow'

/** The fields of a message beside its type and data. */
export interface Stamp {
  readonly stream: number
  readonly id: string
  readonly ownId: boolean
  readonly asked?: Asker | undefined
  readonly source: string
  readonly time: number
  /** The due time, milliseconds since 1970; default 0: at once. */
  readonly due?: number | undefined
  readonly correlationId: string
  readonly causationId: string | null
  /** As of `Stored`. */
  readonly trace: string | null
  /** Of a message from elsewhere; default null. */
  readonly attributes?: Attributes | null | undefined
}

/**
 * A message as it is stored and moved: one row of a log. The same object goes from publish to the log and, from memory,
 * on to the processors. `position` is 0 until it is appended.
 *
 * A class, because V8 eventually allocates the objects of a literal in the old generation. There each message would
 * keep alive all that it refers to until the next full collection.
 */
export class Stored {
  /** The stream it is in: a topic or channel, and a partition. */
  readonly stream: number
  position = 0
  readonly id: string
  /** True where the publisher gave the id; then publishing with it again adds nothing. */
  readonly ownId: boolean
  /**
   * The kind of caller that waits for the reply of a command: an app that requested it, or a flow; undefined for none.
   */
  readonly asked: Asker | undefined
  readonly type: string
  readonly version: number
  readonly source: string
  /** The time at which it entered the log, milliseconds since 1970; for a delayed message, the time of publishing. */
  readonly time: number
  /** The time at which it is to enter the log, milliseconds since 1970; 0 for at once. */
  readonly due: number
  readonly context: string | null
  readonly correlationId: string
  readonly causationId: string | null
  /** Its place in a trace: `traceparent`, and after a space `tracestate` where the app's own message has one. */
  trace: string | null
  /** Of a message that another system has made, whose `source` and `id` are its identity. Null for the app's own. */
  readonly attributes: Attributes | null
  /** The data as JSON. */
  readonly json: string
  /** The parsed data, for {@link decode} alone; undefined where the message comes from disk. */
  readonly plain: unknown
  /** The result of {@link decode}, kept so that ten processors decode once. */
  decoded: Message | MillraceError | undefined = undefined

  constructor(
    type: string,
    version: number,
    stamp: Stamp,
    context: string | null,
    json: string,
    plain: unknown = undefined,
  ) {
    this.stream = stamp.stream
    this.id = stamp.id
    this.ownId = stamp.ownId
    this.asked = stamp.asked
    this.type = type
    this.version = version
    this.source = stamp.source
    this.time = stamp.time
    this.due = stamp.due ?? 0
    this.context = context
    this.correlationId = stamp.correlationId
    this.causationId = stamp.causationId
    this.trace = stamp.trace
    this.attributes = stamp.attributes ?? null
    this.json = json
    this.plain = plain
  }
}

/** Tests for a message of the app itself with an id; a message from another system may have the same id. */
export const isOwn = (message: Stored, id: string): boolean => message.id === id && message.attributes === null

const contextCharsMax = 1_024

/**
 * Checks data and makes a message from them.
 *
 * @throws `millrace/bad-data`, `millrace/async-schema`, `millrace/not-json`, `millrace/bad-context`,
 *   `millrace/too-large`
 */
export function encode(type: MessageType, data: unknown, stamp: Stamp, bytesMax: number): Stored {
  const output = check('data of', type.schema, data, type)
  const plain = plainOf('data of', output, type)
  const json = JSON.stringify(plain)
  checkSize('data of', json, bytesMax, type)
  return new Stored(type.name, type.version, stamp, contextOf(type, output), json, plain)
}

/**
 * Makes the same message with other data, in the current version.
 *
 * @throws as of {@link encode}; `millrace/context-changed`, `millrace/masked`
 */
export function replaceData(type: MessageType, message: Stored, data: unknown, bytesMax: number): Stored {
  checkUnmasked(type, message.json, data)
  const next = encode(type, data, message, bytesMax)
  if (next.context !== message.context) {
    const contexts = `${JSON.stringify(message.context)} to ${JSON.stringify(next.context)}`
    throw fault('millrace/context-changed', `the corrected data would move "${type.name}" from context ${contexts}`)
  }
  next.position = message.position
  return next
}

/**
 * Returns a value as JSON returns it, for a value that is kept as JSON but is not message data. Errors call it `what`,
 * of the type where one is given.
 *
 * @throws `millrace/not-json`, `millrace/too-large`
 */
export function asJson(what: string, value: unknown, bytesMax: number, type?: MessageType): unknown {
  const plain = plainOf(what, value, type)
  checkSize(what, JSON.stringify(plain), bytesMax, type)
  return plain
}

/**
 * The refusal for the asker, whole, as JSON returns it.
 *
 * @throws `millrace/not-json`, `millrace/too-large`
 */
export function refusalOf(type: MessageType, { message, data }: Refused, bytesMax: number): Refusal {
  const what = 'refusal of'
  const said = forPeople(message, Number.POSITIVE_INFINITY)
  let json: string | undefined
  try {
    json = data === undefined ? undefined : JSON.stringify(data)
  } catch (cause) {
    throw fault('millrace/not-json', `${named(what, type)} cannot be written as JSON: ${inBrief(cause)}`, { cause })
  }
  checkSize(what, said + (json ?? ''), bytesMax, type)
  return json === undefined ? { message: said } : { message: said, data: JSON.parse(json) }
}

export interface Refusal {
  readonly message: string
  readonly data?: unknown
}

function checkSize(what: string, json: string, bytesMax: number, type: MessageType | undefined): void {
  if (json.length * 3 <= bytesMax) return
  const bytes = Buffer.byteLength(json)
  if (bytes <= bytesMax) return
  throw fault('millrace/too-large', `${named(what, type)} is ${bytes} bytes, but must be at most ${bytesMax}`)
}

/** Copies a value as if it were written as JSON and read again; throws where JSON would change it. */
function plainOf(of: string, output: unknown, type: MessageType | undefined): unknown {
  const path: string[] = []
  let plain: unknown
  try {
    plain = copy(output, path)
  } catch (error) {
    const cause = circleIn(output) ?? error
    throw fault('millrace/not-json', `${named(of, type)} cannot be written as JSON: ${inBrief(cause)}`, { cause })
  }
  if (plain !== unfit) return plain
  throw fault('millrace/not-json', `${named(of, type)} is not plain JSON: ${describe(output, path)}`)
}

const unfit = Symbol('what JSON does not carry')

/** Copies what JSON would return; returns `unfit` where that differs, and then fills `path` with the way to it. */
function copy(value: unknown, path: string[]): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      // JSON has no -0.
      return Number.isFinite(value) ? value + 0 : unfit
    case 'object':
      break
    default:
      return unfit
  }
  if (value === null) return null
  return Array.isArray(value) ? copyList(value, path) : copyObject(value, path)
}

function copyList(list: readonly unknown[], path: string[]): unknown {
  const copied: unknown[] = []
  for (let index = 0; index < list.length; index++) {
    const child = copy(list[index], path)
    if (child === unfit) {
      path.unshift(String(index))
      return unfit
    }
    copied.push(child)
  }
  return copied
}

function copyObject(value: object, path: string[]): unknown {
  if (!isPlainPrototype(Object.getPrototypeOf(value))) return unfit
  const copied: Record<string, unknown> = {}
  for (const key in value) {
    const own = (value as Record<string, unknown>)[key]
    // An optional property may be undefined: JSON leaves it out.
    if (own === undefined) continue
    const child = copy(own, path)
    if (child === unfit) {
      path.unshift(key)
      return unfit
    }
    if (key !== '__proto__') copied[key] = child
    else Object.defineProperty(copied, key, { value: child, enumerable: true, configurable: true, writable: true })
  }
  return copied
}

/** The error that JSON throws for a circle. */
function circleIn(value: unknown): unknown {
  try {
    JSON.stringify(value)
    return undefined
  } catch (error) {
    return error
  }
}

function describe(output: unknown, path: readonly string[]): string {
  let value = output
  for (const key of path) value = typeof value === 'object' && value !== null ? read(value, key) : undefined
  const kind = typeof value === 'object' && value !== null ? read(value, 'constructor') : undefined
  const name = typeof kind === 'function' ? `a ${forPeople(read(kind, 'name'))}` : typeof value
  const what = typeof value === 'number' ? String(value) : name
  return path.length === 0 ? what : `${path.join('.')} is ${what}`
}

function contextOf(type: MessageType, output: unknown): string | null {
  if (type.contextOf === undefined) return null
  let context: unknown
  try {
    context = type.contextOf(output)
  } catch (cause) {
    const frozen = toldOfFrozen(`context of ${type.kind} "${type.name}"`, cause, output)
    if (frozen !== cause) throw frozen
    throw badContext(type, `cannot be told: ${inBrief(cause)}`, cause)
  }
  return checkContext(type, context)
}

/** Refuses a bad context. Errors: `millrace/bad-context`. */
export function checkContext(type: MessageType, context: unknown): string {
  if (typeof context !== 'string') {
    throw badContext(type, isPromise(context) ? 'is a promise, not a string' : `is ${typeof context}, not a string`)
  }
  if (context.length === 0 || context.length > contextCharsMax) {
    throw badContext(type, `is a string of ${context.length} characters, not of 1 to 1,024`)
  }
  if (!context.isWellFormed()) throw badContext(type, 'is half a character: a lone surrogate')
  return context
}

const badContext = ({ kind, name }: MessageType, why: string, cause?: unknown) =>
  fault('millrace/bad-context', `context of ${kind} "${name}" ${why}`, { cause })

/**
 * Returns the message of a stored row in the current shape: parsed, upcast from older versions, checked, frozen. It is
 * decoded once for all processors; a row that does not fit throws the same error for each.
 *
 * @throws `millrace/bad-data`, `millrace/newer-version`, `millrace/no-upcast`
 */
export function decode(type: MessageType, stored: Stored): Message {
  stored.decoded ??= attemptDecode(type, stored)
  if (isMillraceError(stored.decoded)) throw stored.decoded
  return stored.decoded
}

function attemptDecode(type: MessageType, stored: Stored): Message | MillraceError {
  try {
    const { version, json, plain } = stored
    const data = dataOf(type, version, json, plain)
    return Object.freeze(new Plain(stored, data))
  } catch (cause) {
    if (isMillraceError(cause)) return cause
    throw cause
  }
}

/**
 * Makes plain objects, as a literal would. V8 counts how many objects of a literal survive, and eventually allocates
 * new ones in the old generation, where each keeps its data alive. It does not do so for a constructor.
 */
const Plain = function (this: Writable<Message>, stored: Stored, data: unknown) {
  this.id = stored.id
  this.type = stored.type
  this.source = stored.source
  this.time = stored.time
  this.context = stored.context ?? undefined
  this.correlationId = stored.correlationId
  this.causationId = stored.causationId ?? undefined
  this.version = stored.version
  this.data = data
  const { attributes } = stored
  if (attributes !== null && Object.keys(attributes).length > 0) this.attributes = attributes
} as unknown as new (
  stored: Stored,
  data: unknown,
) => Message

Plain.prototype = Object.prototype

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

/**
 * Returns stored data in the current shape: parsed (unless the caller passes unshared `plain` data), upcast from older
 * versions, checked, frozen. Errors as of `decode`.
 */
export function dataOf(type: MessageType, version: number, json: string, plain?: unknown): unknown {
  try {
    const isToday = version === type.version
    let data: unknown = isToday && plain !== undefined ? plain : JSON.parse(json)
    if (isToday) check('stored data of', type.schema, data, type)
    else data = check(`stored data of version ${version} of`, type.schema, upcast(type, version, data), type)
    return deepFreeze(data)
  } catch (cause) {
    const what = `stored data of ${type.kind} "${type.name}"`
    throw isMillraceError(cause) ? cause : fault('millrace/bad-data', `${what}: ${inBrief(cause)}`, { cause })
  }
}

function upcast(type: MessageType, from: number, data: unknown): unknown {
  if (from > type.version) {
    throw fault(
      'millrace/newer-version',
      `"${type.name}" is stored in version ${from}, this code knows ${type.version}`,
    )
  }
  let shape = data
  for (let version = from; version < type.version; version++) {
    const step = own(type.upcasts, version)
    if (step === undefined) {
      throw fault('millrace/no-upcast', `"${type.name}" is stored in version ${from} and has no upcast from ${version}`)
    }
    const what = `the upcast of "${type.name}" from version ${version}`
    try {
      shape = step(shape)
    } catch (cause) {
      throw fault('millrace/bad-data', `${what} throws: ${inBrief(cause)}`, { cause })
    }
    if (isPromise(shape)) {
      throw fault('millrace/bad-data', `${what} returned a promise, but must return its value at once`)
    }
  }
  // The result of an upcast is data like any other: copying it through JSON makes memory and disk agree.
  return JSON.parse(JSON.stringify(shape) ?? 'null')
}

/** The stored data of a message, with their version. */
export interface StoredData {
  readonly version: number
  readonly json: string
}

/**
 * Compares the data of two messages of a type that share an id: as stored where their versions agree, else in the
 * current shape. Data of a version that this code does not know or cannot upcast count as different.
 */
export function sameData(type: MessageType | undefined, first: StoredData, again: StoredData): boolean {
  if (first.version === again.version && first.json === again.json) return true
  try {
    const shape = ({ version, json }: StoredData) =>
      first.version === again.version ? JSON.parse(json) : dataOf(type!, version, json)
    return sameJson(shape(first), shape(again))
  } catch {
    return false
  }
}

/** Compares two values parsed from JSON, ignoring the order of properties. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  const valueIn = (of: object, name: string) => (of as Record<string, unknown>)[name]
  return names.every((name) => Object.hasOwn(b, name) && sameJson(valueIn(a, name), valueIn(b, name)))
}

/** Parses stored data; returns the text where it is not JSON. */
export function asStored(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return json
  }
}

export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const key in value) {
    const child = value[key]
    if (typeof child === 'object' && child !== null) deepFreeze(child)
  }
  return Object.freeze(value)
}
