// Actions on messages at the desk that were asked for while no app ran; the app carries them out when it starts.
import type { PendingAction } from '../../model/desk-views.ts'
import { fault } from '../../model/errors.ts'
import type { PendingActions } from '../../seam/pending-actions.ts'
import { type Beside, writeDurably } from './beside-commits.ts'
import type { Statements } from './statements.ts'

interface Row {
  readonly item: number
  readonly wish: string
  readonly at: number
  readonly who: string
  readonly why: string | null
}

export class PendingActionTable implements PendingActions {
  private readonly sql: Statements
  private readonly beside: Beside

  constructor(sql: Statements, beside: Beside) {
    this.sql = sql
    this.beside = beside
  }

  add(pending: PendingAction): Promise<void> {
    return writeDurably(this.beside, () => insertPending(this.sql, pending))
  }

  async list(after: Pick<PendingAction, 'at' | 'item'> | undefined, limit: number): Promise<PendingAction[]> {
    const sql = 'select * from millrace_wishes where (at, item) > (?, ?) order by at, item limit ?'
    const rows = this.sql.all<Row>(sql, after?.at ?? Number.MIN_SAFE_INTEGER, after?.item ?? 0, limit)
    return rows.map(({ item, wish, at, who, why }) => {
      return { item, action: JSON.parse(wish), at, by: who, reason: why ?? undefined }
    })
  }

  /** Forgets the action on a message. In the transaction of a commit. */
  remove(item: number): void {
    this.sql.run('delete from millrace_wishes where item = ?', item)
  }
}

/** @throws `millrace/not-held` where an action on that message is pending already */
export function insertPending(sql: Statements, { item, action, at, by, reason }: PendingAction): void {
  const before = sql.one<Pick<Row, 'who' | 'wish'>>('select who, wish from millrace_wishes where item = ?', item)
  if (before !== undefined) {
    const { do: what } = JSON.parse(before.wish) as PendingAction['action']
    const why = `${before.who} has asked for "${what}" of message ${item}; the app does it at its start`
    throw fault('millrace/not-held', why)
  }
  const json = JSON.stringify(action)
  sql.run('insert into millrace_wishes values (?, ?, ?, ?, ?)', item, json, at, by, reason ?? null)
}
