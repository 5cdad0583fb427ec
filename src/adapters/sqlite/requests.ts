import type { Stored } from '../../model/codec.ts'
import type { RequestRow } from '../../model/requests.ts'
import type { RequestChange, RequestStore } from '../../seam/requests.ts'
import type { Beside } from './beside-commits.ts'
import type { Statements } from './statements.ts'

const forgetRows = 1_000

const findText = `select id, type, state, item, outcome, asked_at as askedAt, ended_at as endedAt from millrace_requests
  where id = ?`
/** The head of its lane, where that is held. */
const behindText = `select (select case state when 'held' then id end from millrace_desk head
    where head.processor = own.processor and head.stream = own.stream and head.lane = own.lane
    order by place limit 1) as behind
  from millrace_desk own where message_id = ? and asked > 0 and resolved_at is null and state = 'line'`
const stateText = 'update millrace_requests set state = ?, item = ? where id = ? and ended_at is null'

/** Commands that somebody asked, each until some time after its end. */
export class RequestTable implements RequestStore {
  private readonly sql: Statements
  private readonly beside: Beside

  constructor(sql: Statements, beside: Beside) {
    this.sql = sql
    this.beside = beside
  }

  apply(change: RequestChange): void {
    switch (change.do) {
      case 'held':
        this.sql.run(stateText, 'held', change.item, change.id)
        break
      case 'released':
        this.sql.run(stateText, 'waiting', null, change.id)
        break
      case 'end':
        this.sql.run(
          `update millrace_requests set state = ?, item = null, outcome = ?, ended_at = ?
           where id = ? and ended_at is null`,
          change.state,
          JSON.stringify(change.outcome ?? null),
          change.at,
          change.id,
        )
        break
    }
  }

  ask({ id, type, time }: Stored): void {
    const sql = "insert or ignore into millrace_requests (id, type, state, asked_at) values (?, ?, 'waiting', ?)"
    this.sql.run(sql, id, type, time)
  }

  /** Whether its id is that of a request of another type. */
  conflicts({ id, type }: Stored): boolean {
    const row = this.sql.one<{ readonly type: string }>(findText, id)
    return row !== undefined && row.type !== type
  }

  get(id: string): Omit<RequestRow, 'behind'> | undefined {
    const row = this.sql.one<Omit<RequestRow, 'outcome' | 'behind'> & { outcome: string | null }>(findText, id)
    return row && { ...row, outcome: row.outcome === null ? undefined : JSON.parse(row.outcome) }
  }

  row(id: string): Promise<RequestRow | undefined> {
    return this.beside.durable(() => {
      const row = this.get(id)
      return row && { ...row, behind: row.state === 'waiting' ? this.behind(id) : null }
    })
  }

  private behind(id: string): number | null {
    return this.sql.one<{ readonly behind: number | null }>(behindText, id)?.behind ?? null
  }

  async forget(endedBeforeMs: number): Promise<number> {
    const old = 'select 1 from millrace_requests where ended_at is not null and ended_at < ? limit 1'
    if (this.sql.one(old, endedBeforeMs) === undefined) return 0
    return this.beside.write(() =>
      this.sql.run(
        `delete from millrace_requests where id in (
           select id from millrace_requests where ended_at is not null and ended_at < ? limit ?)`,
        endedBeforeMs,
        forgetRows,
      ),
    )
  }
}
