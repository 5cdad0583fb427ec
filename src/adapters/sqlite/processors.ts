// Processors that people have paused, and the end of processors that are gone.
import type { Actor, DeskAction } from '../../model/desk.ts'
import type { ConcurrencySet, Paused } from '../../model/desk-views.ts'
import type { ConcurrencyChange, ProcessorStore, Reset } from '../../seam/processors.ts'
import type { AuditLog } from './audit.ts'
import { type Beside, writeDurably } from './beside-commits.ts'
import type { DeskTable } from './desk.ts'
import { quoted, unresolved } from './desk-finder.ts'
import { forgetKeyName } from './key-names.ts'
import type { Statements } from './statements.ts'

export class ProcessorTable implements ProcessorStore {
  private readonly sql: Statements
  private readonly desk: Pick<DeskTable, 'clear' | 'reset'>
  private readonly audit: Pick<AuditLog, 'record'>
  private readonly beside: Beside

  constructor(
    sql: Statements,
    desk: Pick<DeskTable, 'clear' | 'reset'>,
    audit: Pick<AuditLog, 'record'>,
    beside: Beside,
  ) {
    this.sql = sql
    this.desk = desk
    this.audit = audit
    this.beside = beside
  }

  pause(processor: string, actor: Actor, at: number): Promise<void> {
    return writeDurably(this.beside, () => {
      const sql = 'insert or ignore into millrace_paused values (?, ?, ?, ?)'
      const { by, reason } = actor
      if (this.sql.run(sql, processor, at, by, reason ?? null) > 0) this.record('paused', processor, actor, at)
    })
  }

  resume(processor: string, actor: Actor, at: number): Promise<void> {
    return writeDurably(this.beside, () => {
      const changed = this.sql.run('delete from millrace_paused where processor = ?', processor)
      if (changed > 0) this.record('resumed', processor, actor, at)
    })
  }

  paused(): Promise<Paused[]> {
    return this.beside.durable(() => pausedIn(this.sql))
  }

  setConcurrency({ processor, most, actor }: ConcurrencyChange, at: number): Promise<void> {
    return writeDurably(this.beside, () => {
      const { sql } = this
      const key = concurrencyOf + processor
      const changed =
        most === null
          ? sql.run('delete from millrace_meta where key = ?', key)
          : sql.run(
              `insert into millrace_meta values (?, ?)
               on conflict (key) do update set value = excluded.value where value <> excluded.value`,
              key,
              most,
            )
      if (changed === 0) return
      const { by, reason = null } = actor
      const detail = { concurrency: most ?? 'default' }
      this.audit.record({ at, by, action: 'set', item: null, subject: processor, reason, detail })
    })
  }

  concurrencies(): Promise<ConcurrencySet[]> {
    return this.beside.durable(() => concurrenciesIn(this.sql))
  }

  retire(processor: string, destination: string, actor: Actor, at: number): Promise<void> {
    return writeDurably(this.beside, () => {
      const id = this.streamOf(destination)
      const known = this.sql.run('delete from millrace_progress where processor = ? and stream = ?', processor, id)
      this.sql.run('delete from millrace_marks where processor = ? and stream = ?', processor, id)
      if (known > 0)
        this.audit.record({ ...lineOf(processor, actor, at), action: 'retired', detail: { on: destination } })
      this.desk.clear(processor, id)
      this.sql.run(
        `delete from millrace_meta where key = ?
         and not exists (select 1 from millrace_progress where processor = ?)`,
        concurrencyOf + processor,
        processor,
      )
      // A pause is of all its streams, and a gather that has moved to another topic keeps its open batches.
      for (const rows of [
        'paused where processor',
        'alerts where watch',
        'gathers where gather',
        'gathered where gather',
      ]) {
        this.sql.run(
          `delete from millrace_${rows} = ?1 and not exists (select 1 from millrace_progress where processor = ?1)`,
          processor,
        )
      }
      if (this.sql.one('select 1 from millrace_progress where processor = ?', processor) === undefined) {
        forgetKeyName(this.sql, processor)
      }
    })
  }

  reset({ processor, destination, after, actor, at, detail }: Reset): Promise<void> {
    return writeDurably(this.beside, () => {
      const stream = this.streamOf(destination)
      const sql = `update millrace_progress set epoch = epoch + 1, low = ?, done = null, generation = generation + 1
        where processor = ? and stream = ?`
      if (this.sql.run(sql, after, processor, stream) !== 1) throw new Error(`"${processor}" has no progress`)
      this.sql.run('delete from millrace_marks where processor = ? and stream = ?', processor, stream)
      const { by, reason = null } = actor
      this.sql.run(
        `insert into millrace_audit (at, who, action, item, subject, why)
         select ?, ?, 'reset', id, processor, ? from millrace_desk
         where state in (${quoted(unresolved)}) and processor = ? and stream = ? and (failures > 0 or revision > 0)`,
        at,
        by,
        reason,
        processor,
        stream,
      )
      this.desk.reset(processor, stream, { after, at })
      for (const table of ['millrace_gathers', 'millrace_gathered']) {
        this.sql.run(`delete from ${table} where gather = ?`, processor)
      }
      this.audit.record({ at, by, action: 'reset', item: null, subject: processor, reason, detail })
    })
  }

  untold(after: number, limit: number): Promise<number[]> {
    const sql = `select id from millrace_desk indexed by millrace_desk_untold
      where state = 'reset' and resolved_at is null and id > ? order by id limit ?`
    return this.beside.durable(() => this.sql.all<{ id: number }>(sql, after, limit).map(({ id }) => id))
  }

  private streamOf(destination: string): number {
    return this.sql.one<{ id: number }>('select id from millrace_streams where name = ?', destination)!.id
  }

  private record(action: DeskAction, processor: string, actor: Actor, at: number): void {
    this.audit.record({ ...lineOf(processor, actor, at), action, detail: undefined })
  }
}

const lineOf = (processor: string, { by, reason }: Actor, at: number) =>
  ({ at, by, item: null, subject: processor, reason: reason ?? null }) as const

/** The key of the concurrency of a processor in `millrace_meta` begins so. */
export const concurrencyOf = 'concurrency '

/** The concurrency that people have set, by processor. */
export function concurrenciesIn(sql: Statements): ConcurrencySet[] {
  return sql.all(
    'select substr(key, ?2) as processor, value as most from millrace_meta where substr(key, 1, ?2 - 1) = ?1',
    concurrencyOf,
    concurrencyOf.length + 1,
  )
}

/** The processors of a file that are paused. */
export function pausedIn(sql: Statements): Paused[] {
  return sql.all('select processor, at, who as by, why as reason from millrace_paused')
}
