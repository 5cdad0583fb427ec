// Flows and their journals, their timers and questions, and the mail that they may wait for.
import type { Stored } from '../../model/codec.ts'
import type { FlowState, JournalEntry, ParentFlow } from '../../model/flow.ts'
import type {
  FlowFilter,
  FlowRow,
  FlowsUnderWay,
  Question,
  QuestionFilter,
  StateOfFlow,
} from '../../model/flow-views.ts'
import { lengthOf, pageOf } from '../../model/page.ts'
import type { FlowSlice } from '../../seam/flow-reads.ts'
import type { UnderWay, WaitingFlow } from '../../seam/flow-take-up.ts'
import type { DueTime, SleepingTime } from '../../seam/flow-times.ts'
import type { FlowChange, StepEnded } from '../../seam/flows.ts'
import type { ForgottenMails, Mail } from '../../seam/mail.ts'
import type { Beside } from './beside.ts'
import { Numbers } from './numbers.ts'
import type { Statements } from './statements.ts'

/** A plus before a column keeps its index from being used: it would lead past all that is held. */
const columns = `id, mediator, version, context, state, message, once, parent_flow as parentFlow, parent_n as parentN,
  rerun_of as rerunOf, continues, mail_after as mailAfter, error, result, started_at as startedAt, ended_at as endedAt,
  case when ended_at is null then (
    select min(d.id) from millrace_desk d where d.asked > 0 and d.resolved_at is null and +d.state in ('held', 'deciding')
      and d.message_id > 'flow/' || millrace_flows.id || '/' and d.message_id < 'flow/' || millrace_flows.id || '0'
  ) end as held`
const entryColumns = 'n, of_n as "of", kind, step, what, data, at'
const listRows = 100
/** How many flows are looked at for those that fit, before others have their turn. */
const lookedAtOnce = 1_000
const forgetRows = 200

type Value = string | number | null

interface OldMails {
  readonly gone: readonly number[]
  /** Up to where they were looked at; undefined where those behind need not be. */
  readonly last: number | undefined
}

const cursorOf = ({ id }: { readonly id: number }) => id

interface Row extends Omit<FlowRow, 'message' | 'error' | 'result' | 'parent' | 'mailAfter'> {
  readonly mailAfter: string | null
  readonly message: string
  readonly error: string | null
  readonly result: string | null
  readonly parentFlow: number | null
  readonly parentN: number | null
}

/** Reads of flows, by a running store and by a file reader alike. */
export class FlowReader {
  protected readonly sql: Statements

  constructor(sql: Statements) {
    this.sql = sql
  }

  list(
    { mediator, states, context, step, startedBefore, after = 0, limit = listRows }: FlowFilter,
    bytesMax?: number,
  ): FlowSlice {
    const looked = this.sql.all<{ id: number }>(
      'select id from millrace_flows where id > ? order by id limit ?',
      after,
      lookedAtOnce,
    )
    const upTo = looked.at(-1)?.id ?? after
    const where = ['id > ? and id <= ?']
    const values: Value[] = [after, upTo]
    const also = (sql: string, ...more: readonly (Value | undefined)[]) => {
      if (more.includes(undefined)) return
      where.push(sql)
      values.push(...(more as Value[]))
    }
    also('mediator = ?', mediator)
    also('context = ?', context)
    also('started_at < ?', startedBefore)
    if (states !== undefined) also(`state in (${states.map(() => '?').join(', ')})`, ...states)
    also(
      `ended_at is null and exists (
         select 1 from millrace_journal j where j.flow = millrace_flows.id and j.of_n is null and j.step = ? and not exists (
           select 1 from millrace_journal e where e.flow = j.flow and e.of_n = j.n))`,
      step,
    )
    const rows = this.sql.each<Row>(
      `select ${columns} from millrace_flows where ${where.join(' and ')} order by id limit ?`,
      ...values,
      limit,
    )
    const sizeOf = ({ message, error, result, mailAfter }: Row) => lengthOf(message, error, result, mailAfter)
    const page = pageOf(rows, { limit, sizeOf, cursorOf, bytesMax })
    const last = page.next ?? (looked.length === lookedAtOnce ? upTo : undefined)
    return { rows: page.rows.map(rowOf), last, isFull: page.next !== undefined, bytes: page.bytes }
  }

