import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Stored } from '../../model/codec.ts'
import type { RequestRow } from '../../model/requests.ts'
import type { RequestChange } from '../../seam/requests.ts'

const forgetRows = 1_000

/** Commands that somebody asked, each until some time after its end. */
export class RequestTable {
  private readonly begin: StatementSync
  private readonly state: StatementSync
  private readonly end: StatementSync
  private readonly find: StatementSync
  private readonly old: StatementSync
  private readonly delete: StatementSync

  constructor(db: DatabaseSync) {
    this.begin = db.prepare(
      "insert or ignore into millrace_requests (id, type, state, asked_at) values (?, ?, 'waiting', ?)",
    )
    this.state = db.prepare('update millrace_requests set state = ?, item = ? where id = ? and ended_at is null')
    this.end = db.prepare(
      'update millrace_requests set state = ?, item = null, outcome = ?, ended_at = ? where id = ? and ended_at is null',
    )
    this.find = db.prepare(
      `select id, type, state, item, outcome, asked_at as askedAt, ended_at as endedAt from millrace_requests
       where id = ?`,
    )
    this.old = db.prepare('select 1 from millrace_requests where ended_at is not null and ended_at < ? limit 1')
    this.delete = db.prepare(
      `delete from millrace_requests where id in (
         select id from millrace_requests where ended_at is not null and ended_at < ? limit ?)`,
    )
  }

  apply(change: RequestChange): void {
    switch (change.do) {
      case 'held':
        this.state.run('held', change.item, change.id)
        break
      case 'released':
        this.state.run('waiting', null, change.id)
        break
      case 'end':
        this.end.run(change.state, JSON.stringify(change.outcome ?? null), change.at, change.id)
        break
    }
  }

  ask({ id, type, time }: Stored): void {
    this.begin.run(id, type, time)
  }

  /** Whether its id is that of a request of another type. */
  conflicts({ id, type }: Stored): boolean {
    const row = this.find.get(id) as { readonly type: string } | undefined
    return row !== undefined && row.type !== type
  }

  get(id: string): RequestRow | undefined {
    const row = this.find.get(id) as (Omit<RequestRow, 'outcome'> & { outcome: string | null }) | undefined
    return row && { ...row, outcome: row.outcome === null ? undefined : JSON.parse(row.outcome) }
  }

  /** Whether something has ended before a time. */
  hasOld(beforeMs: number): boolean {
    return this.old.get(beforeMs) !== undefined
  }

  /** Forgets what has ended before a time, at most one slice. Gives how many. */
  forget(beforeMs: number): number {
    return Number(this.delete.run(beforeMs, forgetRows).changes)
  }
}
