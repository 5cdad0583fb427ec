// The audit log: who did what at the desk, when and why. Its lines are never deleted.
import type { Audit, AuditRow } from '../../model/desk.ts'
import type { AuditFilter } from '../../model/desk-views.ts'
import { lengthOf, pageOf } from '../../model/page.ts'
import type { SqlValue, Statements } from './statements.ts'

const listRows = 100
const recordText = `insert into millrace.audit (at, who, action, item, group_id, subject, why, detail)
  values ($1, $2, $3, $4, $5, $6, $7, $8)`

type Row = Omit<AuditRow, 'detail'> & { readonly detail: string | null }

/** Writes a line, in the transaction of `db`. */
export async function record(db: Statements, line: Audit): Promise<void> {
  const { at, by, action, item, group = null, subject, reason, detail } = line
  const json = detail === undefined ? null : JSON.stringify(detail)
  await db.run(recordText, [at, by, action, item, group, subject, reason, json])
}

/** Newest first. */
export async function auditLines(db: Statements, filter: AuditFilter): Promise<AuditRow[]> {
  const { item, group, refused = false, before = Number.MAX_SAFE_INTEGER, limit = listRows } = filter
  const values: SqlValue[] = [before, limit]
  const where = ['id < $1']
  if (item !== undefined) where.push(`item = $${values.push(item)}`)
  if (group !== undefined) where.push(`group_id = $${values.push(group)}`)
  if (refused) where.push("action = 'refused'")
  const rows = await db.all<Row>(
    `select id, at, who as by, action, item, group_id as "group", subject, why as reason, detail
     from millrace.audit where ${where.join(' and ')} order by id desc limit $2`,
    values,
  )
  const sizeOf = ({ by, subject, reason, detail }: Row) => lengthOf(by, subject, reason, detail)
  return pageOf(rows, { limit, sizeOf, cursorOf: ({ id }) => id }).rows.map((row) => ({
    ...row,
    detail: row.detail === null ? null : JSON.parse(row.detail),
  }))
}
