// Checks that the parts of an app fit together, before anything starts.
import type { HandlerSpec, ProcessorSpec, ScheduleSpec } from '../engine/spec.ts'
import { fault } from '../model/errors.ts'
import { failures } from '../model/failures.ts'
import { checkIsType, type Destination, type MessageType } from '../model/message.ts'
import { own, suggest } from '../model/names.ts'
import type { DeskPart } from './desk.ts'
import type { Gather } from './gather.ts'
import type { Hook } from './hook.ts'
import type { AnyMediator } from './mediator.ts'
import type { Part } from './part.ts'
import type { Processor } from './processor.ts'
import { processorsOf } from './processors.ts'
import type { Route } from './route.ts'
import type { Schedule } from './schedule.ts'

export interface Wiring {
  readonly destinations: readonly Destination[]
  /** All processors, also those of gathers, routes and mediators. */
  readonly processors: readonly Processor[]
  readonly desks: readonly DeskPart[]
  readonly schedules: readonly Schedule[]
  readonly mediators: readonly AnyMediator[]
  /** The topic or channel of each type. */
  readonly destinationOf: ReadonlyMap<MessageType, Destination>
}

/**
 * @throws `millrace/duplicate-name`, `millrace/type-on-two-topics`, `millrace/type-without-topic`,
 *   `millrace/channel-unserved`, `millrace/channel-served-twice`, `millrace/bad-option`
 */
export function wire(app: string, parts: readonly Part[]): Wiring {
  if (!Array.isArray(parts)) throw fault('millrace/bad-option', `app "${app}": parts must be a list`)
  const processors: Processor[] = []
  const desks: DeskPart[] = []
  const schedules: Schedule[] = []
  const gathers: Gather[] = []
  const mediators: AnyMediator[] = []
  const routes: Route[] = []
  const hooks: Hook[] = []
  const destinations = new Map<string, Destination>()
  const addDestination = (destination: Destination) => {
    const other = destinations.get(destination.name)
    if (other !== undefined && other !== destination) {
      throw fault('millrace/duplicate-name', `app "${app}": two topics or channels are called "${destination.name}"`)
    }
    destinations.set(destination.name, destination)
  }
  parts.forEach((part, index) => {
    if (part?.kind === 'topic' || part?.kind === 'channel') addDestination(part)
    else if (part?.kind === 'processor') processors.push(part)
    else if (part?.kind === 'mediator') mediators.push(part)
    else if (part?.kind === 'route') routes.push(part)
    else if (part?.kind === 'gather') gathers.push(part)
    else if (part?.kind === 'schedule') schedules.push(part)
    else if (part?.kind === 'desk') desks.push(part)
    else if (part?.kind === 'hook') hooks.push(part)
    else throw fault('millrace/bad-option', `app "${app}": part ${index} is no part: ${describe(part)}`)
  })
  checkNames(app, [...processors, ...mediators, ...routes, ...gathers, ...schedules, ...desks, ...hooks])
  const named = [...processors, ...gathers.flatMap((gather) => gather.processors), ...routes]
  for (const { on } of [...named, ...mediators, ...desks]) if (on !== undefined) addDestination(on)
  addDestination(failures)
  checkDesks(app, desks)
  const destinationOf = typesOf(app, destinations.values())
  for (const part of [...mediators, ...routes]) {
    const missing = part.starts.find((other) => !mediators.includes(other))
    if (missing === undefined) continue
    const what = `${part.kind} "${part.name}" starts mediator "${missing.name}", which is no part of the app`
    throw fault('millrace/unknown-part', `app "${app}": ${what}`)
  }
  for (const mediator of mediators) {
    const { name, sends, publishes, waits } = mediator
    for (const type of [...sends, ...publishes, ...waits]) checkKnown(`mediator "${name}"`, type, destinationOf)
  }
  const running = processorsOf(parts, destinationOf)
  checkNames(app, [...running, ...schedules, ...desks, ...hooks])
  checkRenames(app, [...running, ...mediators.map(({ kind, spec }) => ({ ...spec, kind })), ...schedules])
  for (const { name, publishes, sends } of running) {
    for (const type of [...publishes, ...sends]) checkKnown(`processor "${name}"`, type, destinationOf)
  }
  for (const { kind, name, publishes } of [...schedules, ...hooks]) {
    checkKnown(`${kind} "${name}"`, publishes, destinationOf)
  }
  for (const destination of destinations.values()) if (destination.kind === 'channel') checkServed(destination, running)
  return { destinations: [...destinations.values()], processors: running, schedules, mediators, desks, destinationOf }
}

function describe(part: unknown): string {
  const kind = (part as { kind?: unknown } | undefined)?.kind
  return kind === 'event' || kind === 'command' ? `an ${kind}; list it on a topic or channel` : typeof part
}

