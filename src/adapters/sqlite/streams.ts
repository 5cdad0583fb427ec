// The streams and the progress of a file, as a connection from beside reads them.
import type { DatabaseSync } from 'node:sqlite'
import type { StreamInfo } from '../../model/streams.ts'
import type { ProgressRow } from '../../seam/progress.ts'
import { logsIn, logTable } from './log-tables.ts'

export function streamsOf(db: DatabaseSync): StreamInfo[] {
  const rows = db.prepare('select id, kind, name from millrace_streams order by id').all()
  const logs = logsIn(db)
  return (rows as unknown as Omit<StreamInfo, 'head'>[]).map((row) => {
    if (!logs.has(row.id)) return { ...row, head: 0 }
    const { head } = db.prepare(`select coalesce(max(position), 0) as head from ${logTable(row.id)}`).get() as {
      head: number
    }
    return { ...row, head }
  })
}

/** The oldest position that is kept, or where the first message will be. */
export function firstOf(db: DatabaseSync, { id, head }: StreamInfo): number {
  if (head === 0) return 1
  const { first } = db.prepare(`select min(position) as first from ${logTable(id)}`).get() as { first: number | null }
  return first ?? head + 1
}

export function progressOf(db: DatabaseSync): ProgressRow[] {
  const rows = db.prepare('select processor, stream, epoch, low, done from millrace_progress').all()
  return rows.map((row) => ({ ...row })) as unknown as ProgressRow[]
}
