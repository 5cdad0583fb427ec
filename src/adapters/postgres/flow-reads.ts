// Flows as people read them. Each method reads in one transaction, so that it shows one moment.
import type { JournalEntry } from '../../model/flow.ts'
import { FlowTally } from '../../model/flow-tally.ts'
import type { FlowCount, FlowFilter, FlowRow, Question, QuestionFilter, StateOfFlow } from '../../model/flow-views.ts'
import type { FlowReads, FlowSlice, WholeFlow } from '../../seam/flow-reads.ts'
import { flowList, flowRow, flowStates } from './flow-rows.ts'
import { timesOf } from './flow-times.ts'
import { journalOf } from './journal.ts'
import { questionsIn } from './questions.ts'
import type { Beside, Statements } from './statements.ts'

export class FlowViews implements FlowReads {
  private readonly beside: Pick<Beside, 'read'>

  constructor(beside: Pick<Beside, 'read'>) {
    this.beside = beside
  }

  list(filter: FlowFilter, bytesMax?: number): Promise<FlowSlice> {
    return this.beside.read((db) => flowList(db, filter, bytesMax))
  }

  row(id: number): Promise<FlowRow | undefined> {
    return this.beside.read((db) => flowRow(db, id))
  }

  whole(id: number): Promise<WholeFlow | undefined> {
    return this.beside.read(async (db) => {
      const [row, journal, times] = await Promise.all([flowRow(db, id), journalOf(db, id), timesOf(db, id)])
      return row === undefined ? undefined : { row, journal, times }
    })
  }

  journal(id: number): Promise<JournalEntry[]> {
    return this.beside.read((db) => journalOf(db, id))
  }

  questions(filter: QuestionFilter): Promise<Question[]> {
    return this.beside.read((db) => questionsIn(db, filter))
  }

  states(after: number, limit: number): Promise<StateOfFlow[]> {
    return this.beside.read((db) => flowStates(db, after, limit))
  }
}

const countedAtOnce = 2_000

/** Counts the flows of a database by mediator and state. */
export async function flowCounts(db: Statements): Promise<FlowCount[]> {
  const tally = new FlowTally()
  for (let after: number | undefined = 0; after !== undefined; ) {
    const slice: StateOfFlow[] = await flowStates(db, after, countedAtOnce)
    tally.add(slice)
    after = slice.at(-1)?.id
  }
  return tally.counts
}
