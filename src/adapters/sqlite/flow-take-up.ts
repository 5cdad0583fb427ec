// What a start finds of flows: those under way, the first of those that are queued, and withdrawn commands.
import type { FlowsUnderWay } from '../../model/flow-views.ts'
import type { FlowTakeUp, UnderWay, WaitingFlow } from '../../seam/flow-take-up.ts'
import type { JournalTable } from './journal.ts'
import type { MailTable } from './mail.ts'
import type { Statements, Value } from './statements.ts'
import type { WithdrawnTable } from './withdrawn.ts'

/** The leaves that a start asks. */
export interface TakeUpParts {
  readonly journal: Pick<JournalTable, 'waits'>
  readonly mail: Pick<MailTable, 'first'>
  readonly withdrawn: Pick<WithdrawnTable, 'list'>
}

interface Row {
  readonly id: number
  readonly context: string | null
  readonly unfinished: number
  readonly mail: number
}

export class FlowTakeUpReads implements FlowTakeUp {
  private readonly sql: Statements
  private readonly parts: TakeUpParts

  constructor(sql: Statements, parts: TakeUpParts) {
    this.sql = sql
    this.parts = parts
  }

  async underWayByMediator(but: readonly string[]): Promise<FlowsUnderWay[]> {
    const isOpen = "ended_at is null and state <> 'queued'"
    const isQueued = "state = 'queued'"
    const mediators = new Set([...this.mediatorsWith(isOpen), ...this.mediatorsWith(isQueued)])
    const count = (which: string, mediator: string) => {
      const sql = `select count(*) as n from millrace_flows where mediator = ? and ${which}`
      return this.sql.one<{ n: number }>(sql, mediator)!.n
    }
    return [...mediators]
      .filter((mediator) => !but.includes(mediator))
      .sort()
      .map((mediator) => ({ mediator, flows: count(isOpen, mediator) + count(isQueued, mediator) }))
  }

  /** Each mediator in an index, by one step in it each. */
  private *mediatorsWith(which: string): Generator<string> {
    const sql = `select mediator from millrace_flows where ${which} and mediator > ? order by mediator limit 1`
    for (let last = ''; ; ) {
      const next = this.sql.one<{ mediator: string }>(sql, last)
      if (next === undefined) return
      last = next.mediator
      yield last
    }
  }

  async underWay(mediator: string, after: UnderWay | undefined, limit: number): Promise<UnderWay[]> {
    // Flows without a context come first; each context to its end before the next.
    const rest =
      after === undefined || after.context === null
        ? this.slice(mediator, 'context is null and id > ? order by id', [after?.id ?? 0, limit])
        : this.slice(mediator, 'context = ? and id > ? order by id', [after.context, after.id, limit])
    return rest.length > 0
      ? rest
      : this.slice(mediator, 'context > ? order by context, id', [after?.context ?? '', limit])
  }

  private slice(mediator: string, where: string, values: readonly Value[]): UnderWay[] {
    const rows = this.sql.all<Row>(
      `select id, context, state = 'compensating' or (state = 'running' and (
           select of_n is not null or kind not in ('call', 'wait', 'sleep', 'ask', 'flow') from millrace_journal
           where flow = f.id order by n desc limit 1) is not 0) as unfinished,
         state = 'running' and exists (
           select 1 from millrace_mail m where m.mediator = f.mediator and m.context = f.context) as mail
       from millrace_flows f where mediator = ? and ended_at is null and state <> 'queued' and ${where} limit ?`,
      mediator,
      ...values,
    )
    return rows.map(({ id, context, unfinished, mail }) => {
      return { id, context, unfinished: unfinished !== 0 || (mail !== 0 && this.hasMail(mediator, id, context!)) }
    })
  }

  /** Whether there is mail that a flow waits for and has not had. */
  private hasMail(mediator: string, flow: number, context: string): boolean {
    const { journal, mail } = this.parts
    return journal.waits(flow).some(({ type, had }) => mail.first({ mediator, context }, type, had) !== undefined)
  }

  async waiting(mediator: string, after: string, limit: number): Promise<WaitingFlow[]> {
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

  async withdrawn(after: string, limit: number): Promise<string[]> {
    return this.parts.withdrawn.list(after, limit)
  }
}
