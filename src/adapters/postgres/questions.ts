// Questions of flows to people that nobody has answered yet.
import type { JournalEntry } from '../../model/flow.ts'
import type { Question, QuestionFilter } from '../../model/flow-views.ts'
import { lengthOf, pageOf } from '../../model/page.ts'
import type { Sent } from './sent.ts'
import type { SqlValue, Statements } from './statements.ts'

const listRows = 100
const askText = `insert into millrace.questions (flow, step, n, title, to_whom, escalated, asked_at, due_at, mediator)
  select id, $1, $2, $3, $4, false, $5, $6, mediator from millrace.flows where id = $7`
const escalateText = 'update millrace.questions set to_whom = $1, escalated = true where flow = $2 and n = $3'

type Change =
  | { readonly do: 'ask'; readonly flow: number; readonly entry: JournalEntry }
  | { readonly do: 'escalate'; readonly flow: number; readonly n: number; readonly to: string }
  | { readonly do: 'close'; readonly flow: number; readonly step: string }
  | { readonly do: 'clear'; readonly flow: number }

/** The questions of one transaction that change, in their order. */
export class QuestionChanges {
  private readonly changes: Change[] = []

  add(change: Change): void {
    this.changes.push(change)
  }

  /** Sends all; flows that end together as one statement. */
  send(db: Statements, sent: Sent): void {
    const { changes } = this
    for (let at = 0; at < changes.length; ) {
      const flows: number[] = []
      for (let one = changes[at]; one?.do === 'clear'; one = changes[++at]) flows.push(one.flow)
      if (flows.length > 0) sent.add(db.run('delete from millrace.questions where flow = any($1::int8[])', [flows]))
      const next = changes[at]
      if (next === undefined || next.do === 'clear') continue
      sent.add(sendOne(db, next))
      at++
    }
  }
}

function sendOne(db: Statements, change: Exclude<Change, { readonly do: 'clear' }>): Promise<number> {
  const { flow } = change
  switch (change.do) {
    case 'ask': {
      const { n, step, what, data, at } = change.entry
      const { to, due } = data as { readonly to: string | null; readonly due: number | null }
      return db.run(askText, [step, n, what, to, at, due, flow])
    }
    case 'escalate':
      return db.run(escalateText, [change.to, flow, change.n])
    case 'close':
      // The question of a step is answered, or no longer asked.
      return db.run('delete from millrace.questions where flow = $1 and step = $2', [flow, change.step])
  }
}

export async function questionsIn(
  db: Statements,
  { mediator, to, after = 0, limit = listRows }: QuestionFilter,
): Promise<Question[]> {
  const values: SqlValue[] = [after, limit]
  const where = ['n > $1']
  if (mediator !== undefined) where.push(`mediator = $${values.push(mediator)}`)
  if (to !== undefined) where.push(`to_whom = $${values.push(to)}`)
  const rows = await db.all<Question>(
    `select q.n as id, q.flow, f.mediator, f.context, q.step, q.title, q.to_whom as "to", q.escalated,
       q.asked_at as "askedAt", q.due_at as "dueAt"
     from (select * from millrace.questions where ${where.join(' and ')} order by n limit $2) q
       join millrace.flows f on f.id = q.flow order by q.n`,
    values,
  )
  const sizeOf = ({ step, title, to, context }: Question) => lengthOf(step, title, to, context)
  return [...pageOf(rows, { limit, sizeOf, cursorOf: ({ id }) => id }).rows]
}
