// Actions on messages at the desk that somebody else than the owner of the store has asked for. The owner carries them out,
// and leaves its answer for who asked.
//
//   asked ──carried out, or impossible──→ answered ──read, or old──→ (gone)
import type { PendingAction } from '../../model/desk-views.ts'
import { fault } from '../../model/errors.ts'
import type { PendingActions } from '../../seam/pending-actions.ts'
import { type Beside, one, type Statements } from './statements.ts'

interface Row {
  readonly item: number
  readonly action: string
  readonly at: number
  readonly who: string
  readonly why: string | null
}

const addText = `insert into millrace.pending_actions (item, action, at, who, why) values ($1, $2, $3, $4, $5)
  on conflict (item) where answered_at is null do nothing`
const findText = 'select action, who from millrace.pending_actions where item = $1 and answered_at is null'
const listText = `select item, action, at, who, why from millrace.pending_actions
  where answered_at is null and (at, item) > ($1, $2) order by at, item limit $3`

export class PendingActionTable implements PendingActions {
  private readonly beside: Beside

  constructor(beside: Beside) {
    this.beside = beside
  }

  add({ item, action, at, by, reason }: PendingAction): Promise<void> {
    return this.beside.write(async (db) => {
      const values = [item, JSON.stringify(action), at, by, reason ?? null]
      if ((await db.run(addText, values)) === 1) return
      const before = await one<Pick<Row, 'who' | 'action'>>(db, findText, [item])
      const { do: what } = JSON.parse(before?.action ?? '{}') as Partial<PendingAction['action']>
      throw fault(
        'millrace/not-held',
        `${before?.who} has asked for "${what}" of message ${item}; the app does it at its start`,
      )
    })
  }

  async list(after: Pick<PendingAction, 'at' | 'item'> | undefined, limit: number): Promise<PendingAction[]> {
    const values = [after?.at ?? Number.MIN_SAFE_INTEGER, after?.item ?? 0, limit]
    const rows = await this.beside.read((db) => db.all<Row>(listText, values))
    return rows.map(({ item, action, at, who, why }) => {
      return { item, action: JSON.parse(action), at, by: who, reason: why ?? undefined }
    })
  }

  /** Forgets the action on a message. In the transaction of a commit. */
  async remove(db: Statements, item: number): Promise<void> {
    await db.run('delete from millrace.pending_actions where item = $1 and answered_at is null', [item])
  }
}
