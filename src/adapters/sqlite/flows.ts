// Flows on disk: the parent of the tables of flows, which writes their changes in the transaction of a commit.
//
//   start ──→ queued, running ──→ … ──→ ended: its times and questions go, its row and its journal stay for a while
//                          └─paused: its times sleep ──resumed: they wake
import type { JournalEntry, ParentFlow } from '../../model/flow.ts'
import type { FlowRow, StateOfFlow } from '../../model/flow-views.ts'
import type { FlowsFound } from '../../seam/flow-take-up.ts'
import type { FlowChange, FlowRows as FlowRowsFacet, FlowStore, FlowsWritten, StepEnded } from '../../seam/flows.ts'
import type { Beside } from './beside-commits.ts'
import { FlowRows } from './flow-rows.ts'
import { FlowTakeUpReads } from './flow-take-up.ts'
import { FlowTimeTable } from './flow-times.ts'
import { JournalTable } from './journal.ts'
import { MailTable } from './mail.ts'
import { QuestionTable } from './questions.ts'
import type { Statements } from './statements.ts'
import { WithdrawnTable } from './withdrawn.ts'

const forgetRows = 200
const unchanged: FlowsWritten = { ended: [], nextDue: undefined }

export class FlowTables implements FlowStore, FlowRowsFacet {
  /** The facet of rows, which is this object. */
  readonly rows: FlowRowsFacet = this
  readonly times: FlowTimeTable
  readonly mail: MailTable
  readonly takeUp: FlowTakeUpReads
  readonly withdrawn: WithdrawnTable
  private readonly sql: Statements
  private readonly flows: FlowRows
  private readonly entries: JournalTable
  private readonly questions: QuestionTable
  private readonly beside: Pick<Beside, 'write'>

  constructor(sql: Statements, beside: Pick<Beside, 'write'>) {
    this.sql = sql
    this.beside = beside
    this.flows = new FlowRows(sql)
    this.entries = new JournalTable(sql)
    this.questions = new QuestionTable(sql)
    this.times = new FlowTimeTable(sql)
    this.mail = new MailTable(sql, this.flows, beside)
    this.withdrawn = new WithdrawnTable(sql)
    this.takeUp = new FlowTakeUpReads(sql, { journal: this.entries, mail: this.mail, withdrawn: this.withdrawn })
  }

  /** What a take-over finds. */
  found(): FlowsFound {
    const last = this.sql.one<{ seq: number }>("select seq from sqlite_sequence where name = 'millrace_flows'")
    return {
      last: { flow: last?.seq ?? 0, entry: this.entries.numbers.highest, mail: this.mail.numbers.highest },
      nextDue: this.times.next,
    }
  }

  // ── writing ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Writes the changes of one transaction. */
  write(changes: readonly FlowChange[]): FlowsWritten {
    this.times.begin()
    let ended: boolean[] | undefined
    for (const change of changes) {
      if (change.do === 'ended') {
        ended ??= []
        ended.push(this.endStep(change))
      } else this.apply(change)
    }
    const nextDue = this.times.changedNext
    return ended === undefined && nextDue === undefined ? unchanged : { ended: ended ?? [], nextDue }
  }

  /** The transaction under way was rolled back. */
  rollback(): void {
    this.entries.numbers.rollback()
    this.mail.numbers.rollback()
  }

  private apply(change: Exclude<FlowChange, StepEnded>): void {
    switch (change.do) {
      case 'start':
        this.flows.insert(change.row)
        for (const entry of change.journal ?? []) this.enter(change.row.id, entry)
        break
      case 'entry':
        this.enter(change.flow, change.entry)
        break
      case 'renumber':
        this.entries.renumber(change.flow, change.from, change.n)
        break
      case 'state':
        this.become(change)
        break
      case 'timer':
        this.times.set(change.flow, change.n, change.due)
        break
      case 'untimer':
        this.times.remove(change.flow, change.n)
        break
      case 'asleep':
        this.times.sleep(change.flow, change.n)
        break
      case 'awake':
        this.times.wake(change.flow, change.n)
        break
      case 'ask':
        this.questions.ask(change.flow, change.entry)
        break
      case 'escalate':
        this.questions.escalate(change.flow, change.n, change.to)
        break
      case 'mail':
        this.mail.put(change.mail)
        break
      case 'withdraw':
        this.withdrawn.add(change.id)
        break
      case 'passed':
        this.withdrawn.remove(change.id)
        break
    }
  }

  /** A step has ended in the transaction of another processor. Returns whether its flow exists. */
  private endStep({ flow, entry }: StepEnded): boolean {
    if (!this.entries.enterEnd(flow, entry)) return false
    this.times.remove(flow, entry.of!)
    return true
  }

  private become(change: FlowChange & { readonly do: 'state' }): void {
    const { flow, state, endedAt } = change
    this.flows.become(change)
    if (endedAt !== null) {
      this.times.clear(flow)
      this.questions.clear(flow)
    } else if (state === 'paused') this.times.sleepAll(flow)
    else this.times.wakeAll(flow)
  }

  private enter(flow: number, entry: JournalEntry): void {
    this.entries.enter(flow, entry)
    if (entry.kind === 'ask' && entry.of !== null) this.questions.close(flow, entry.step)
  }

  // ── reading, each call in one turn ─────────────────────────────────────────────────────────────────────────────

  async row(id: number): Promise<FlowRow | undefined> {
    return this.flows.row(id)
  }

  async stateOf(id: number): Promise<StateOfFlow | undefined> {
    return this.flows.stateOf(id)
  }

  async journal(id: number): Promise<JournalEntry[]> {
    return this.entries.of(id)
  }

  async startedBy(parent: ParentFlow): Promise<number | undefined> {
    return this.flows.startedBy(parent)
  }

  async hasOnce(mediator: string, once: string): Promise<boolean> {
    return this.flows.hasOnce(mediator, once)
  }

  async next(mediator: string, context: string): Promise<number | undefined> {
    return this.flows.next({ mediator, context })
  }

  async hasEnd(flow: number, n: number): Promise<boolean> {
    return this.entries.hasEnd(flow, n)
  }

  async forget(endedBeforeMs: number): Promise<number> {
    if (this.flows.endedBefore(endedBeforeMs, 1).length === 0) return 0
    return this.beside.write(() => {
      const old = this.flows.endedBefore(endedBeforeMs, forgetRows)
      for (const id of old) {
        this.entries.clear(id)
        this.flows.delete(id)
      }
      return old.length
    })
  }
}
