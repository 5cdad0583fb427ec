import { ownFunction } from '../engine/commit/own-function.ts'
import type { Handling } from '../engine/spec.ts'
import { addElement, type Due, endTime, type GatherRule, type WhenRule } from '../engine/time/gathers.ts'
import { fault } from '../model/errors.ts'
import { channel, command, type DataFor, type DataOf, type Event, type Message, type Topic } from '../model/message.ts'
import { checkName } from '../model/names.ts'
import { checkOptions, defaults, limit } from '../model/options.ts'
import { shownValue } from '../model/people.ts'
import type { Schema } from '../model/schema.ts'
import type { StartAt } from '../model/streams.ts'
import { checkOnTopic, checkOwner, checkRenamedFrom, type RenamedFrom } from './check.ts'
import { type Processor, processor } from './processor.ts'

/** A condition on the elements of a batch. It fires when a number computed from them crosses a bound. */
export interface When<Elements> {
  /** Computes the number from the elements so far. It is called with each new element. */
  readonly value: (elements: Elements) => number
  /** Fires when the value is above this. Give either `above` or `below`. */
  readonly above?: number | undefined
  /** Fires when the value is below this. */
  readonly below?: number | undefined
  /**
   * Hysteresis: after the condition has fired, it fires again only once the value was back at this, or beyond it on the
   * side away from the bound. So a value that oscillates around the bound fires once. Default: the bound itself.
   */
  readonly rearm?: number | undefined
}

/**
 * Options of {@link gather}. A batch is full by `count`, `bytes`, `afterMs` or `when`, whichever comes first; give at
 * least one of them.
 */
export interface GatherOptions<S extends Event, T extends readonly S[], F extends Event> {
  /** The topic that it listens to. */
  readonly on: Topic<S>
  /** The events of the topic that it gathers. */
  readonly of: T
  /** The event that a batch becomes, on a topic of the app; it must not be one of the gathered events. */
  readonly publishes: F
  /** Number of elements that make a batch, 1 to 100,000, with `when` at most 1,000; default without a window: 100,000. */
  readonly count?: number | undefined
  /** Size of the elements that make a batch, bytes of data as JSON, 1 to 256 MiB; default without a window: 16 MiB. */
  readonly bytes?: number | undefined
  /** Time after the first element at which the elements so far are a batch, milliseconds, 1 to 365 days. */
  readonly afterMs?: number | undefined
  /**
   * A condition that completes the batch when it becomes true. Alone it looks at the `window` newest elements, and older
   * ones are dropped. With another bound it looks at all elements of the batch.
   */
  readonly when?: When<readonly DataOf<T[number]>[]> | undefined
  /** The number of newest elements that a condition alone looks at, 1 to 1,000, default 1. */
  readonly window?: number | undefined
  /** The starting point of a new gather: `'beginning'` (default), `'now'` or a date. */
  readonly startAt?: StartAt | undefined
  /**
   * The earlier name of a gather that was renamed, or a list of them. At its first start under the new name it takes over
   * what the old one had: its progress, its open batches and their times, and its messages at the desk. Keep it until every store has been started with the new name once.
   */
  readonly renamedFrom?: RenamedFrom | undefined
  /** Who answers for it, in words for people, 1 to 200 characters: a team, an address, a channel. */
  readonly owner?: string | undefined
  /** Computes the data of the event from the data of the elements, in order. It may be called again with the same elements. */
  readonly data: (elements: readonly DataOf<T[number]>[]) => DataFor<F>
}

/** A gather as a part of an app. */
export interface Gather {
  readonly kind: 'gather'
  readonly name: string
  readonly on: Topic
  readonly of: readonly Event[]
  readonly publishes: Event
  /** The processors that run it: one with its name, and `NAME.due`, which ends batches by time. */
  readonly processors: readonly Processor[]
}

const known = [
  'on',
  'of',
  'publishes',
  'count',
  'bytes',
  'afterMs',
  'when',
  'window',
  'startAt',
  'renamedFrom',
  'owner',
  'data',
]
const dueSuffix = '.due'
const nameCharsMax = 100 - dueSuffix.length

/**
 * Declares a gather (an aggregator): it turns enough elements of one context into one event. Each element is in one event, in
 * the order of its lane, exactly once, despite any crash. Elements of types without a context form one batch together.
 * When `data` throws or its result does not fit the schema, the message that completed the batch fails as in any
 * handler: it is tried again, then held.
 *
 * @param name a name as of `event`, at most 96 characters, unique in the app
 * @param options the events that it takes, the bounds of a batch, and the event that it publishes
 * @returns the gather, a part of an app
 * @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option`
 *
 * @example
 * ```ts
 * const digest = gather('digest', {
 *   on: Orders,
 *   of: [OrderPlaced],
 *   publishes: OrdersDigested,
 *   count: 100, // or what has come within a minute
 *   afterMs: 60_000,
 *   data: (orders) => ({ orderIds: orders.map(({ orderId }) => orderId) }),
 * })
 * ```
 */