  row(id: number): FlowRow | undefined {
    const row = this.sql.one<Row>(`select ${columns} from millrace_flows where id = ?`, id)
    return row && rowOf({ ...row })
  }

  /** The flow that one has started by an entry and that is under way, or goes on for that one. */
  startedBy({ flow, n }: ParentFlow): number | undefined {
    const sql = 'select id from millrace_flows where parent_flow = ? and parent_n = ? and ended_at is null'
    return this.sql.one<{ id: number }>(sql, flow, n)?.id
  }

  journal(id: number, after = 0): JournalEntry[] {
    return this.sql
      .all<Entry>(`select ${entryColumns} from millrace_journal where flow = ? and n > ? order by n`, id, after)
      .map(entryOf)
  }

  questions({ mediator, to, after = 0, limit = listRows }: QuestionFilter): Question[] {
    const filters = Object.entries({ 'q.mediator = ?': mediator, 'q.to_whom = ?': to })
    const set = filters.filter((filter): filter is [string, string] => filter[1] !== undefined)
    const where = ['q.n > ?', ...set.map(([sql]) => sql)]
    const values = set.map(([, value]) => value)
    const rows = this.sql.each<Omit<Question, 'escalated'> & { escalated: number }>(
      `select q.n as id, q.flow, f.mediator, f.context, q.step, q.title, q.to_whom as "to", q.escalated,
         q.asked_at as askedAt, q.due_at as dueAt from millrace_questions q cross join millrace_flows f on f.id = q.flow
       where ${where.join(' and ')} order by q.n limit ?`,
      after,
      ...values,
      limit,
    )
    const sizeOf = ({ step, title, to, context }: Omit<Question, 'escalated'>) => lengthOf(step, title, to, context)
    return pageOf(rows, { limit, sizeOf, cursorOf }).rows.map((row) => ({ ...row, escalated: row.escalated !== 0 }))
  }

  states(after: number, limit: number): StateOfFlow[] {
    return this.sql.all('select id, mediator, state from millrace_flows where id > ? order by id limit ?', after, limit)
  }

  stateOf(id: number): StateOfFlow | undefined {
    return this.sql.one('select id, mediator, state from millrace_flows where id = ?', id)
  }

  times(id: number): { n: number; due: number }[] {
    // Those of a paused flow are below 0.
    return this.sql.all('select n, abs(due) as due from millrace_flow_timers where flow = ? order by n', id)
  }
}

export class FlowTables extends FlowReader {
  protected readonly entries: Numbers
  protected readonly mails: Numbers
  /** Whether the transaction under way has changed a time. */
  protected timesChanged = false
  private readonly beside: Beside

  constructor(sql: Statements, beside: Beside) {
    super(sql)
    this.beside = beside
    this.entries = new Numbers(sql.db, 'entries')
    this.mails = new Numbers(sql.db, 'mails')
  }

  /** The transaction under way was rolled back. */
  rollback(): void {
    this.entries.rollback()
    this.mails.rollback()
  }

  underWayByMediator(but: readonly string[]): FlowsUnderWay[] {
    const isOpen = "ended_at is null and state <> 'queued'"
    const isQueued = "state = 'queued'"
    const mediators = new Set([...this.mediatorsWith(isOpen), ...this.mediatorsWith(isQueued)])
    const count = (which: string, mediator: string) =>
      this.sql.one<{ n: number }>(`select count(*) as n from millrace_flows where mediator = ? and ${which}`, mediator)!
        .n
    return [...mediators]
      .filter((mediator) => !but.includes(mediator))
      .sort()
      .map((mediator) => ({ mediator, flows: count(isOpen, mediator) + count(isQueued, mediator) }))
  }

  /** Each mediator that there is in an index, by one step in it each. */
  private *mediatorsWith(which: string): Generator<string> {
    const sql = `select mediator from millrace_flows where ${which} and mediator > ? order by mediator limit 1`
    for (let last = ''; ; ) {
      const next = this.sql.one<{ mediator: string }>(sql, last)
      if (next === undefined) return
      last = next.mediator
      yield last
    }
  }

