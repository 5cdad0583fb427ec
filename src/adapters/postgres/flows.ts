// Flows on the server: the parent of the tables of flows, which writes their changes in the transaction of a commit.
//
//   start ──→ queued, running ──→ … ──→ ended: its times and questions go, its row and its journal stay for a while
//                          └─paused: its times sleep ──resumed: they wake
//
// The changes of a transaction go out in one round trip, table by table: those of one table in their order, and the rows
// of flows first, because times and questions look at them. What a change of one table decides never depends on a later
// change of another: so the order between tables says nothing.
import type { JournalEntry, ParentFlow } from '../../model/flow.ts'
import type { FlowRow, StateOfFlow } from '../../model/flow-views.ts'
import type { FlowsFound } from '../../seam/flow-take-up.ts'
import type { FlowChange, FlowRows, FlowStore, FlowsWritten } from '../../seam/flows.ts'
import type { Mail } from '../../seam/mail.ts'
import {
  endedBefore,
  flowRow,
  flowState,
  hasOnce,
  nextQueued,
  type StateChange,
  sendNew,
  sendStates,
  startedBy,
} from './flow-rows.ts'
import { FlowTakeUpReads } from './flow-take-up.ts'
import { FlowTimeTable, TimeChanges } from './flow-times.ts'
import { hasEnd, JournalChanges, journalOf, keyOf } from './journal.ts'
import { MailTable } from './mail.ts'
import { Numbers } from './numbers.ts'
import { QuestionChanges } from './questions.ts'
import { Sent } from './sent.ts'
import type { Beside, Statements, Transaction } from './statements.ts'
import { WithdrawnChanges } from './withdrawn.ts'

const forgetRows = 200
const unchanged: FlowsWritten = { ended: [], nextDue: undefined }

/** The changes of one transaction, by table. */
class FlowChanges {
  readonly rows: (FlowRow | StateChange)[] = []
  readonly journal = new JournalChanges()
  readonly times = new TimeChanges()
  readonly questions = new QuestionChanges()
  readonly mail: Mail[] = []
  readonly withdrawn = new WithdrawnChanges()
  /** The ends of steps, by `keyOf`. */
  readonly ended: string[] = []

  add(change: FlowChange): void {
    switch (change.do) {
      case 'start':
        this.rows.push(change.row)
        for (const entry of change.journal ?? []) this.enter(change.row.id, entry)
        break
      case 'entry':
        this.enter(change.flow, change.entry)
        break
      case 'ended':
        this.journal.enterEnd(change.flow, change.entry)
        this.times.add({ do: 'remove', flow: change.flow, n: change.entry.of! })
        this.ended.push(keyOf(change.flow, change.entry.n))
        break
      case 'renumber':
        this.journal.renumber(change.flow, change.from, change.n)
        break
      case 'state':
        this.become(change)
        break
      case 'timer':
        this.times.add({ do: 'set', flow: change.flow, n: change.n, due: change.due })
        break
      case 'untimer':
        this.times.add({ do: 'remove', flow: change.flow, n: change.n })
        break
      case 'asleep':
        this.times.add({ do: 'sleep', flow: change.flow, n: change.n })
        break
      case 'awake':
        this.times.add({ do: 'wake', flow: change.flow, n: change.n })
        break
      case 'ask':
      case 'escalate':
        this.questions.add(change)
        break
      case 'mail':
        this.mail.push(change.mail)
        break
      case 'withdraw':
      case 'passed':
        this.withdrawn.add(change.id, change.do)
        break
    }
  }

  private become(change: StateChange): void {
    const { flow, state, endedAt } = change
    this.rows.push(change)
    if (endedAt !== null) {
      this.times.add({ do: 'clear', flow })
      this.questions.add({ do: 'clear', flow })
    } else this.times.add({ do: state === 'paused' ? 'sleep all' : 'wake all', flow })
  }

  private enter(flow: number, entry: JournalEntry): void {
    this.journal.enter(flow, entry)
    if (entry.kind === 'ask' && entry.of !== null) this.questions.add({ do: 'close', flow, step: entry.step })
  }
}

