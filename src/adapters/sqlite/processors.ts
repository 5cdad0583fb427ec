// Processors that people have paused, and the end of processors that are gone.
import type { Actor, DeskAction } from '../../model/desk.ts'
import type { Paused } from '../../model/desk-views.ts'
import type { ProcessorStore } from '../../seam/processors.ts'
import type { AuditLog } from './audit.ts'
import { type Beside, writeDurably } from './beside-commits.ts'
import type { DeskTable } from './desk.ts'
import type { Statements } from './statements.ts'

export class ProcessorTable implements ProcessorStore {
  private readonly sql: Statements
  private readonly desk: Pick<DeskTable, 'clear'>
  private readonly audit: Pick<AuditLog, 'record'>
  private readonly beside: Beside

  constructor(sql: Statements, desk: Pick<DeskTable, 'clear'>, audit: Pick<AuditLog, 'record'>, beside: Beside) {
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

  retire(processor: string, destination: string): Promise<void> {
    return writeDurably(this.beside, () => {
      const { id } = this.sql.one<{ id: number }>('select id from millrace_streams where name = ?', destination)!
      for (const table of ['millrace_progress', 'millrace_marks']) {
        this.sql.run(`delete from ${table} where processor = ? and stream = ?`, processor, id)
      }
      this.desk.clear(processor, id)
      // A gather that has moved to another topic keeps its open batches.
      for (const table of ['millrace_gathers', 'millrace_gathered']) {
        this.sql.run(
          `delete from ${table} where gather = ?1 and not exists (select 1 from millrace_progress where processor = ?1)`,
          processor,
        )
      }
    })
  }

  private record(action: DeskAction, processor: string, { by, reason }: Actor, at: number): void {
    const why = reason ?? null
    this.audit.record({ at, by, action, item: null, subject: processor, reason: why, detail: undefined })
  }
}

/** The processors of a file that are paused. */
export function pausedIn(sql: Statements): Paused[] {
  return sql.all('select processor, at, who as by, why as reason from millrace_paused')
}
