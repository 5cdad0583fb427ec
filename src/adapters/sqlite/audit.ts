// The audit log: who did what at the desk, when and why. Its lines are never deleted.
import type { Audit, AuditRow } from '../../model/desk.ts'
import type { AuditFilter } from '../../model/desk-views.ts'
import { lengthOf, pageOf } from '../../model/page.ts'
import type { Statements } from './statements.ts'

const listRows = 100

type Row = Omit<AuditRow, 'detail'> & { readonly detail: string | null }

export class AuditLog {
  private readonly sql: Statements

  constructor(sql: Statements) {
    this.sql = sql
  }

  record({ at, by, action, item, group, subject, reason, detail }: Audit): void {
    this.sql.run(
      'insert into millrace_audit (at, who, action, item, group_id, subject, why, detail) values (?, ?, ?, ?, ?, ?, ?, ?)',
      at,
      by,
      action,
      item,
      group ?? null,
      subject,
      reason,
      detail === undefined ? null : JSON.stringify(detail),
    )
  }

  /** Newest first. */
  list({ item, group, refused = false, before = Number.MAX_SAFE_INTEGER, limit = listRows }: AuditFilter): AuditRow[] {
    const rows = this.sql.each<Row>(
      `select id, at, who as by, action, item, group_id as "group", subject, why as reason, detail
       from millrace_audit ${refused ? 'indexed by millrace_audit_refused' : ''}
       where id < ? ${item === undefined ? '' : 'and item = ?'} ${group === undefined ? '' : 'and group_id = ?'} ${refused ? "and action = 'refused'" : ''} order by id desc limit ?`,
      before,
      ...(item === undefined ? [] : [item]),
      ...(group === undefined ? [] : [group]),
      limit,
    )
    const sizeOf = ({ by, subject, reason, detail }: Row) => lengthOf(by, subject, reason, detail)
    return pageOf(rows, { limit, sizeOf, cursorOf: ({ id }) => id }).rows.map((row) => ({
      ...row,
      detail: row.detail === null ? null : JSON.parse(row.detail),
    }))
  }
}