export class FlowTables implements FlowStore, FlowRows {
  /** The facet of rows, which is this object. */
  readonly rows: FlowRows = this
  readonly times: FlowTimeTable
  readonly mail: MailTable
  readonly takeUp: FlowTakeUpReads
  private readonly beside: Beside
  private readonly flowNumbers = new Numbers('flow_numbers')
  private readonly entryNumbers = new Numbers('entry_numbers')

  constructor(beside: Beside) {
    this.beside = beside
    this.times = new FlowTimeTable(beside)
    this.mail = new MailTable(beside)
    this.takeUp = new FlowTakeUpReads(beside)
  }

  /** What a take-over finds. */
  async found(db: Statements): Promise<FlowsFound> {
    const [flow, entry, mail, nextDue] = await Promise.all([
      this.flowNumbers.highest(db),
      this.entryNumbers.highest(db),
      this.mail.numbers.highest(db),
      this.times.next(db),
    ])
    return { last: { flow, entry, mail }, nextDue }
  }

  // ── writing ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Writes the changes of one transaction. */
  async write(db: Transaction, changes: readonly FlowChange[]): Promise<FlowsWritten> {
    if (changes.length === 0) return unchanged
    const all = new FlowChanges()
    for (const change of changes) all.add(change)
    const sent = new Sent()
    this.sendRows(db, sent, all.rows)
    const entered = all.journal.send(db, sent, this.entryNumbers)
    const nextDue = sent.add(this.times.write(db, sent, all.times))
    all.questions.send(db, sent)
    this.mail.send(db, sent, all.mail)
    all.withdrawn.send(db, sent)
    await sent.answered()
    const written = await entered
    return { ended: all.ended.map((key) => written.has(key)), nextDue: await nextDue }
  }

  /** New flows that follow each other go as one statement, and so do new states of different flows. */
  private sendRows(db: Statements, sent: Sent, rows: readonly (FlowRow | StateChange)[]): void {
    let highest = 0
    for (let at = 0; at < rows.length; ) {
      const started: FlowRow[] = []
      for (let one = rows[at]; one !== undefined && 'id' in one; one = rows[++at]) started.push(one)
      if (started.length > 0) sent.add(sendNew(db, started))
      for (const { id } of started) highest = Math.max(highest, id)
      const states = new Map<number, StateChange>()
      for (let one = rows[at]; one !== undefined && 'do' in one && !states.has(one.flow); one = rows[++at]) {
        states.set(one.flow, one)
      }
      if (states.size > 0) sent.add(sendStates(db, [...states.values()]))
    }
    const set = this.flowNumbers.use(db, highest)
    if (set !== undefined) sent.add(set)
  }

  // ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

  row(id: number): Promise<FlowRow | undefined> {
    return this.beside.read((db) => flowRow(db, id))
  }

  stateOf(id: number): Promise<StateOfFlow | undefined> {
    return this.beside.read((db) => flowState(db, id))
  }

  journal(id: number): Promise<JournalEntry[]> {
    return this.beside.read((db) => journalOf(db, id))
  }

  startedBy(parent: ParentFlow): Promise<number | undefined> {
    return this.beside.read((db) => startedBy(db, parent))
  }

  hasOnce(mediator: string, once: string): Promise<boolean> {
    return this.beside.read((db) => hasOnce(db, mediator, once))
  }

  next(mediator: string, context: string): Promise<number | undefined> {
    return this.beside.read((db) => nextQueued(db, { mediator, context }))
  }

  hasEnd(flow: number, n: number): Promise<boolean> {
    return this.beside.read((db) => hasEnd(db, flow, n))
  }

  async forget(endedBeforeMs: number): Promise<number> {
    const some = await this.beside.read((db) => endedBefore(db, endedBeforeMs, 1))
    if (some.length === 0) return 0
    return this.beside.write(async (db) => {
      const old = await endedBefore(db, endedBeforeMs, forgetRows)
      await Promise.all([
        db.run('delete from millrace.journal where flow = any($1::int8[])', [old]),
        db.run('delete from millrace.flows where id = any($1::int8[])', [old]),
      ])
      return old.length
    })
  }
}
