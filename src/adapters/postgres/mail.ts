// Mail: events that flows of a context may wait for, until no flow can.
import type { ForgottenMails, Mail, Mailbox } from '../../seam/mail.ts'
import { messageJson, messageOf } from '../shared/flow-row.ts'
import { type FlowContext, flowsUnderWay } from './flow-rows.ts'
import { lists } from './lists.ts'
import { slotOf } from './messages.ts'
import { Numbers } from './numbers.ts'
import type { Sent } from './sent.ts'
import { type Beside, one, type Statements } from './statements.ts'

const forgetRows = 200
const putText = `insert into millrace.mail (n, slot, mediator, context, type, message, at)
  select * from unnest($1::int8[], $2::int2[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int8[])`
const columns = [
  ({ n }: Mail) => n,
  ({ context }: Mail) => slotOf({ context, id: '' }),
  ({ mediator }: Mail) => mediator,
  ({ context }: Mail) => context,
  ({ message }: Mail) => message.type,
  ({ message }: Mail) => messageJson(message),
  ({ at }: Mail) => at,
]
const nextText = `select n, message, at from millrace.mail
  where mediator = $1 and context = $2 and type = $3 and n > $4 order by n limit 1`
/** A flow that is paused or queued has had no chance to take its mail. */
const mayTake = ['paused', 'queued']
  .map(
    (state) => `exists (select 1 from millrace.flows f
      where f.mediator = m.mediator and f.context = m.context and f.state = '${state}')`,
  )
  .join(' or ')
const oldText = `select m.n, m.at, case when m.at < $2 then ${mayTake} end as taken
  from (select n, mediator, context, at from millrace.mail where n > $1 order by n limit ${forgetRows}) m order by m.n`

export class MailTable implements Mailbox {
  readonly numbers: Numbers = new Numbers('mail_numbers')
  private readonly beside: Beside

  constructor(beside: Beside) {
    this.beside = beside
  }

  /** Sends the mail of a transaction. */
  send(db: Statements, sent: Sent, mail: readonly Mail[]): void {
    if (mail.length === 0) return
    sent.add(db.run(putText, lists(mail, columns)))
    const set = this.numbers.use(db, Math.max(...mail.map(({ n }) => n)))
    if (set !== undefined) sent.add(set)
  }

  underWay(mediator: string, context: string, after: number, limit: number): Promise<number[]> {
    return this.beside.read((db) => flowsUnderWay(db, { mediator, context }, after, limit))
  }

  next(mediator: string, context: string, type: string, after: number): Promise<Mail | undefined> {
    return this.beside.read((db) => firstMail(db, { mediator, context }, type, after))
  }

  async forget(after: number, beforeMs: number): Promise<ForgottenMails> {
    const looked = await this.beside.read((db) =>
      db.all<{ n: number; at: number; taken: boolean | null }>(oldText, [after, beforeMs]),
    )
    const old = looked.filter(({ at }) => at < beforeMs)
    const gone = old.filter(({ taken }) => taken === false).map(({ n }) => n)
    if (gone.length > 0) {
      await this.beside.write((db) => db.run('delete from millrace.mail where n = any($1::int8[])', [gone]))
    }
    // Mail comes in the order of time, unless the clock was set: where none is old, none behind it is.
    const isEnd = looked.length < forgetRows || old.length === 0
    return { gone: gone.length, last: isEnd ? undefined : looked.at(-1)!.n }
  }
}

/** The first event of a type for the flows of a context after a number. */
export async function firstMail(
  db: Statements,
  { mediator, context }: FlowContext,
  type: string,
  after: number,
): Promise<Mail | undefined> {
  const row = await one<{ n: number; message: string; at: number }>(db, nextText, [mediator, context, type, after])
  return row && { n: row.n, mediator, context, message: messageOf(row.message), at: row.at }
}