export function gather<S extends Event, const T extends readonly S[], F extends Event>(
  name: string,
  options: GatherOptions<S, T, F>,
): Gather {
  checkName('gather', name)
  const where = `gather "${name}"`
  if (name.length > nameCharsMax) {
    throw fault('millrace/bad-name', `${where}: the name has ${name.length} characters, at most ${nameCharsMax}`)
  }
  checkOptions(where, options, known)
  const { on, of, publishes, startAt, data } = options
  checkTypes(where, on, of, publishes)
  const renamedFrom = checkRenamedFrom(where, name, options.renamedFrom)
  const owner = checkOwner(where, options.owner)
  if (typeof data !== 'function') {
    throw fault('millrace/bad-option', `${where}: data must be a function from elements to the data of the event`)
  }
  const due = command(`${name}${dueSuffix}`, { schema: dueSchema })
  const types = new Map(of.map((type) => [type.name, type]))
  const rule: GatherRule = { name, types, publishes, due, data: data as GatherRule['data'], ...bounds(where, options) }
  const add = (message: Message, { commit }: Handling) => commit(ownFunction(addElement(rule, message)))
  const end = (message: Message, { commit }: Handling) => commit(ownFunction(endTime(rule, message)))
  const adds = processor(name, {
    on,
    publishes: [publishes],
    sends: [due],
    startAt,
    renamedFrom,
    owner,
    handle: Object.fromEntries(of.map((type) => [type.name, add])) as never,
  })
  const ends = processor(due.name, {
    on: channel(due.name, [due]),
    publishes: [publishes],
    renamedFrom: renamedFrom.map((earlier) => `${earlier}${dueSuffix}`),
    owner,
    handle: { [due.name]: end } as never,
  })
  const processors = [adds, { ...ends, ownsChannel: true }].map((one) =>
    Object.freeze({ ...one, partOf: name, partKind: 'gather' as const }),
  )
  return Object.freeze({ kind: 'gather', name, on, of, publishes, processors })
}

function checkTypes(where: string, on: Topic, of: readonly Event[], publishes: Event): void {
  checkOnTopic(where, on)
  if (!Array.isArray(of) || of.length === 0) {
    throw fault('millrace/bad-option', `${where}: of must be a list of events, at least one`)
  }
  const stranger = of.find((type) => !on.types.includes(type))
  if (stranger !== undefined) {
    throw fault('millrace/bad-option', `${where}: of has "${stranger?.name}", which is not on topic "${on.name}"`)
  }
  if (publishes?.kind !== 'event') throw fault('millrace/bad-option', `${where}: publishes must be an event`)
  if (of.includes(publishes)) {
    throw fault('millrace/bad-option', `${where}: it must not gather "${publishes.name}", which it publishes`)
  }
}

type Bounds = Pick<GatherRule, 'count' | 'bytes' | 'afterMs' | 'when' | 'window'>
interface BoundOptions {
  readonly count?: number | undefined
  readonly bytes?: number | undefined
  readonly afterMs?: number | undefined
  // biome-ignore lint/suspicious/noExplicitAny: elements of any types
  readonly when?: When<any> | undefined
  readonly window?: number | undefined
}

function bounds(where: string, { count, bytes, afterMs, when, window }: BoundOptions): Bounds {
  const batch = [count, bytes, afterMs].some((bound) => bound !== undefined)
  if (!batch && when === undefined) {
    throw fault('millrace/bad-option', `${where}: say when a batch is full: count, bytes, afterMs or when`)
  }
  if (window !== undefined && (batch || when === undefined)) {
    throw fault(
      'millrace/bad-option',
      `${where}: window needs a when without count, bytes and afterMs: with these, all elements of the batch are kept`,
    )
  }
  const countMax = when === undefined ? defaults.count.max : defaults.window.max
  if (count !== undefined && count > countMax && count <= defaults.count.max) {
    throw fault(
      'millrace/bad-option',
      `${where}: count is ${count}, but must be at most ${countMax} with when, which reads all elements each time`,
    )
  }
  return {
    count: Math.min(limit(where, 'count', count), countMax),
    bytes: limit(where, 'bytes', bytes),
    afterMs: afterMs === undefined ? undefined : limit(where, 'afterMs', afterMs),
    when: when === undefined ? undefined : whenOf(`${where}: when`, when),
    window: batch ? undefined : limit(where, 'window', window),
  }
}

function whenOf(where: string, when: When<never>): WhenRule {
  checkOptions(where, when, ['value', 'above', 'below', 'rearm'])
  const { value, above, below, rearm } = when
  if (typeof value !== 'function')
    throw fault('millrace/bad-option', `${where}: value must be a function of the elements`)
  for (const [name, bound] of Object.entries({ above, below, rearm })) {
    if (bound === undefined || Number.isFinite(bound)) continue
    throw fault('millrace/bad-option', `${where}: ${name} is ${shownValue(bound)}, but must be a finite number`)
  }
  if ((above === undefined) === (below === undefined)) {
    throw fault('millrace/bad-option', `${where}: give either above or below`)
  }
  if (rearm !== undefined && (above !== undefined ? rearm > above : rearm < below!)) {
    const side = above !== undefined ? `above ${above}` : `below ${below}`
    throw fault('millrace/bad-option', `${where}: rearm is ${rearm}, where the value is still ${side}`)
  }
  return { value: value as WhenRule['value'], above, below, rearm }
}

/** Only the gather itself sends these commands; anything else is refused. */
const dueSchema: Schema<Due> = {
  '~standard': {
    version: 1,
    vendor: 'millrace',
    validate: (value) => {
      const { context } = (value ?? {}) as Partial<Due>
      if (typeof context === 'string') return { value: { context } }
      return { issues: [{ message: 'must be a string', path: ['context'] }] }
    },
  },
}
