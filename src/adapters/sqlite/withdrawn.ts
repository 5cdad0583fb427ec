import type { Statements } from './statements.ts'

/** Commands that are never to be handled, until their processor has passed over them. */
export class WithdrawnTable {
  private readonly sql: Statements

  constructor(sql: Statements) {
    this.sql = sql
  }

  add(id: string): void {
    this.sql.run('insert or ignore into millrace_withdrawn values (?)', id)
  }

  remove(id: string): void {
    this.sql.run('delete from millrace_withdrawn where id = ?', id)
  }

  list(after: string, limit: number): string[] {
    const sql = 'select id from millrace_withdrawn where id > ? order by id limit ?'
    return this.sql.all<{ id: string }>(sql, after, limit).map(({ id }) => id)
  }
}
