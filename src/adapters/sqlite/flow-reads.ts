// Flows as people read them. Each method runs all its statements in one turn, so that it shows one moment.
import type { JournalEntry } from '../../model/flow.ts'
import { FlowTally } from '../../model/flow-tally.ts'
import type { FlowCount, FlowFilter, FlowRow, Question, QuestionFilter, StateOfFlow } from '../../model/flow-views.ts'
import type { FlowReads, FlowSlice, WholeFlow } from '../../seam/flow-reads.ts'
import type { AtOnce } from './durable-reads.ts'
import { FlowRows } from './flow-rows.ts'
import { FlowTimeTable } from './flow-times.ts'
import { JournalTable } from './journal.ts'
import { QuestionTable } from './questions.ts'
import type { Statements } from './statements.ts'

export class FlowViews implements AtOnce<FlowReads> {
  private readonly rows: FlowRows
  private readonly entries: JournalTable
  private readonly times: FlowTimeTable
  private readonly asked: QuestionTable

  constructor(sql: Statements) {
    this.rows = new FlowRows(sql)
    this.entries = new JournalTable(sql)
    this.times = new FlowTimeTable(sql)
    this.asked = new QuestionTable(sql)
  }

  list(filter: FlowFilter, bytesMax?: number): FlowSlice {
    return this.rows.list(filter, bytesMax)
  }

  row(id: number): FlowRow | undefined {
    return this.rows.row(id)
  }

  whole(id: number): WholeFlow | undefined {
    const row = this.rows.row(id)
    return row === undefined ? undefined : { row, journal: this.entries.of(id), times: this.times.of(id) }
  }

  journal(id: number): JournalEntry[] {
    return this.entries.of(id)
  }

  questions(filter: QuestionFilter): Question[] {
    return this.asked.list(filter)
  }

  states(after: number, limit: number): StateOfFlow[] {
    return this.rows.states(after, limit)
  }
}

const countedAtOnce = 2_000

/** Counts the flows of a file by mediator and state. */
export function flowCounts(sql: Statements): FlowCount[] {
  const rows = new FlowRows(sql)
  const tally = new FlowTally()
  for (let after: number | undefined = 0; after !== undefined; ) {
    const slice = rows.states(after, countedAtOnce)
    tally.add(slice)
    after = slice.at(-1)?.id
  }
  return tally.counts
}
