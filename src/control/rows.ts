import type { LogFilter, LogRow, MessageType, Part, Processor, Source, Stored } from '../index.ts'
import { fault } from '../model/errors.ts'
import { check } from '../model/schema.ts'

/** The topics and channels of an app, those that only a processor names too. */
export function sourcesOf(parts: readonly Part[]): Source[] {
  return [...new Set(parts.flatMap(sourceOf))]
}

function sourceOf(part: Part): Source[] {
  if (part.kind === 'schedule') return []
  if (part.kind === 'gather') return part.processors.map(({ on }) => on)
  return ['on' in part ? part.on : part]
}

/** The processors of an app, those of its gathers too. */
export function processorsOf(parts: readonly Part[]): Processor[] {
  return parts.flatMap((part) => (part.kind === 'gather' ? part.processors : part.kind === 'processor' ? [part] : []))
}

/** The types of an app by name, each with where it goes. */
export function typesOf(parts: readonly Part[]): Map<string, { type: MessageType; source: Source }> {
  const types = new Map<string, { type: MessageType; source: Source }>()
  for (const source of sourcesOf(parts)) for (const type of source.types) types.set(type.name, { type, source })
  return types
}

/** A message that was just accepted, as it is shown. */
export function rowOf(message: Stored, { kind, name }: Pick<Source, 'kind' | 'name'>): LogRow {
  const { source: from, repeat: _, ownId: _own, decoded: _decoded, due: _due, ...rest } = message
  return { ...rest, from, source: name, kind }
}

export function fits(row: LogRow, { source, type, context, correlation }: LogFilter): boolean {
  return (
    (source === undefined || row.source === source) &&
    (type === undefined || row.type === type) &&
    (context === undefined || row.context === context) &&
    (correlation === undefined || row.correlationId === correlation)
  )
}

/** Checks data for a type of an app, by its name. Errors: `millrace/bad-data`, `millrace/unknown-type`. */
export function checkDataOf(parts: readonly Part[]): (type: string, data: unknown) => void {
  const types = typesOf(parts)
  return (name, data) => {
    const type = types.get(name)?.type
    if (type === undefined) throw fault('millrace/unknown-type', `the app has no type "${name}" any more`)
    check(`data of ${type.kind} "${name}"`, type.schema, data)
  }
}
