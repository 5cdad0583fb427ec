// Processors that people have paused, and the end of processors that are gone.
import type { Actor } from '../../model/desk.ts'
import type { ConcurrencySet, Paused } from '../../model/desk-views.ts'
import type { ConcurrencyChange, ProcessorStore, Reset } from '../../seam/processors.ts'
import { record } from './audit.ts'
import type { DeskTable } from './desk.ts'
import { quoted, unresolved } from './desk-finder.ts'
import { forgetKeyName } from './key-names.ts'
import type { ProgressTable } from './progress.ts'
import { type Beside, one, type Statements, type Transaction } from './statements.ts'

const pauseText = `insert into millrace.paused (processor, at, who, why) values ($1, $2, $3, $4) on conflict do nothing`
const setText = `insert into millrace.concurrency (processor, most) values ($1, $2)
  on conflict (processor) do update set most = excluded.most where concurrency.most <> excluded.most`
const endedText = `with ended as materialized (
    select id from millrace.desk where state in (${quoted(unresolved)}) and processor = $1 and stream = $2
      and (failures > 0 or revision > 0))
  insert into millrace.audit (at, who, action, item, subject, why)
  select $3, $4, 'reset', id, $1, $5 from ended order by id`
const untoldText = `select id from millrace.desk where state = 'reset' and resolved_at is null and id > $1
  order by id limit $2`

/** How far processors are. */
export type ProgressRows = Pick<ProgressTable, 'reset' | 'retire'>

export class ProcessorTable implements ProcessorStore {
  private readonly beside: Beside
  private readonly desk: Pick<DeskTable, 'clear' | 'reset'>
  private readonly progress: ProgressRows

  constructor(beside: Beside, desk: Pick<DeskTable, 'clear' | 'reset'>, progress: ProgressRows) {
    this.beside = beside
    this.desk = desk
    this.progress = progress
  }

  pause(processor: string, actor: Actor, at: number): Promise<void> {
    return this.beside.write(async (db) => {
      const { by, reason } = actor
      const changed = await db.run(pauseText, [processor, at, by, reason ?? null])
      if (changed > 0) await record(db, { ...lineOf(processor, actor, at), action: 'paused', detail: undefined })
    })
  }

  resume(processor: string, actor: Actor, at: number): Promise<void> {
    return this.beside.write(async (db) => {
      const changed = await db.run('delete from millrace.paused where processor = $1', [processor])
      if (changed > 0) await record(db, { ...lineOf(processor, actor, at), action: 'resumed', detail: undefined })
    })
  }

  paused(): Promise<Paused[]> {
    return this.beside.read(pausedIn)
  }

  setConcurrency({ processor, most, actor }: ConcurrencyChange, at: number): Promise<void> {
    return this.beside.write(async (db) => {
      const changed =
        most === null
          ? await db.run('delete from millrace.concurrency where processor = $1', [processor])
          : await db.run(setText, [processor, most])
      if (changed === 0) return
      const detail = { concurrency: most ?? 'default' }
      await record(db, { ...lineOf(processor, actor, at), action: 'set', detail })
    })
  }

  concurrencies(): Promise<ConcurrencySet[]> {
    return this.beside.read(concurrenciesIn)
  }

  retire(processor: string, destination: string, actor: Actor, at: number): Promise<void> {
    return this.beside.write(async (db) => {
      const stream = await streamOf(db, destination)
      const known = await this.progress.retire(db, processor, stream)
      await db.run('delete from millrace.marks where processor = $1 and stream = $2', [processor, stream])
      if (known) await record(db, { ...lineOf(processor, actor, at), action: 'retired', detail: { on: destination } })
      await this.desk.clear(db, processor, stream)
      const left = 'select 1 as one from millrace.progress where processor = $1 limit 1'
      if ((await one(db, left, [processor])) === undefined) await forgetAll(db, processor)
    })
  }

  reset({ processor, destination, after, actor, at, detail }: Reset): Promise<void> {
    return this.beside.write(async (db) => {
      const stream = await streamOf(db, destination)
      if (!(await this.progress.reset(db, processor, stream, after))) throw new Error(`"${processor}" has no progress`)
      const { by, reason = null } = actor
      await db.run('delete from millrace.marks where processor = $1 and stream = $2', [processor, stream])
      await db.run(endedText, [processor, stream, at, by, reason])
      await this.desk.reset(db, processor, stream, { after, at })
      await Promise.all([
        db.run('delete from millrace.gathers where gather = $1', [processor]),
        db.run('delete from millrace.gathered where gather = $1', [processor]),
        record(db, { ...lineOf(processor, actor, at), action: 'reset', detail }),
      ])
    })
  }

  untold(after: number, limit: number): Promise<number[]> {
    return this.beside.read(async (db) =>
      (await db.all<{ id: number }>(untoldText, [after, limit])).map(({ id }) => id),
    )
  }
}

/** A pause is of all streams of a processor, and a gather that has moved to another topic keeps its open batches. */
async function forgetAll(db: Transaction, processor: string): Promise<void> {
  const tables = ['concurrency where processor', 'paused where processor', 'alerts where watch', 'gathers where gather']
  await Promise.all([
    ...[...tables, 'gathered where gather'].map((rows) => db.run(`delete from millrace.${rows} = $1`, [processor])),
    forgetKeyName(db, processor),
  ])
}

/** The stream of a topic or channel. */
export async function streamOf(db: Statements, destination: string): Promise<number> {
  const sql = 'select id << 16 as stream from millrace.sources where name = $1'
  return (await one<{ stream: number }>(db, sql, [destination]))!.stream
}

const lineOf = (processor: string, { by, reason }: Actor, at: number) =>
  ({ at, by, item: null, subject: processor, reason: reason ?? null }) as const

/** The concurrency that people have set, by processor. */
export function concurrenciesIn(db: Statements): Promise<ConcurrencySet[]> {
  return db.all<ConcurrencySet>('select processor, most from millrace.concurrency order by processor')
}

/** The processors that are paused. */
export function pausedIn(db: Statements): Promise<Paused[]> {
  return db.all<Paused>('select processor, at, who as by, why as reason from millrace.paused order by processor')
}
