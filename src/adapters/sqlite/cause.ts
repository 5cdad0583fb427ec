import type { DatabaseSync } from 'node:sqlite'
import type { Stored } from '../../model/codec.ts'
import type { Cause } from '../../model/desk-views.ts'
import { logsIn, logTable } from './log-tables.ts'

/** The number of messages that are looked at before and after the time at which an id was made. */
const lookedAt = 2_000

/**
 * The message that caused another, where it is found by reading little: by the id that its publisher gave, here or elsewhere, else by the
 * time in its own id, in what the processor that published the other takes its messages from. Logs are in order of
 * time, nearly: that it is not found does not say that it is not there.
 */
export function findCause(db: DatabaseSync, { causationId: id, source }: Stored): Cause | undefined {
  if (id === null) return undefined
  const named = db
    .prepare(
      `select s.name as destination, i.type from millrace_ids i join millrace_streams s on s.id = i.stream
       where i.type in (select type from millrace_kinds) and i.id = ? limit 2`,
    )
    .all(id)
  if (named.length === 1) return { ...named[0] } as unknown as Cause
  const ms = timeOf(id)
  const processor = source.split('/')[2]
  if (ms === undefined || processor === undefined || named.length > 1) return undefined
  const streams = db
    .prepare(
      'select s.id, s.name from millrace_progress p join millrace_streams s on s.id = p.stream where processor = ?',
    )
    .all(processor) as { id: number; name: string }[]
  const logs = logsIn(db)
  for (const stream of streams) {
    if (!logs.has(stream.id)) continue
    const type = typeIn(db, stream.id, id, ms)
    if (type !== undefined) return { destination: stream.name, type }
  }
  return undefined
}

/** When a UUIDv7 was made, milliseconds since 1970. */
function timeOf(id: string): number | undefined {
  return /^[\da-f]{8}-[\da-f]{4}-7/.test(id) ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : undefined
}

function typeIn(db: DatabaseSync, stream: number, id: string, ms: number): string | undefined {
  const table = logTable(stream)
  const timeAt = db.prepare(`select time from ${table} where position >= ? order by position limit 1`)
  let { low, high } = db
    .prepare(
      `select coalesce((select min(position) from ${table}), 0) as low, coalesce((select max(position) from ${table}), 0) as high`,
    )
    .get() as { low: number; high: number }
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if ((timeAt.get(middle) as { time: number }).time < ms) low = middle + 1
    else high = middle
  }
  const found = db
    .prepare(
      `select k.type from ${table} m join millrace_kinds k on k.id = m.kind
       where m.position between ? and ? and m.id = ?`,
    )
    .get(low - lookedAt, low + lookedAt, id)
  return (found as { type: string } | undefined)?.type
}
