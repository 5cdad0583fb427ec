// Flows and their journals, their timers, and the mail that they may wait for.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Stored } from '../../model/codec.ts'
import type {
  FlowChange,
  FlowFilter,
  FlowRow,
  FlowState,
  FlowStore,
  JournalEntry,
  Mail,
  Outcome,
  RequestChange,
} from '../../seam/store.ts'

const columns = 'id, mediator, context, state, message, error, started_at as startedAt, ended_at as endedAt'
const listRows = 100

type Row = Omit<FlowRow, 'message' | 'error'> & { readonly message: string; readonly error: string | null }

export class FlowTables implements FlowStore {
  private readonly db: DatabaseSync
  private readonly statements = new Map<string, StatementSync>()
  private lastFlow: number
  private lastEntry: number
  private lastMail: number

  constructor(db: DatabaseSync) {
    this.db = db
    this.lastFlow = this.number("select coalesce(max(seq), 0) as n from sqlite_sequence where name = 'millrace_flows'")
    this.lastEntry = this.number('select coalesce(max(n), 0) as n from millrace_journal')
    this.lastMail = this.number('select coalesce(max(n), 0) as n from millrace_mail')
  }

  newFlowId(): number {
    return ++this.lastFlow
  }

  newEntryId(): number {
    return ++this.lastEntry
  }

  newMailId(): number {
    return ++this.lastMail
  }

  apply(change: FlowChange): void {
    switch (change.do) {
      case 'start': {
        const { id, mediator, context, state, message, startedAt } = change.row
        this.run(
          'insert into millrace_flows values (?, ?, ?, ?, ?, null, ?, null)',
          id,
          mediator,
          context,
          state,
          messageJson(message),
          startedAt,
        )
        break
      }
      case 'entry':
        this.enter(change.flow, change.entry)
        break
      case 'state':
        this.run(
          'update millrace_flows set state = ?, error = ?, ended_at = ? where id = ?',
          change.state,
          change.error === null ? null : JSON.stringify(change.error),
          change.endedAt,
          change.flow,
        )
        if (change.endedAt !== null) this.run('delete from millrace_flow_timers where flow = ?', change.flow)
        break
      case 'timer':
        this.run('insert into millrace_flow_timers values (?, ?, ?)', change.due, change.flow, change.n)
        break
      case 'untimer':
        this.run('delete from millrace_flow_timers where flow = ? and n = ?', change.flow, change.n)
        break
      case 'mail': {
        const { n, mediator, context, message, at } = change.mail
        const json = messageJson(message)
        this.run('insert into millrace_mail values (?, ?, ?, ?, ?, ?)', n, mediator, context, message.type, json, at)
        break
      }
      case 'withdraw':
        this.run('insert or ignore into millrace_withdrawn values (?)', change.id)
        break
    }
  }

  /** A command that a flow has called is done with: that is an entry of its journal. */
  callEnded(change: RequestChange & { readonly do: 'end' }): void {
    const [, flow, of] = change.id.split('/')
    change.n = this.newEntryId()
    const data = outcomeOf(change)
    this.enter(Number(flow), { n: change.n, of: Number(of), kind: 'call', step: '', what: '', data })
    this.run('delete from millrace_flow_timers where flow = ? and n = ?', Number(flow), Number(of))
  }

  private enter(flow: number, { n, of, kind, step, what, data }: JournalEntry): void {
    const json = data === null ? null : JSON.stringify(data)
    this.run('insert into millrace_journal values (?, ?, ?, ?, ?, ?, ?)', flow, n, of, kind, step, what, json)
  }

  list({ mediator, states, context, after = 0, limit = listRows }: FlowFilter): FlowRow[] {
    const where = ['id > ?']
    const values: (string | number)[] = [after]
    const also = (sql: string, value: string | undefined) => {
      if (value === undefined) return
      where.push(sql)
      values.push(value)
    }
    also('mediator = ?', mediator)
    also('context = ?', context)
    if (states !== undefined) {
      where.push(`state in (${states.map(() => '?').join(', ')})`)
      values.push(...states)
    }
    const rows = this.all(
      `select ${columns} from millrace_flows where ${where.join(' and ')} order by id limit ?`,
      ...values,
      limit,
    )
    return (rows as Row[]).map(rowOf)
  }

