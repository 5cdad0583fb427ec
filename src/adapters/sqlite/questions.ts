// Questions of flows to people that nobody has answered yet.
import type { JournalEntry } from '../../model/flow.ts'
import type { Question, QuestionFilter } from '../../model/flow-views.ts'
import { lengthOf, pageOf } from '../../model/page.ts'
import type { Statements } from './statements.ts'

const listRows = 100

type Row = Omit<Question, 'escalated'> & { readonly escalated: number }

export class QuestionTable {
  private readonly sql: Statements

  constructor(sql: Statements) {
    this.sql = sql
  }

  list({ mediator, to, after = 0, limit = listRows }: QuestionFilter): Question[] {
    const filters = Object.entries({ 'q.mediator = ?': mediator, 'q.to_whom = ?': to })
    const set = filters.filter((filter): filter is [string, string] => filter[1] !== undefined)
    const where = ['q.n > ?', ...set.map(([sql]) => sql)]
    const values = set.map(([, value]) => value)
    const rows = this.sql.each<Row>(
      `select q.n as id, q.flow, f.mediator, f.context, q.step, q.title, q.to_whom as "to", q.escalated,
         q.asked_at as askedAt, q.due_at as dueAt from millrace_questions q cross join millrace_flows f on f.id = q.flow
       where ${where.join(' and ')} order by q.n limit ?`,
      after,
      ...values,
      limit,
    )
    const sizeOf = ({ step, title, to, context }: Row) => lengthOf(step, title, to, context)
    const page = pageOf(rows, { limit, sizeOf, cursorOf: ({ id }) => id })
    return page.rows.map((row) => ({ ...row, escalated: row.escalated !== 0 }))
  }

  ask(flow: number, { n, step, what, data, at }: JournalEntry): void {
    const { to, due } = data as { readonly to: string | null; readonly due: number | null }
    this.sql.run(
      `insert into millrace_questions (flow, step, n, title, to_whom, escalated, asked_at, due_at, mediator)
       select id, ?, ?, ?, ?, 0, ?, ?, mediator from millrace_flows where id = ?`,
      step,
      n,
      what,
      to,
      at,
      due,
      flow,
    )
  }

  escalate(flow: number, n: number, to: string): void {
    this.sql.run('update millrace_questions set to_whom = ?, escalated = 1 where flow = ? and n = ?', to, flow, n)
  }

  /** The question of a step is answered, or no longer asked. */
  close(flow: number, step: string): void {
    this.sql.run('delete from millrace_questions where flow = ? and step = ?', flow, step)
  }

  clear(flow: number): void {
    this.sql.run('delete from millrace_questions where flow = ?', flow)
  }
}
