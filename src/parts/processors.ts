// The processors that run the parts of an app. A store keeps progress under their names. All callers ask here, so that
// no part is forgotten.
import { failures } from '../model/failures.ts'
import type { Destination, MessageType } from '../model/message.ts'
import { mediatorProcessors } from './mediator.ts'
import type { Part } from './part.ts'
import type { Processor } from './processor.ts'

/** The processors that run the parts of an app: its own, and those of its gathers, routes and mediators. Checks nothing. */
export function processorsOf(parts: readonly Part[], destinationOf = destinationOfTypes(parts)): Processor[] {
  const all = [
    ...parts.filter((part) => part.kind === 'processor'),
    ...parts.flatMap((part) => (part.kind === 'gather' ? part.processors : [])),
    ...parts.flatMap((part) => (part.kind === 'route' ? [part.processor] : [])),
  ]
  for (const part of parts) if (part.kind === 'mediator') all.push(...mediatorProcessors(part, destinationOf))
  return all
}

/** The topics and channels of an app, also those that only a part names. */
export function destinationsOf(parts: readonly Part[]): Destination[] {
  return [...new Set(parts.flatMap(destinationsNamed))]
}

function destinationsNamed(part: Part): Destination[] {
  if (part.kind === 'schedule' || part.kind === 'hook') return []
  if (part.kind === 'gather') return part.processors.map(({ on }) => on)
  if ('on' in part) return part.on === undefined ? [] : [part.on]
  return [part]
}

/** The first topic or channel of each type. The topic of failures is always included. */
function destinationOfTypes(parts: readonly Part[]): Map<MessageType, Destination> {
  const found = new Map<MessageType, Destination>()
  for (const destination of [...destinationsOf(parts), failures]) {
    for (const type of destination.types) if (!found.has(type)) found.set(type, destination)
  }
  return found
}

/** Tells whether a start with `only` runs a processor, schedule or mediator: by its own name or that of its part. */
export function runsWith(only: readonly string[] | undefined): (one: Named) => boolean {
  return ({ name, partOf = name }) => only === undefined || only.includes(name) || only.includes(partOf)
}

interface Named {
  readonly name: string
  readonly partOf?: string | undefined
}
