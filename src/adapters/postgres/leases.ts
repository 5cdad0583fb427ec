// The take-over of a store: in one transaction a new epoch, all that the owner keeps in memory, and the renames of a start.
//
// The lease is taken first. That waits for the transactions of the owner before, and the statements after it see their rows.
import { fault } from '../../model/errors.ts'
import type { SourcePlan, StreamInfo } from '../../model/streams.ts'
import type { Leases, TakenOver } from '../../seam/leases.ts'
import type { FoundParts, FoundStream, Rename } from '../../seam/names.ts'
import type { ProgressRow } from '../../seam/progress.ts'
import { spansText } from './log-reads.ts'
import type { Lease } from './owner.ts'
import { foldRows, readProgress } from './progress.ts'
import { type Snapshot, snapshotOf, snapshotText } from './snapshot.ts'
import { one, type Statements } from './statements.ts'
import type { PostgresTables } from './tables.ts'
import type { OpenTransaction } from './transaction.ts'

type Renames = (found: FoundParts) => readonly Rename[]

export interface LeasesNeeds {
  readonly where: string
  readonly tables: PostgresTables
  /** The process that takes over. */
  readonly id: string
  /** The owner from which it takes the lease. */
  readonly from: string | null
  transact<T>(work: (db: OpenTransaction) => Promise<T>): Promise<T>
  took(lease: Lease): void
  /** Closes the store. @returns the error to throw */
  failed(error: unknown): Promise<unknown>
}

interface LeaseRow {
  readonly owner: string | null
  readonly epoch: number
  readonly clean: boolean
}

const takeText = `update millrace.leases l set owner = $1, epoch = l.epoch + 1, clean = false
  from (select * from millrace.leases where unit = 0 for update) before
  where l.unit = 0 and (before.owner is null or before.owner = $2) returning before.owner, l.epoch, before.clean`
const lastText = `select f.n as folded, f.snapshot, c.n, c.snapshot as since, c.xid from millrace.folded f
  left join lateral (select n, snapshot, xid from millrace.commits where unit = 0 and n > f.n order by n desc limit 1) c
    on true
  where f.unit = 0`
const sourcesText = `insert into millrace.sources (kind, name) select * from unnest($1::text[], $2::text[])
  on conflict (name) do update set kind = excluded.kind where sources.kind <> excluded.kind`
const streamsText = 'select id << 16 as id, kind, name from millrace.sources order by id'

export class PostgresLeases implements Leases {
  private readonly needs: LeasesNeeds

  constructor(needs: LeasesNeeds) {
    this.needs = needs
  }

  async takeOver(sources: readonly SourcePlan[], renames: Renames = () => []): Promise<TakenOver> {
    const { transact, took, tables } = this.needs
    try {
      const { lease, taken, progress } = await transact((db) => this.take(db, sources, renames))
      tables.progress.take(progress)
      for (const { id, head } of taken.streams) tables.heads.set(id, head)
      took(lease)
      return taken
    } catch (error) {
      throw await this.needs.failed(error)
    }
  }

  private async take(db: OpenTransaction, sources: readonly SourcePlan[], renames: Renames) {
    const { where, id, from, tables } = this.needs
    const before = await one<LeaseRow>(db, takeText, [id, from])
    if (before === undefined) throw fault('millrace/in-use', `${where} is in use by another process`)
    const { folded, snapshot } = await lastOf(db)
    await foldAll(db, folded, snapshot)
    const renamed = await this.rename(db, renames)
    await tables.kinds.take(
      db,
      sources.flatMap(({ publishes = [] }) => publishes),
    )
    await db.run(sourcesText, [sources.map(({ kind }) => kind), sources.map(({ name }) => name)])
    const streams = await streamsOf(db)
    const { timers, desk, flows } = tables.state
    const numbers = { desk: await desk.lastNumber(db) }
    const found = { nextDue: await timers.nextDue(db), flows: await flows.found(db) }
    const taken: TakenOver = { streams, clean: before.clean, numbers, renamed, ...found }
    const lease: Lease = { owner: id, epoch: before.epoch, n: folded, folded, snapshot }
    return { lease, taken, progress: await readProgress(db) }
  }

  private async rename(db: OpenTransaction, renames: Renames): Promise<Rename[]> {
    const { names } = this.needs.tables.state
    const progress = await readProgress(db)
    const schedules = await names.schedules(db)
    const wanted = renames({ progress, streams: await foundStreams(db, progress), schedules })
    const renamed: Rename[] = []
    for (const rename of wanted) if (await names.rename(db, rename)) renamed.push(rename)
    return renamed
  }
}

/** The last commit, and what had been numbered with it. */
export async function lastOf(db: Statements): Promise<{ readonly folded: number; readonly snapshot: Snapshot }> {
  interface Row {
    readonly folded: number
    readonly snapshot: string
    readonly n: number | null
    readonly since: string
    readonly xid: number
  }
  const row = (await one<Row>(db, lastText))!
  if (row.n === null) return { folded: row.folded, snapshot: snapshotOf(row.snapshot) }
  return { folded: row.n, snapshot: snapshotOf(row.since, row.xid) }
}

/** Folds what the owner before has left. */
export async function foldAll(db: Statements, upTo: number, snapshot: Snapshot): Promise<void> {
  await foldRows(db, await readProgress(db))
  await db.run('delete from millrace.commits where unit = 0 and n <= $1', [upTo])
  await db.run('update millrace.folded set n = $1, snapshot = $2 where unit = 0', [upTo, snapshotText(snapshot)])
}

interface Span {
  readonly stream: number
  readonly first: number
  readonly head: number
}

async function spansOf(db: Statements): Promise<ReadonlyMap<number, Span>> {
  return new Map((await db.all<Span>(spansText)).map((span) => [span.stream, span]))
}

async function streamsOf(db: Statements): Promise<StreamInfo[]> {
  const spans = await spansOf(db)
  const rows = await db.all<Omit<StreamInfo, 'head'>>(streamsText)
  return rows.map((row) => ({ ...row, head: spans.get(row.id)?.head ?? 0 }))
}

/** The streams of progress. */
async function foundStreams(db: Statements, progress: readonly ProgressRow[]): Promise<FoundStream[]> {
  const spans = await spansOf(db)
  const ids = new Set(progress.map(({ stream }) => stream))
  const rows = await db.all<Omit<StreamInfo, 'head'>>(streamsText)
  return rows
    .filter(({ id }) => ids.has(id))
    .map((row) => {
      const { first = 1, head = 0 } = spans.get(row.id) ?? {}
      return { ...row, first, head }
    })
}
