import { slotOf } from './messages.ts'
import type { Sent } from './sent.ts'
import type { Statements } from './statements.ts'

// Commands that are never to be handled, until their processor has passed over them.

const addText = `insert into millrace.withdrawn (id, slot) select * from unnest($1::text[], $2::int2[]) on conflict do nothing`
const removeText = 'delete from millrace.withdrawn where id = any($1::text[])'

/** Marks commands. In the transaction of a commit. */
export async function withdraw(db: Statements, ids: readonly string[]): Promise<void> {
  await db.run(addText, [ids, ids.map((id) => slotOf({ context: null, id }))])
}

/** The commands of one transaction that are withdrawn or passed over, in their order. */
export class WithdrawnChanges {
  private readonly last = new Map<string, 'withdraw' | 'passed'>()

  add(id: string, what: 'withdraw' | 'passed'): void {
    this.last.set(id, what)
  }

  send(db: Statements, sent: Sent): void {
    const ids = (what: string) => [...this.last].filter(([, one]) => one === what).map(([id]) => id)
    const [withdrawn, passed] = [ids('withdraw'), ids('passed')]
    if (withdrawn.length > 0) sent.add(withdraw(db, withdrawn))
    if (passed.length > 0) sent.add(db.run(removeText, [passed]))
  }
}

export async function withdrawnIn(db: Statements, after: string, limit: number): Promise<string[]> {
  const sql = 'select id from millrace.withdrawn where id > $1 order by id limit $2'
  return (await db.all<{ id: string }>(sql, [after, limit])).map(({ id }) => id)
}
