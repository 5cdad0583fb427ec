// Gathers: elements of one context become one event. All of it happens in the transaction that acknowledges the element, or the
// command that says that its time is over.
//
//   none ──first element──→ gathering ──full, time over, or its condition becomes true──→ one event, none again
//                           └ another element → gathering
//
// The condition by itself:   armed ──beyond its bound──→ fired ──back over `rearm`──→ armed
//
// Whether a condition may fire belongs to its bounds: one with other bounds is armed anew. All else of a batch is of its elements
// alone, so that other bounds count from its next element on; the time of a batch is the one that it began with.
//
// Invariants: an element is in one batch at most; the time of a batch is over when the command comes whose id its group has,
// every other one is stale; a group without elements has no row, but for one whose condition has fired.
import { dataOf } from '../../model/codec.ts'
import { fault } from '../../model/errors.ts'
import type { Message, MessageType } from '../../model/message.ts'
import { inBrief } from '../../model/people.ts'
import { isPromise } from '../../model/promise.ts'
import type { GatheredElement, GatherGroup, GatherPlace, GatherTables } from '../../seam/gathers.ts'
import type { Collecting, OwnFunction } from '../commit/own-function.ts'

/** A number that says whether a condition is true: beyond one of two bounds. */
export interface WhenRule {
  readonly value: (elements: readonly unknown[]) => number
  readonly above: number | undefined
  readonly below: number | undefined
  /** Where the value has to have been in between to fire again. */
  readonly rearm: number | undefined
}

/** A gather as the engine runs it: checked, every default filled in. */
export interface GatherRule {
  readonly name: string
  /** By name. */
  readonly types: ReadonlyMap<string, MessageType>
  readonly publishes: MessageType
  /** The command that says that the time of a batch is over. */
  readonly due: MessageType
  readonly count: number
  readonly bytes: number
  readonly afterMs: number | undefined
  readonly when: WhenRule | undefined
  /** The number of elements kept for a condition that is alone; undefined where elements are kept until they are a batch. */
  readonly window: number | undefined
  readonly data: (elements: readonly unknown[]) => unknown
}

/** The data of the command. */
export interface Due {
  /** Empty where the elements have none. */
  readonly context: string
}

const none: GatherGroup = { count: 0, bytes: 0, armed: true, condition: null, timer: null }

/** Adds an element, and makes an event of its batch where that is full. */
export function addElement(rule: GatherRule, message: Message): OwnFunction {
  return async ({ gathers }, collect) => {
    const { name, when, window, due, afterMs } = rule
    const place = { gather: name, context: message.context ?? '' }
    const element = elementOf(rule, message)
    let group = grown((await gathers.group(place)) ?? none, element)
    await gathers.add(place, element)
    if (window !== undefined && group.count > window) {
      await gathers.keepNewest(place, window)
      group = { ...group, count: window }
    }
    let full = window === undefined && (group.count >= rule.count || group.bytes >= rule.bytes)
    if (when !== undefined) {
      const value = measured(rule, when, read(rule, await gathers.elements(place)))
      const condition = boundsOf(when, window)
      const ofOther = group.condition !== null && group.condition !== condition
      const looked = evaluate(when, { armed: group.armed || ofOther }, value)
      group = { ...group, armed: looked.armed, condition }
      full ||= looked.fires
    }
    if (full) {
      await flush({ rule, place, group }, gathers, collect)
      if (group.timer !== null) await gathers.cancel(due.name, group.timer)
      return
    }
    if (afterMs !== undefined && group.timer === null) {
      const { id } = collect('send', due, { context: place.context } satisfies Due, { delayMs: afterMs })
      group = { ...group, timer: id }
    }
    await gathers.save(place, group)
  }
}

/** Makes an event of a batch whose time is over; does nothing where it became one before. */
export function endTime(rule: GatherRule, { id, data }: Message): OwnFunction {
  return async ({ gathers }, collect) => {
    const place = { gather: rule.name, context: (data as Due).context }
    const group = await gathers.group(place)
    if (group?.timer === id) await flush({ rule, place, group }, gathers, collect)
  }
}

/** A batch that is to become an event. */
interface FullBatch {
  readonly rule: GatherRule
  readonly place: GatherPlace
  readonly group: GatherGroup
}

async function flush({ rule, place, group }: FullBatch, gathers: GatherTables, collect: Collecting): Promise<void> {
  const { publishes, data, window, when } = rule
  const made = data(read(rule, await gathers.elements(place)))
  if (isPromise(made)) throw gavePromise(rule, 'data')
  collect('publish', publishes, made, undefined)
  await gathers.clear(place)
  // A new batch begins with a condition that is not true yet, unless it says itself when that is.
  const armed = group.armed || (window === undefined && when?.rearm === undefined)
  await gathers.save(place, armed ? undefined : { ...none, armed, condition: group.condition })
}

function elementOf({ types }: GatherRule, { type, data }: Message): GatheredElement {
  // As handlers get it: in today's shape.
  return { type, version: types.get(type)!.version, json: JSON.stringify(data) }
}

function grown(group: GatherGroup, { json }: GatheredElement): GatherGroup {
  return { ...group, count: group.count + 1, bytes: group.bytes + Buffer.byteLength(json) }
}

/** The data of the elements, in order, frozen. */
function read({ name, types }: GatherRule, elements: readonly GatheredElement[]): readonly unknown[] {
  const data = elements.map(({ type: typeName, version, json }) => {
    const type = types.get(typeName)
    if (type !== undefined) return dataOf(type, version, json)
    throw fault(
      'millrace/unknown-type',
      `gather "${name}" has elements of "${typeName}", which its \`of\` does not have any longer`,
    )
  })
  return Object.freeze(data)
}

const gavePromise = ({ name }: Pick<GatherRule, 'name'>, what: string) =>
  fault('millrace/bad-data', `gather "${name}": ${what} returned a promise, but must return its value at once`)

function measured({ name }: GatherRule, { value }: WhenRule, elements: readonly unknown[]): number {
  const found: unknown = value(elements)
  if (isPromise(found)) throw gavePromise({ name }, 'when.value')
  if (typeof found === 'number' && !Number.isNaN(found)) return found
  throw fault('millrace/bad-data', `gather "${name}": when.value gave ${inBrief(found)}, not a number`)
}

/** The bounds of a condition, as they are kept beside what became of it. */
const boundsOf = ({ above, below, rearm }: WhenRule, window: number | undefined) =>
  JSON.stringify({ above, below, rearm, window })

/** Evaluates a condition at a value: does it fire, and may it fire at the next one? */
export function evaluate(
  { above, below, rearm }: Omit<WhenRule, 'value'>,
  { armed }: Pick<GatherGroup, 'armed'>,
  value: number,
): { readonly fires: boolean; readonly armed: boolean } {
  const beyond = above !== undefined ? value > above : value < below!
  if (armed) return { fires: beyond, armed: !beyond }
  const back = above !== undefined ? value <= (rearm ?? above) : value >= (rearm ?? below!)
  return { fires: false, armed: back }
}