  row(id: number): FlowRow | undefined {
    const [row] = this.all(`select ${columns} from millrace_flows where id = ?`, id) as Row[]
    return row && rowOf(row)
  }

  journal(id: number): JournalEntry[] {
    const rows = this.all(
      'select n, of_n as "of", kind, step, what, data from millrace_journal where flow = ? order by n',
      id,
    ) as (Omit<JournalEntry, 'data'> & { data: string | null })[]
    return rows.map((row) => ({ ...row, data: row.data === null ? null : JSON.parse(row.data) }))
  }

  unfinished(): number[] {
    const rows = this.all(
      `select id from millrace_flows f where ended_at is null and state in ('running', 'compensating') and (
         select of_n is not null or kind in ('cancel', 'resume') from millrace_journal where flow = f.id
         order by n desc limit 1) is not 0`,
    )
    return (rows as { id: number }[]).map(({ id }) => id)
  }

  underWay(mediator: string, context: string): number[] {
    const rows = this.all(
      'select id from millrace_flows where mediator = ? and context = ? and ended_at is null order by id',
      mediator,
      context,
    )
    return (rows as { id: number }[]).map(({ id }) => id)
  }

  mails(mediator: string, context: string, type: string): Mail[] {
    const rows = this.all(
      'select n, message, at from millrace_mail where mediator = ? and context = ? and type = ? order by n',
      mediator,
      context,
      type,
    ) as { n: number; message: string; at: number }[]
    return rows.map(({ n, message, at }) => ({ n, mediator, context, message: messageOf(message), at }))
  }

  due(now: number, limit: number): { flow: number; n: number }[] {
    const rows = this.all('select flow, n from millrace_flow_timers where due <= ? order by due limit ?', now, limit)
    return rows as { flow: number; n: number }[]
  }

  nextDue(): number | undefined {
    const [row] = this.all('select due from millrace_flow_timers order by due limit 1') as { due: number }[]
    return row?.due
  }

  withdrawn(): string[] {
    return (this.all('select id from millrace_withdrawn') as { id: string }[]).map(({ id }) => id)
  }

  private number(sql: string): number {
    return (this.db.prepare(sql).get() as { n: number }).n
  }

  private statement(sql: string): StatementSync {
    let statement = this.statements.get(sql)
    if (statement === undefined) {
      statement = this.db.prepare(sql)
      this.statements.set(sql, statement)
    }
    return statement
  }

  private run(sql: string, ...values: (string | number | null)[]): void {
    this.statement(sql).run(...values)
  }

  private all(sql: string, ...values: (string | number | null)[]): object[] {
    return this.statement(sql)
      .all(...values)
      .map((row) => ({ ...row }))
  }
}

function rowOf({ message, error, ...row }: Row): FlowRow {
  return {
    ...row,
    state: row.state as FlowState,
    message: messageOf(message),
    error: error === null ? null : JSON.parse(error),
  }
}

function messageJson({ decoded: _, ...message }: Stored): string {
  return JSON.stringify(message)
}

function messageOf(json: string): Stored {
  return { repeat: undefined, asked: undefined, ...JSON.parse(json), decoded: undefined }
}

export function outcomeOf({ state, outcome }: RequestChange & { readonly do: 'end' }): Outcome {
  if (state === 'replied') return { ok: true, value: outcome ?? null }
  const { message, data } = outcome as { message: string; data?: unknown }
  if (state === 'refused') return { ok: false, code: 'refused', message, ...(data === undefined ? {} : { data }) }
  return { ok: false, code: 'millrace/request-discarded', message, effects: 'unknown' }
}
