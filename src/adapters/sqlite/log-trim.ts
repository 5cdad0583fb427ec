// The oldest messages of a stream, and their removal.
import type { DatabaseSync } from 'node:sqlite'
import type { Retain } from '../../seam/log.ts'
import { claimSourceOf } from './attributes.ts'
import { logTable } from './log-tables.ts'

export interface OldRow {
  position: number
  time: number
  bytes: number
  id: string
  type: string
  source: string
  own_id: number
}

/** What to remove: at most so many messages up to a position, but none to be retained. */
export interface Trim {
  readonly upTo: number
  readonly retain: Retain
  readonly limit: number
}

/** Returns the rows to remove. The newest message of a stream stays: it says where the next one goes. */
export function oldRows(
  db: DatabaseSync,
  stream: { readonly id: number; readonly head: number; readonly bytes: number },
  { upTo, retain, limit }: Trim,
): OldRow[] {
  if (stream.head === 0) return []
  const rows = db
    .prepare(
      `select m.position, m.time, m.bytes, m.id, k.type, m.own_id, ${claimSourceOf('m.attributes')} as source
       from ${logTable(stream.id)} m join millrace_kinds k on k.id = m.kind
       where m.position <= ? and m.position < ? order by m.position limit ?`,
    )
    .all(upTo, stream.head, limit) as unknown as OldRow[]
  const keep = rows.findIndex(
    (row) =>
      (retain.beforeMs !== undefined && row.time >= retain.beforeMs) ||
      (retain.bytes !== undefined && stream.bytes - row.bytes < retain.bytes),
  )
  return keep === -1 ? rows : rows.slice(0, keep)
}

export function removeRows(db: DatabaseSync, stream: number, rows: readonly OldRow[]): void {
  const last = rows.at(-1)
  if (last !== undefined) db.prepare(`delete from ${logTable(stream)} where position <= ?`).run(last.position)
}