  apply(change: Exclude<FlowChange, StepEnded>): void {
    switch (change.do) {
      case 'start':
        this.start(change.row)
        for (const entry of change.journal ?? []) this.enter(change.row.id, entry)
        break
      case 'entry':
        this.enter(change.flow, change.entry)
        break
      case 'renumber':
        this.entries.use(change.n)
        this.sql.run('update millrace_journal set n = ? where flow = ? and n = ?', change.n, change.flow, change.from)
        break
      case 'state':
        this.become(change)
        break
      case 'timer':
        this.timesAre(
          this.sql.run('insert into millrace_flow_timers values (?, ?, ?)', change.due, change.flow, change.n),
        )
        break
      case 'untimer':
        this.untimer(change.flow, change.n)
        break
      case 'asleep':
        this.timesAre(
          this.sql.run(
            'update millrace_flow_timers set due = -abs(due) where flow = ? and n = ?',
            change.flow,
            change.n,
          ),
        )
        break
      case 'awake':
        this.timesAre(
          this.sql.run(
            `update millrace_flow_timers set due = abs(due) where flow = ?1 and n = ?2
             and (select state from millrace_flows where id = ?1) <> 'paused'`,
            change.flow,
            change.n,
          ),
        )
        break
      case 'ask':
        this.ask(change.flow, change.entry)
        break
      case 'escalate':
        this.sql.run(
          'update millrace_questions set to_whom = ?, escalated = 1 where flow = ? and n = ?',
          change.to,
          change.flow,
          change.n,
        )
        break
      case 'mail': {
        const { n, mediator, context, message, at } = change.mail
        const json = messageJson(message)
        this.mails.use(n)
        this.sql.run(
          'insert into millrace_mail values (?, ?, ?, ?, ?, ?)',
          n,
          mediator,
          context,
          message.type,
          json,
          at,
        )
        break
      }
      case 'withdraw':
        this.sql.run('insert or ignore into millrace_withdrawn values (?)', change.id)
        break
      case 'passed':
        this.sql.run('delete from millrace_withdrawn where id = ?', change.id)
        break
    }
  }

