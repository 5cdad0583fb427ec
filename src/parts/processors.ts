// The processors that run the parts of an app. A store keeps progress under their names. All callers ask here, so that
// no part is forgotten.
import { failures } from '../model/failures.ts'
import type { MessageType, Source } from '../model/message.ts'
import { mediatorProcessors } from './mediator.ts'
import type { Part } from './part.ts'
import type { Processor } from './processor.ts'

/** The processors that run the parts of an app: its own, and those of its gathers, routes and mediators. Checks nothing. */
export function processorsOf(parts: readonly Part[], sourceOf = sourceOfTypes(parts)): Processor[] {
  const all = [
    ...parts.filter((part) => part.kind === 'processor'),
    ...parts.flatMap((part) => (part.kind === 'gather' ? part.processors : [])),
    ...parts.flatMap((part) => (part.kind === 'route' ? [part.processor] : [])),
  ]
  for (const part of parts) if (part.kind === 'mediator') all.push(...mediatorProcessors(part, sourceOf))
  return all
}

/** The topics and channels of an app, also those that only a part names. */
export function sourcesOf(parts: readonly Part[]): Source[] {
  return [...new Set(parts.flatMap(sourcesNamed))]
}

function sourcesNamed(part: Part): Source[] {
  if (part.kind === 'schedule') return []
  if (part.kind === 'gather') return part.processors.map(({ on }) => on)
  if ('on' in part) return part.on === undefined ? [] : [part.on]
  return [part]
}

/** The first topic or channel of each type. The topic of failures is always included. */
function sourceOfTypes(parts: readonly Part[]): Map<MessageType, Source> {
  const found = new Map<MessageType, Source>()
  for (const source of [...sourcesOf(parts), failures]) {
    for (const type of source.types) if (!found.has(type)) found.set(type, source)
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
