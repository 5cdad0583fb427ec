// Counts the messages of one source in a stream, a slice at a time.
import type { DatabaseSync } from 'node:sqlite'
import type { CountedSlice } from '../../seam/log.ts'
import type { Kinds } from './kinds.ts'
import { logTable } from './log-tables.ts'

const sliceRows = 2_000

export interface CountedIn {
  readonly stream: number
  readonly source: string
  readonly after: number
}

export function countSlice(db: DatabaseSync, kinds: Pick<Kinds, 'get'>, { stream, source, after }: CountedIn) {
  const sql = `select position, kind from ${logTable(stream)} where position > ? order by position limit ${sliceRows}`
  const rows = db.prepare(sql).all(after) as unknown as { position: number; kind: number }[]
  const counts = new Map<string, number>()
  for (const { kind } of rows) {
    const known = kinds.get(kind)
    if (known.source === source) counts.set(known.type, (counts.get(known.type) ?? 0) + 1)
  }
  const upTo = rows.length < sliceRows ? undefined : rows.at(-1)!.position
  return { counts: [...counts], upTo } satisfies CountedSlice
}