  private start(row: FlowRow): void {
    // A value is that of one flow.
    if (row.continues !== null && row.once !== null) {
      this.sql.run('update millrace_flows set once = null where id = ?', row.continues)
    }
    this.sql.run(
      `insert into millrace_flows (id, mediator, version, context, state, message, once, parent_flow, parent_n,
         rerun_of, continues, mail_after, started_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      row.id,
      row.mediator,
      row.version,
      row.context,
      row.state,
      messageJson(row.message),
      row.once,
      row.parent?.flow ?? null,
      row.parent?.n ?? null,
      row.rerunOf,
      row.continues,
      row.mailAfter === null ? null : JSON.stringify(row.mailAfter),
      row.startedAt,
    )
  }

  private become({ flow, state, error, result, endedAt }: FlowChange & { readonly do: 'state' }): void {
    this.sql.run(
      'update millrace_flows set state = ?, error = ?, result = ?, ended_at = ? where id = ?',
      state,
      error === null ? null : JSON.stringify(error),
      result === undefined ? null : JSON.stringify(result),
      endedAt,
      flow,
    )
    if (endedAt !== null) {
      this.timesAre(this.sql.run('delete from millrace_flow_timers where flow = ?', flow))
      this.sql.run('delete from millrace_questions where flow = ?', flow)
      return
    }
    // What is paused is not looked for: its times are put before all that can be due.
    const asleep = state === 'paused' ? 'due > 0' : 'due < 0'
    this.timesAre(this.sql.run(`update millrace_flow_timers set due = -due where flow = ? and ${asleep}`, flow))
  }

  protected untimer(flow: number, n: number): void {
    this.timesAre(this.sql.run('delete from millrace_flow_timers where flow = ? and n = ?', flow, n))
  }

  /** So many times have changed. */
  private timesAre(changed: number): void {
    if (changed > 0) this.timesChanged = true
  }

  protected enter(flow: number, { n, of, kind, step, what, data, at }: JournalEntry): void {
    const json = data === null ? null : JSON.stringify(data)
    this.entries.use(n)
    this.sql.run(
      'insert into millrace_journal values (?, ?, ?, ?, ?, ?, ?, ?)',
      flow,
      n,
      of,
      kind,
      step,
      what,
      json,
      at,
    )
    if (kind === 'ask' && of !== null) {
      this.sql.run('delete from millrace_questions where flow = ? and step = ?', flow, step)
    }
  }

  private ask(flow: number, { n, step, what, data, at }: JournalEntry): void {
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

  underWay(mediator: string, context: string, after: number, limit: number): number[] {
    const rows = this.sql.all<{ id: number }>(
      `select id from millrace_flows
       where mediator = ? and context = ? and ended_at is null and state <> 'queued' and id > ? order by id limit ?`,
      mediator,
      context,
      after,
      limit,
    )
    return rows.map(({ id }) => id)
  }

  takeUp(mediator: string, after: UnderWay | undefined, limit: number): UnderWay[] {
    const slice = (where: string, ...values: Value[]) =>
      this.sql
        .all<UnderWay & { readonly unfinished: number; readonly mail: number }>(
          `select id, context, state = 'compensating' or (state = 'running' and (
               select of_n is not null or kind not in ('call', 'wait', 'sleep', 'ask', 'flow') from millrace_journal
               where flow = f.id order by n desc limit 1) is not 0) as unfinished,
             state = 'running' and exists (
               select 1 from millrace_mail m where m.mediator = f.mediator and m.context = f.context) as mail
           from millrace_flows f where mediator = ? and ended_at is null and state <> 'queued' and ${where} limit ?`,
          mediator,
          ...values,
          limit,
        )
        .map(({ id, context, unfinished, mail }) => {
          return { id, context, unfinished: unfinished !== 0 || (mail !== 0 && this.hasMail(mediator, id, context!)) }
        })
    // Those without a context come first; each context to its end before the next.
    const rest =
      after === undefined || after.context === null
        ? slice('context is null and id > ? order by id', after?.id ?? 0)
        : slice('context = ? and id > ? order by id', after.context, after.id)
    return rest.length > 0 ? rest : slice('context > ? order by context, id', after?.context ?? '')
  }

  /** Whether the mailbox has what a flow waits for, and has not had. */
  private hasMail(mediator: string, flow: number, context: string): boolean {
    const waits = this.sql.all<Pick<Entry, 'n' | 'of' | 'what'>>(
      `select n, of_n as "of", what from millrace_journal where flow = ? and kind = 'wait' order by n`,
      flow,
    )
    const open = new Map<number, string>()
    const last = new Map<string, number>()
    for (const { n, of, what } of waits) {
      if (of === null) open.set(n, what)
      else {
        open.delete(of)
        last.set(what, n)
      }
    }
    return [...new Set(open.values())].some((type) => {
      const had = this.mailOf(flow, last.get(type) ?? 0)
      return this.nextMail(mediator, context, type, had) !== undefined
    })
  }

  /** The mail by which a wait has ended; 0 where that is another reason. */
  private mailOf(flow: number, n: number): number {
    const sql = "select json_extract(data, '$.value.mail') as mail from millrace_journal where flow = ? and n = ?"
    return this.sql.one<{ mail: number | null }>(sql, flow, n)?.mail ?? 0
  }

  next(mediator: string, context: string): number | undefined {
    if (this.underWay(mediator, context, 0, 1).length > 0) return undefined
    const sql =
      "select id from millrace_flows where mediator = ? and context = ? and state = 'queued' order by id limit 1"
    return this.sql.one<{ id: number }>(sql, mediator, context)?.id
  }

  waiting(mediator: string, after: string, limit: number): WaitingFlow[] {
    const sql = `select context, id from millrace_flows where mediator = ? and state = 'queued' and context > ?
       order by context, id limit 1`
    const found: WaitingFlow[] = []
    while (found.length < limit) {
      const first = this.sql.one<WaitingFlow>(sql, mediator, found.at(-1)?.context ?? after)
      if (first === undefined) break
      found.push({ ...first })
    }
    return found
  }

  hasOnce(mediator: string, once: string): boolean {
    return this.sql.one('select 1 from millrace_flows where mediator = ? and once = ?', mediator, once) !== undefined
  }

  nextMail(mediator: string, context: string, type: string, after: number): Mail | undefined {
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

  due(now: number, limit: number): DueTime[] {
    return this.sql.all(
      'select flow, n from millrace_flow_timers where due between 0 and ? order by due limit ?',
      now,
      limit,
    )
  }

  hasEnd(flow: number, n: number): boolean {
    return (
      this.sql.one("select 1 from millrace_journal where flow = ? and n > ? and of_n = ? and step = ''", flow, n, n) !==
      undefined
    )
  }

  asleep(after: SleepingTime | undefined, limit: number): SleepingTime[] {
    return this.sql.all(
      `select t.due, t.flow, t.n, f.mediator, f.state from millrace_flow_timers t cross join millrace_flows f on f.id = t.flow
       where (t.due, t.flow, t.n) > (?, ?, ?) and t.due < 0 order by t.due, t.flow, t.n limit ?`,
      after?.due ?? Number.MIN_SAFE_INTEGER,
      after?.flow ?? 0,
      after?.n ?? 0,
      limit,
    )
  }

  withdrawn(after: string, limit: number): string[] {
    const sql = 'select id from millrace_withdrawn where id > ? order by id limit ?'
    return this.sql.all<{ id: string }>(sql, after, limit).map(({ id }) => id)
  }

  async forget(endedBeforeMs: number): Promise<number> {
    const one = this.sql.one('select 1 from millrace_flows where ended_at < ? limit 1', endedBeforeMs)
    return one === undefined ? 0 : this.beside.write(() => this.forgetEnded(endedBeforeMs))
  }

  private forgetEnded(beforeMs: number): number {
    const old = this.sql.all<{ id: number }>(
      'select id from millrace_flows where ended_at < ? limit ?',
      beforeMs,
      forgetRows,
    )
    for (const { id } of old) {
      this.sql.run('delete from millrace_journal where flow = ?', id)
      this.sql.run('delete from millrace_flows where id = ?', id)
    }
    return old.length
  }

  async forgetMails(after: number, beforeMs: number): Promise<ForgottenMails> {
    const { gone, last } = this.oldMails(after, beforeMs)
    if (gone.length > 0) {
      await this.beside.write(() => {
        for (const n of gone) this.sql.run('delete from millrace_mail where n = ?', n)
      })
    }
    return { gone: gone.length, last }
  }

  /** Of the next mails after one those that came before a time and that nobody can come to wait for any more. */
  private oldMails(after: number, beforeMs: number): OldMails {
    const looked = this.sql.all<{ n: number; mediator: string; context: string; at: number }>(
      'select n, mediator, context, at from millrace_mail where n > ? order by n limit ?',
      after,
      forgetRows,
    )
    const old = looked.filter(({ at }) => at < beforeMs)
    const gone = old.filter(({ mediator, context }) => !this.mayTakeOld(mediator, context)).map(({ n }) => n)
    // They come in the order of time, but for a clock that was set: where none is old, those behind are not.
    return { gone, last: looked.length < forgetRows || old.length === 0 ? undefined : looked.at(-1)!.n }
  }

  /** Who is paused or waits for its turn has had no chance to take it. */
  private mayTakeOld(mediator: string, context: string): boolean {
    return ["state = 'paused'", "state = 'queued'"].some((which) => {
      const sql = `select 1 from millrace_flows where mediator = ? and context = ? and ${which} limit 1`
      return this.sql.one(sql, mediator, context) !== undefined
    })
  }
}

type Entry = Omit<JournalEntry, 'data'> & { readonly data: string | null }

function entryOf({ data, ...entry }: Entry): JournalEntry {
  return { ...entry, data: data === null ? null : JSON.parse(data) }
}

function rowOf({ message, error, result, parentFlow, parentN, mailAfter, ...row }: Row): FlowRow {
  return {
    ...row,
    mailAfter: mailAfter === null ? null : JSON.parse(mailAfter),
    state: row.state as FlowState,
    message: messageOf(message),
    parent: parentFlow === null ? null : { flow: parentFlow, n: parentN! },
    error: error === null ? null : JSON.parse(error),
    result: result === null ? undefined : JSON.parse(result),
  }
}

function messageJson({ decoded: _, plain: _plain, ...message }: Stored): string {
  return JSON.stringify(message)
}

function messageOf(json: string): Stored {
  return { asked: undefined, attributes: null, ...JSON.parse(json), decoded: undefined }
}
