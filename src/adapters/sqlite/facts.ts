// The facts of a file for `millrace doctor`.
import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { Measure, StoreFacts } from '../../seam/offline.ts'
import { damageOf, tablesOf } from './damage.ts'
import { countsIn } from './desk-reads.ts'
import { flowCounts } from './flow-reads.ts'
import { freeBytesOf } from './free.ts'
import { aloneSince } from './missing-wal.ts'
import { formatKnown, formatOf } from './schema.ts'
import { Statements } from './statements.ts'
import type { SqliteLimits } from './store.ts'
import { firstOf, progressOf, streamsOf } from './streams.ts'
import { pendingBytesOf } from './wal-pending.ts'

export function factsOf(
  db: DatabaseSync,
  path: string,
  limits: Pick<SqliteLimits, 'walBytesMax' | 'diskFreeMinBytes'>,
  { full }: { readonly full: boolean },
): StoreFacts {
  const { held, waiting } = countsIn(new Statements(db), 0)
  const clean = db.prepare("select value from millrace_meta where key = 'clean'").get() as { value: number } | undefined
  return {
    format: formatOf(db, path),
    formatKnown,
    clean: clean?.value !== 0,
    incomplete: aloneSince(db, path),
    damage: tablesOf(db).flatMap((table) => damageOf(db, table, full ? 'integrity_check' : 'quick_check')),
    measures: measuresOf(db, path, limits),
    streams: streamsOf(db).map((stream) => ({ ...stream, first: firstOf(db, stream) })),
    progress: progressOf(db),
    held,
    waiting,
    flows: flowCounts(new Statements(db)),
    questions: countOf(db, 'millrace_questions'),
    delayed: countOf(db, 'millrace_timers'),
    flowTimes: countOf(db, 'millrace_flow_timers'),
  }
}

function measuresOf(
  db: DatabaseSync,
  path: string,
  { walBytesMax, diskFreeMinBytes }: Pick<SqliteLimits, 'walBytesMax' | 'diskFreeMinBytes'>,
): Measure[] {
  const bytes = (name: string, value: number, rest: Pick<Measure, 'noun' | 'min' | 'max'>): Measure => ({
    name,
    value,
    unit: 'bytes',
    ...rest,
  })
  return [
    bytes('size', statSync(path).size, { noun: 'in the file' }),
    bytes('disk', freeBytesOf(path), { noun: 'free', min: diskFreeMinBytes }),
    bytes('wal', pendingBytesOf(db) ?? 0, { noun: 'in the -wal file only', max: walBytesMax }),
  ]
}

function countOf(db: DatabaseSync, table: string): number {
  return (db.prepare(`select count(*) as count from ${table}`).get() as { count: number }).count
}