function checkNames(app: string, parts: readonly { readonly kind: string; readonly name: string }[]): void {
  const kinds = new Map<string, string>()
  for (const { name, kind } of parts) {
    const other = kinds.get(name)
    if (other !== undefined) {
      const what = other === kind ? `two ${kind}s` : `a ${other} and a ${kind}`
      throw fault('millrace/duplicate-name', `app "${app}": ${what} are called "${name}"`)
    }
    kinds.set(name, kind)
  }
}

interface Renamed {
  readonly kind: string
  readonly name: string
  readonly renamedFrom: readonly string[]
}

/** An earlier name is no name of today, and one part alone has it. */
function checkRenames(app: string, parts: readonly Renamed[]): void {
  const names = new Set(parts.map(({ name }) => name))
  const takenBy = new Map<string, string>()
  for (const { kind, name, renamedFrom } of parts) {
    for (const earlier of renamedFrom) {
      const bad = (why: string) =>
        fault('millrace/bad-option', `app "${app}": ${kind} "${name}" is renamedFrom "${earlier}", ${why}`)
      if (names.has(earlier)) throw bad('which is a part of the app too: remove one of the two')
      const other = takenBy.get(earlier)
      if (other !== undefined && other !== name) throw bad(`and so is "${other}": one part takes over what it had`)
      takenBy.set(earlier, name)
    }
  }
}

function checkDesks(app: string, desks: readonly DeskPart[]): void {
  const byDestination = new Map<Destination, string>()
  for (const { name, on } of desks) {
    const other = byDestination.get(on)
    if (other !== undefined) {
      throw fault(
        'millrace/two-desks',
        `app "${app}": desks "${other}" and "${name}" are both on ${on.kind} "${on.name}": keep one of them`,
      )
    }
    byDestination.set(on, name)
  }
}

function typesOf(app: string, destinations: Iterable<Destination>): Map<MessageType, Destination> {
  const destinationOf = new Map<MessageType, Destination>()
  const byName = new Map<string, MessageType>()
  for (const destination of destinations) {
    for (const type of destination.types) {
      const elsewhere = destinationOf.get(type)
      if (elsewhere !== undefined) {
        throw fault(
          'millrace/type-on-two-topics',
          `app "${app}": "${type.name}" is on "${elsewhere.name}" and on "${destination.name}"`,
        )
      }
      if (byName.has(type.name)) {
        throw fault('millrace/duplicate-name', `app "${app}": two types are called "${type.name}"`)
      }
      destinationOf.set(type, destination)
      byName.set(type.name, type)
    }
  }
  return destinationOf
}

/** Refuses a type that is on no topic or channel, with a hint. */
export function checkKnown(
  where: string,
  type: MessageType,
  destinationOf: ReadonlyMap<MessageType, Destination>,
): void {
  if (destinationOf.has(type)) return
  checkIsType(where, type)
  const names = [...destinationOf.keys()].flatMap((known) => (known.kind === type.kind ? known.name : []))
  const kind = type.kind === 'command' ? 'channel' : 'topic'
  const twin = names.includes(type.name)
    ? '; the app has another type of that name: import the one that is listed'
    : suggest(type.name, names)
  throw fault('millrace/type-without-topic', `${where}: "${type.name}" is on no ${kind} of the app${twin}`)
}

function checkServed(channel: Destination, processors: readonly Processor[]): void {
  const serving = processors.filter(({ on }) => on === channel).map(({ name }) => `"${name}"`)
  if (serving.length === 1) return
  if (serving.length === 0) {
    throw fault(
      'millrace/channel-unserved',
      `channel "${channel.name}" has no processor: its commands would wait forever; add one with on: that channel`,
    )
  }
  throw fault(
    'millrace/channel-served-twice',
    `channel "${channel.name}" is served by ${serving.join(' and ')}: a command goes to exactly one`,
  )
}

export function scheduleSpecOf({ kind: _, owner: _owner, ...spec }: Schedule): ScheduleSpec {
  return spec
}

export function specOf(part: Processor, desks: readonly DeskPart[] = []): ProcessorSpec {
  const { name, on, publishes, sends, handle, startAt, renamedFrom, partOf, partKind, ownsChannel, ...rest } = part
  const { kind, runsAhead = false, trial = false, owner: _, watch: _watch, ...numbers } = rest
  const handlers = new Map<string, HandlerSpec>()
  const passedOver = new Set(on.retired)
  for (const type of on.types) {
    const handler = own(handle, type.name)
    if (typeof handler === 'function') handlers.set(type.name, { type, handle: handler as HandlerSpec['handle'] })
    else passedOver.add(type.name)
  }
  const declared = new Set<MessageType>([...publishes, ...sends])
  const desk = desks.find((one) => one.on === on)?.spec
  return {
    ...numbers,
    name,
    destination: on,
    handlers,
    passedOver,
    declared,
    startAt: startAt ?? 'beginning',
    isPlaced: startAt !== undefined,
    renamedFrom,
    part: { kind: partKind ?? kind, name: partOf ?? name },
    ownsChannel: ownsChannel === true,
    desk,
    runsAhead,
    trial,
  }
}
