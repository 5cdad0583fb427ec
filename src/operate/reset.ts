// A reset of a processor by a person: what is asked for, whether it may be, what it will do.
import type { Effects, ResetFacts, ResetTo, SentCount } from '../engine/reset-facts.ts'
import type { ResetPlace, ResetRequest } from '../engine/resets.ts'
import { checkActor } from '../model/desk.ts'
import { fault } from '../model/errors.ts'
import { dateMs } from '../model/kinds.ts'
import { suggest } from '../model/names.ts'
import { shownValue } from '../model/people.ts'
import type { Part } from '../parts/part.ts'
import type { Processor } from '../parts/processor.ts'
import type { ResetOptions, ResetPlan } from './reset-plan.ts'
import { processorsOf, typesOf } from './rows.ts'

/** A processor of the parts of an app, as a reset needs it. */
export interface Wired {
  readonly name: string
  readonly on: { readonly name: string; readonly kind: 'topic' | 'channel' }
  /** The part that publishes and sends for it. */
  readonly by: string
  /** The names of the types that it may publish and send, each with its topic or channel. */
  readonly effects: readonly { readonly type: string; readonly destination: string }[]
  /** It publishes, sends or starts flows. */
  readonly reachesOut: boolean
}

/** The processors of an app, each with what it may do to the world. */
export function wiredOf(parts: readonly Part[], processors: readonly Processor[] = processorsOf(parts)): Wired[] {
  const types = typesOf(parts)
  const mediators = new Map(parts.flatMap((part) => (part.kind === 'mediator' ? [[part.name, part] as const] : [])))
  return processors.map(({ name, on, publishes, sends, partOf = name, runsAhead = false, delivers }) => {
    const mediator = mediators.get(partOf)
    const own = mediator === undefined ? [...publishes, ...sends] : [...mediator.publishes, ...mediator.sends]
    const effects = own.flatMap((type) => {
      const destination = types.get(type.name)?.destination.name
      // The command by which a gather tells itself the time is nothing to the world.
      return destination === undefined || type.name === `${partOf}.due` ? [] : { type: type.name, destination }
    })
    const by = mediator === undefined ? name : partOf
    return {
      name,
      on: { name: on.name, kind: on.kind },
      by,
      effects,
      reachesOut: runsAhead || delivers !== undefined || own.length > 0,
    }
  })
}

/** @throws `millrace/unknown-processor` */
export function namedIn(wired: readonly Wired[], name: string): Wired {
  const found = wired.find((one) => one.name === name)
  if (found !== undefined) return found
  const near = suggest(
    name,
    wired.map((one) => one.name),
  )
  throw fault('millrace/unknown-processor', `the app has no processor "${name}"${near}`)
}

/**
 * Reads where a processor is to begin.
 *
 * @throws `millrace/bad-option`
 */
export function resetTo(to: unknown): ResetTo {
  if (to === 'beginning' || to === 'now') return to
  if (Number.isSafeInteger(to) && (to as number) >= 1) return to as number
  const ms = dateMs(to) ?? (typeof to === 'string' && isoDate.test(to) ? Date.parse(to) : Number.NaN)
  if (!Number.isNaN(ms)) return new Date(ms)
  const what = 'must be beginning, now, a date or a position from 1'
  throw fault('millrace/bad-option', `processors.reset: to is ${shownValue(to)}, but ${what}`)
}

/** As a date goes over the control socket, and as people write it. */
const isoDate = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/

/**
 * Refuses a reset by the kind of the processor.
 *
 * @throws `millrace/on-channel`
 */
export function checkResettable({ name, on }: Wired): void {
  if (on.kind === 'topic') return
  const why = 'its commands were answered, or their senders wait for one answer'
  throw fault('millrace/on-channel', `processor "${name}" serves channel "${on.name}": ${why}`)
}

/**
 * Refuses a reset that puts messages into the world again.
 *
 * @throws `millrace/sends-again`
 */
function checkSendsAgain({ name, reachesOut }: Wired, { again }: ResetFacts, sent: readonly SentCount[]): void {
  if (again === 0 || !reachesOut) return
  const counts = sent.map(({ type, count }) => `${count} ${type}`).join(', ')
  const handles = `processor "${name}" would handle ${again} ${again === 1 ? 'message' : 'messages'} again`
  const effects =
    counts === '' ? 'it may publish, send, deliver or start flows' : `since these came it has sent ${counts}`
  throw fault('millrace/sends-again', `${handles}; ${effects}`, { data: { again, sent } })
}

/** The running app, or the store of a stopped one, as a reset needs it. */
export interface ResetBackend {
  look(place: ResetPlace): Promise<ResetFacts>
  sent(destination: string, begins: number, effects: Effects): Promise<SentCount[]>
  reset(request: ResetRequest): Promise<ResetFacts>
}

/** The names of the app, of its actor, and what it has. */
export interface ResetOf {
  readonly app: string
  readonly itself: string
  readonly processor: Wired
}

/** Says what a reset will do, and does it unless only that is asked for. Errors: as of `Processors.reset`. */
export async function resetOn(backend: ResetBackend, of: ResetOf, options: ResetOptions): Promise<ResetPlan> {
  const { app, itself, processor } = of
  const { name, on, by, effects } = processor
  const place = { processor: name, destination: on.name, to: resetTo(options.to) }
  const actor = checkActor('reset', { by: options.by ?? itself, reason: options.reason })
  checkResettable(processor)
  const facts = await backend.look(place)
  const counts = facts.again > 0 && effects.length > 0
  const sent = counts ? await backend.sent(on.name, facts.begins, { source: `/${app}/${by}`, types: effects }) : []
  const plan = { name, on: on.name, sent }
  if (options.dryRun === true) return { ...plan, ...facts, done: false }
  const check = (now: ResetFacts) => {
    if (options.againToTheWorld !== true) checkSendsAgain(processor, now, sent)
  }
  check(facts)
  return { ...plan, ...(await backend.reset({ ...place, actor, check })), done: true }
}
