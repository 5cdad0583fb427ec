import type { LogFilter, LogRow, MessageType, Part, Source, Stored } from '../index.ts'

/** The topics and channels of an app, those that only a processor names too. */
export function sourcesOf(parts: readonly Part[]): Source[] {
  return [...new Set(parts.map((part) => (part.kind === 'processor' ? part.on : part)))]
}

/** The types of an app by name, each with where it goes. */
export function typesOf(parts: readonly Part[]): Map<string, { type: MessageType; source: Source }> {
  const types = new Map<string, { type: MessageType; source: Source }>()
  for (const source of sourcesOf(parts)) for (const type of source.types) types.set(type.name, { type, source })
  return types
}

/** A message that was just accepted, as it is shown. */
export function rowOf(message: Stored, { kind, name }: Pick<Source, 'kind' | 'name'>): LogRow {
  const { source: from, repeat: _, ownId: _own, decoded: _decoded, ...rest } = message
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
