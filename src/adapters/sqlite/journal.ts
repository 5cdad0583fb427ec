// The journals of flows: what each step began with, and how it ended.
import type { JournalEntry } from '../../model/flow.ts'
import { Numbers } from './numbers.ts'
import type { Statements } from './statements.ts'

type Row = Omit<JournalEntry, 'data'> & { readonly data: string | null }

export class JournalTable {
  readonly numbers: Numbers
  private readonly sql: Statements

  constructor(sql: Statements) {
    this.sql = sql
    this.numbers = new Numbers(sql.db, 'entries')
  }

  /** All entries of a flow, in order. */
  of(flow: number): JournalEntry[] {
    const sql = 'select n, of_n as "of", kind, step, what, data, at from millrace_journal where flow = ? order by n'
    return this.sql.all<Row>(sql, flow).map(({ data, ...entry }) => {
      return { ...entry, data: data === null ? null : JSON.parse(data) }
    })
  }

  enter(flow: number, entry: JournalEntry): void {
    this.insert('insert into millrace_journal values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)', flow, entry)
  }

  /** Enters the end of a step where its flow exists; returns whether it does. */
  enterEnd(flow: number, entry: JournalEntry): boolean {
    const sql = `insert into millrace_journal select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
      where exists (select 1 from millrace_flows where id = ?1)`
    return this.insert(sql, flow, entry) === 1
  }

  private insert(sql: string, flow: number, { n, of, kind, step, what, data, at }: JournalEntry): number {
    this.numbers.use(n)
    const json = data === null ? null : JSON.stringify(data)
    return this.sql.run(sql, flow, n, of, kind, step, what, json, at)
  }

  /** Gives an entry a higher number. */
  renumber(flow: number, from: number, n: number): void {
    this.numbers.use(n)
    this.sql.run('update millrace_journal set n = ? where flow = ? and n = ?', n, flow, from)
  }

  /** Whether the command of a step has ended by itself, and not only for its flow. */
  hasEnd(flow: number, n: number): boolean {
    const sql = "select 1 from millrace_journal where flow = ? and n > ? and of_n = ? and step = ''"
    return this.sql.one(sql, flow, n, n) !== undefined
  }

  /** The types of mail that a flow waits for, each with the number of the mail that it has had last. */
  waits(flow: number): { readonly type: string; readonly had: number }[] {
    const waits = this.sql.all<Pick<Row, 'n' | 'of' | 'what'>>(
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
    return [...new Set(open.values())].map((type) => ({ type, had: this.mailOf(flow, last.get(type) ?? 0) }))
  }

  /** The mail by which a wait has ended; 0 where it has ended for another reason. */
  private mailOf(flow: number, n: number): number {
    const sql = "select json_extract(data, '$.value.mail') as mail from millrace_journal where flow = ? and n = ?"
    return this.sql.one<{ mail: number | null }>(sql, flow, n)?.mail ?? 0
  }

  clear(flow: number): void {
    this.sql.run('delete from millrace_journal where flow = ?', flow)
  }
}
