// Mail: events that flows of a context may wait for, until no flow can.
import type { ForgottenMails, Mail, Mailbox } from '../../seam/mail.ts'
import { messageJson, messageOf } from '../shared/flow-row.ts'
import type { Beside } from './beside-commits.ts'
import type { FlowContext, FlowRows } from './flow-rows.ts'
import { Numbers } from './numbers.ts'
import type { Statements } from './statements.ts'

const forgetRows = 200

export class MailTable implements Mailbox {
  readonly numbers: Numbers
  private readonly sql: Statements
  private readonly flows: Pick<FlowRows, 'underWay'>
  private readonly beside: Pick<Beside, 'write'>

  constructor(sql: Statements, flows: Pick<FlowRows, 'underWay'>, beside: Pick<Beside, 'write'>) {
    this.sql = sql
    this.flows = flows
    this.beside = beside
    this.numbers = new Numbers(sql.db, 'mails')
  }

  put({ n, mediator, context, message, at }: Mail): void {
    const json = messageJson(message)
    this.numbers.use(n)
    this.sql.run('insert into millrace_mail values (?, ?, ?, ?, ?, ?)', n, mediator, context, message.type, json, at)
  }

  async underWay(mediator: string, context: string, after: number, limit: number): Promise<number[]> {
    return this.flows.underWay({ mediator, context }, after, limit)
  }

  async next(mediator: string, context: string, type: string, after: number): Promise<Mail | undefined> {
    return this.first({ mediator, context }, type, after)
  }

  /** The first event of a type for the flows of a context after a number. */
  first({ mediator, context }: FlowContext, type: string, after: number): Mail | undefined {
    const row = this.sql.one<{ n: number; message: string; at: number }>(
      `select n, message, at from millrace_mail where mediator = ? and context = ? and type = ? and n > ?
       order by n limit 1`,
      mediator,
      context,
      type,
      after,
    )
    return row && { n: row.n, mediator, context, message: messageOf(row.message), at: row.at }
  }

  async forget(after: number, beforeMs: number): Promise<ForgottenMails> {
    const { gone, last } = this.old(after, beforeMs)
    if (gone.length > 0) {
      await this.beside.write(() => {
        for (const n of gone) this.sql.run('delete from millrace_mail where n = ?', n)
      })
    }
    return { gone: gone.length, last }
  }

  /** Of a slice of the mail the numbers that came before a time and that no flow can wait for. */
  private old(after: number, beforeMs: number): { readonly gone: number[]; readonly last: number | undefined } {
    const looked = this.sql.all<{ n: number; mediator: string; context: string; at: number }>(
      'select n, mediator, context, at from millrace_mail where n > ? order by n limit ?',
      after,
      forgetRows,
    )
    const old = looked.filter(({ at }) => at < beforeMs)
    const gone = old.filter(({ mediator, context }) => !this.mayTakeOld(mediator, context)).map(({ n }) => n)
    // Mail comes in the order of time, unless the clock was set: where none is old, none behind it is.
    return { gone, last: looked.length < forgetRows || old.length === 0 ? undefined : looked.at(-1)!.n }
  }

  /** A flow that is paused or queued has had no chance to take its mail. */
  private mayTakeOld(mediator: string, context: string): boolean {
    return ["state = 'paused'", "state = 'queued'"].some((which) => {
      const sql = `select 1 from millrace_flows where mediator = ? and context = ? and ${which} limit 1`
      return this.sql.one(sql, mediator, context) !== undefined
    })
  }
}
